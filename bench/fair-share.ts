/**
 * A page that asks for one run after another, beside another site's page that floods the pool, against the same page alone: the 95th
 * percentile of what it waits for a run. Both are on WebAssembly in the extension's pool; the flood is 24 runs at once, asked for again as
 * they end, of a smaller, the same and larger models. `node bench/fair-share.ts [--budget MS]`
 */
import path from "node:path"
import { parseArgs } from "node:util"
import type { Page } from "playwright-core"
import { type ExtensionBrowser, launchExtension, pagesDir } from "../test/support/extension.ts"
import { serveFolder } from "../test/support/serve.ts"
import { compare, type NotRun, type Row, writeResult } from "./harness.ts"
import { type BenchModel, feedsOf, models } from "./models.ts"

const { values } = parseArgs({ options: { budget: { type: "string", default: "90000" } } })
const budgetMs = Number(values.budget)
const FLOOD = 24
/** Of one sample: its p95 is the sixth largest. */
const RUNS = 100

/** What each page has at `window.sharing`. */
interface Sharing {
  run(): Promise<unknown>
  flooding: boolean
  flood: Promise<unknown>
}

declare global {
  interface Window {
    sharing: Sharing
  }
}

async function open(browser: ExtensionBrowser, url: string, model: BenchModel): Promise<Page> {
  const page = await browser.context.newPage()
  await page.goto(url)
  const grant = await browser.enable(page, "session")
  if (!("origin" in grant)) throw new Error(`The prompt was answered with yes, and still: ${JSON.stringify(grant)}`)
  const [[name, feed]] = Object.entries(feedsOf(model)) as [[string, ReturnType<typeof feedsOf>[string]]]
  await page.evaluate(
    async ({ file, name, shape, values }) => {
      const session = await window.ipfsAccelerate.load(file, { device: "wasm" })
      const run = () => session.run({ [name]: { dtype: "float32", shape, data: Float32Array.from(values) } })
      for (let i = 0; i < 20; i++) await run()
      window.sharing = { run, flooding: false, flood: Promise.resolve() }
    },
    { file: `/models/${model.name}/${path.basename(model.file)}`, name, shape: feed.shape, values: [...feed.data] },
  )
  return page
}

/** p95 of RUNS runs, one after another, ms. */
const p95 = (page: Page) =>
  page.evaluate(async (runs) => {
    const { run } = window.sharing
    const waits: number[] = []
    for (let i = 0; i < runs; i++) {
      const start = performance.now()
      await run()
      waits.push(performance.now() - start)
    }
    return waits.sort((a, b) => a - b)[Math.ceil(0.95 * runs) - 1] as number
  }, RUNS)

async function flood(page: Page, atOnce: number): Promise<void> {
  await page.evaluate((atOnce) => {
    const it = window.sharing
    it.flooding = true
    const caller = async () => {
      while (it.flooding) await it.run()
    }
    it.flood = Promise.all(Array.from({ length: atOnce }, caller))
  }, atOnce)
}

const ebb = (page: Page) =>
  page.evaluate(async () => {
    window.sharing.flooding = false
    await window.sharing.flood
  })

async function compareWith(
  browser: ExtensionBrowser,
  url: string,
  victim: BenchModel,
  other: BenchModel,
): Promise<Row> {
  const quiet = await open(browser, url, victim)
  const flooding = await open(browser, url.replace("localhost", "127.0.0.1"), other)
  const row = await compare({
    case: `${victim.name} beside a flood of ${other.name}`,
    subject: {
      name: "beside the flood",
      run: async () => {
        await flood(flooding, FLOOD)
        const ms = await p95(quiet)
        await ebb(flooding)
        return ms
      },
    },
    baseline: { name: "alone", run: () => p95(quiet) },
    unit: "ms",
    warmup: 1,
    budgetMs,
    note: `p95 of ${RUNS} runs in a row`,
  })
  for (const page of [quiet, flooding]) await page.close()
  return row
}

const victims = models.kwt1
const floods = [models.digits, models.kwt1, models.mobilenetv2, models.ultraface]
const rows: Row[] = []
const notRun: NotRun[] = []
const browser = await launchExtension()
const served = await serveFolder(pagesDir, {
  mounts: Object.fromEntries(floods.map(({ name, file }) => [`/models/${name}/`, path.dirname(file)])),
})
try {
  for (const other of floods) {
    const missing = victims.missing ?? other.missing
    if (missing) notRun.push({ case: `${victims.name} beside a flood of ${other.name}`, reason: missing })
    else rows.push(await compareWith(browser, served.url, victims, other))
  }
} finally {
  await browser.close()
  await served.close()
}
writeResult("fair-share", rows, notRun)
