/**
 * A page → `window.ipfsAccelerate` → the extension's pool on WebAssembly, against onnxruntime-web in a dedicated worker of the same page, with the same
 * threads: what one run takes, seen from the page. Once with the page cross-origin isolated, so that its own worker may have threads, and
 * once without, as most pages are. `node bench/page-to-pool.ts [--budget MS]`
 */
import { availableParallelism } from "node:os"
import path from "node:path"
import { parseArgs } from "node:util"
import type { Page } from "playwright-core"
import { repoRoot } from "../scripts/sources.ts"
import { bundle } from "../test/support/bundle.ts"
import { launchExtension } from "../test/support/extension.ts"
import { serveFolder } from "../test/support/serve.ts"
import { compare, type NotRun, type Row, writeResult } from "./harness.ts"
import { type BenchModel, feedsOf, models } from "./models.ts"
import type { Side } from "./page/page.ts"

const { values } = parseArgs({ options: { budget: { type: "string", default: "20000" } } })
const budgetMs = Number(values.budget)
/** What a browser's clock goes by: 5 µs in an isolated page, 0.1 ms in any other. */
const tickMs = { isolated: 0.005, "not isolated": 0.1 } as const
/** Of a sample, so that the clock's tick is less than 1 % of it. */
const SAMPLE_TICKS = 120
/** WebAssembly is slow until the browser has optimised it, which it does meanwhile. */
const WARM_UP_MS = 3000
/** ONNX Runtime's builds order some sums differently. */
const TOLERANCE = 1e-4

async function compareModel(page: Page, model: BenchModel, isolation: keyof typeof tickMs): Promise<Row> {
  const [[name, feed]] = Object.entries(feedsOf(model)) as [[string, ReturnType<typeof feedsOf>[string]]]
  const opened = await page.evaluate(([url, threads, given]) => window.bench.open(url, threads, given), [
    `/models/${model.name}/${path.basename(model.file)}`,
    isolation === "isolated" ? availableParallelism() : 1,
    { name, shape: feed.shape, values: Array.from(feed.data) },
  ] as const)
  if (!(opened.difference < TOLERANCE))
    throw new Error(`${model.name}: the two sides' answers differ by ${opened.difference}.`)
  const sample = (side: Side, runs: number) =>
    page.evaluate(([side, runs]) => window.bench.sample(side, runs), [side, runs] as const)
  const typical = await warmUp(sample)
  const runs = Math.max(1, Math.ceil((SAMPLE_TICKS * tickMs[isolation]) / typical))
  const threads = (n: number | undefined) => `${n} thread${n === 1 ? "" : "s"}`
  return compare({
    case: `${model.name}, page ${isolation}`,
    subject: { name: `pool, ${threads(opened.poolThreads)}`, run: () => sample("pool", runs) },
    baseline: {
      name: `onnxruntime-web in a worker, ${threads(opened.workerThreads)}`,
      run: () => sample("worker", runs),
    },
    unit: "ms",
    budgetMs,
    note: `a sample is the mean of ${runs} run${runs === 1 ? "" : "s"}; the clock's tick is ${tickMs[isolation]} ms`,
  })
}

/** Runs both sides until they are as fast as they get; resolves with the baseline's time for one run then, ms. */
async function warmUp(sample: (side: Side, runs: number) => Promise<number>): Promise<number> {
  const until = performance.now() + Math.min(WARM_UP_MS, budgetMs)
  let typical = 0
  do {
    await sample("pool", 5)
    typical = await sample("worker", 5)
  } while (performance.now() < until)
  return typical
}

const compared = [models.digits, models.digits128, models.kwt1]
const rows: Row[] = []
const notRun: NotRun[] = []
const bundled = await bundle({ page: "bench/page/page.ts", "ort-worker": "bench/page/ort-worker.ts" })
const browser = await launchExtension()
try {
  for (const isolation of ["isolated", "not isolated"] as const) {
    const served = await serveFolder(bundled.dir, {
      isolated: isolation === "isolated",
      mounts: {
        "/ort/": path.join(repoRoot, "node_modules/onnxruntime-web/dist"),
        ...Object.fromEntries(compared.map(({ name, file }) => [`/models/${name}/`, path.dirname(file)])),
      },
    })
    try {
      const page = await browser.context.newPage()
      await page.goto(served.url)
      const grant = await browser.enable(page, "session")
      if (!("origin" in grant)) throw new Error(`The prompt was answered with yes, and still: ${JSON.stringify(grant)}`)
      for (const model of compared)
        if (model.missing) notRun.push({ case: `${model.name}, page ${isolation}`, reason: model.missing })
        else rows.push(await compareModel(page, model, isolation))
      await page.close()
    } finally {
      await served.close()
    }
  }
} finally {
  await browser.close()
  await bundled.remove()
}
writeResult("page-to-pool", rows, notRun)
