/**
 * Our kernels against onnxruntime-web's WebGPU backend, in one Chromium and interleaved: single operations whose inputs and results stay on the device, and whole
 * models from values to values. For whole models also against WebAssembly, and what each side makes the device do and hold, which is the same on any machine.
 * `node bench/kernels.ts [--budget MS] [--only TEXT]`
 */
import { rmSync } from "node:fs"
import { availableParallelism } from "node:os"
import path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { parseArgs } from "node:util"
import type { Page } from "playwright-core"
import { repoRoot } from "../scripts/sources.ts"
import { bundle } from "../test/support/bundle.ts"
import { launchChromium } from "../test/support/chromium.ts"
import { serveFolder } from "../test/support/serve.ts"
import { compare, exact, type NotRun, printRows, type Row, writeResult } from "./harness.ts"
import { operations } from "./kernels/cases.ts"
import { storedPrefill, type WholeModel, wholeModels } from "./kernels/models.ts"
import type { Opened, Side } from "./kernels/page.ts"
import { isBoundByCompute } from "./kernels/peaks.ts"

/** By default a minute for each case, in which the slowest has 8 samples on two cores without a GPU, and most have all 30. */
const { values } = parseArgs({ options: { budget: { type: "string", default: "60000" }, only: { type: "string" } } })
const budgetMs = Number(values.budget)
/** For all of a case: what is measured runs at least eight times, and is opened and compared before. What takes longer is said to. */
const caseMs = 60_000 + 20 * budgetMs
/** Of one sample, where runs are short: the clock's tick is less than 1 % of it. */
const SAMPLE_MS = 2
const names: Record<Side, string> = {
  wgsl: "our kernels",
  ort: "onnxruntime-web, WebGPU",
  wasm: "onnxruntime-web, WebAssembly",
  peak: "the adapter's peak",
}

const rows: Row[] = []
const notRun: NotRun[] = []

const sample = (page: Page, side: Side, runs = 1) =>
  page.evaluate(([side, runs]) => window.kernels.sample(side, runs), [side, runs] as const)

/** Both sides on `page`, timed; a sample is so many runs that the clock can tell. */
async function time(
  page: Page,
  name: string,
  baseline: Side,
  rate?: { amounts: Partial<Record<Side, number>>; unit: string },
): Promise<Row> {
  // a warm-up too, after the runs that the answers were compared by
  const typical = Math.min(await sample(page, "wgsl"), await sample(page, baseline))
  const runs = Math.max(1, Math.ceil(SAMPLE_MS / typical))
  const arm = (side: Side) => ({
    name: names[side],
    run: async () => {
      const ms = await sample(page, side, runs)
      return rate ? rate.amounts[side]! / ms / 1e6 : ms
    },
  })
  const row = await compare({
    case: name,
    subject: arm("wgsl"),
    baseline: arm(baseline),
    unit: rate?.unit ?? "ms",
    budgetMs,
    warmup: 0,
    ...(runs > 1 && { note: `a sample is the mean of ${runs} runs` }),
  })
  printRows([row])
  return row
}

/** The sides that `opened` has, and for the others a line that says why not. Throws where answers differ. */
function check(opened: Opened, name: string, tolerance: number): Set<Side> {
  const sides = new Set<Side>()
  for (const [side, one] of Object.entries(opened) as [Side, { difference: number } | { reason: string }][])
    if ("reason" in one) notRun.push({ case: `${name}, ${names[side]}`, reason: one.reason })
    else if (!(one.difference <= tolerance))
      throw new Error(`${name}: the answers of ${names[side]} differ from ours by ${one.difference}.`)
    else sides.add(side)
  return sides
}

/** `work` in a page of its own; where it is not done in time, a line that says so and another browser: nothing ends what an adapter computes but its process. */
async function inPage(name: string, work: (page: Page) => Promise<void>): Promise<void> {
  console.error(`${name} …`)
  const page = await context.newPage()
  await page.goto(served.url)
  await page.waitForFunction(() => "kernels" in globalThis)
  const working = work(page)
  const isDone = await Promise.race([working.then(() => true), delay(caseMs, false, { ref: false })])
  if (isDone) return page.close()
  notRun.push({ case: name, reason: `it was not done within ${caseMs / 1000} s` })
  working.catch(() => {})
  await context.close()
  context = await launchChromium()
}

async function operation(page: Page, one: (typeof operations)[number]): Promise<void> {
  const { name, flops, bytes, ofPeak } = one
  const sides = check(await page.evaluate((name) => window.kernels.openOperation(name), name), name, 1e-4)
  if (!sides.has("wgsl")) return
  if (sides.has("ort")) rows.push(await time(page, name, "ort"))
  if (!ofPeak) return
  const computes = isBoundByCompute(one)
  const work = await page.evaluate(
    (kind) => window.kernels.openPeak(kind),
    computes ? ("fma" as const) : ("copy" as const),
  )
  const [amounts, unit] = [{ wgsl: computes ? flops : bytes, peak: work }, computes ? "GFLOP/s" : "GB/s"]
  rows.push(await time(page, `${name}, of the ${computes ? "FMA peak" : "copy bandwidth"}`, "peak", { amounts, unit }))
}

async function wholeModel(page: Page, one: WholeModel): Promise<void> {
  const { name: title, file, dims, tolerance } = one
  const url = `/models/${title}/${path.basename(file)}`
  const opened = await page.evaluate(([url, dims, threads]) => window.kernels.openModel(url, dims, threads), [
    url,
    dims,
    availableParallelism(),
  ] as const)
  const sides = check(opened, title, tolerance)
  if (!sides.has("wgsl")) return
  if (sides.has("ort") && wholeModels.includes(one)) {
    const [ours, theirs] = await page.evaluate(async () => [
      await window.kernels.counts("wgsl"),
      await window.kernels.counts("ort"),
    ])
    const row = (what: string, unit: "dispatches" | "bytes", mine: number, other: number) =>
      rows.push(exact(`${title}, ${what}`, names.wgsl, names.ort, unit, mine, other))
    row("dispatches a run", "dispatches", ours!.dispatches, theirs!.dispatches)
    row("bytes moved a run", "bytes", ours!.moved, theirs!.moved)
    row("peak memory", "bytes", ours!.peak, theirs!.peak)
    const { peakBytes, sumBytes } = await page.evaluate(() => window.kernels.plan())
    rows.push(exact(`${title}, memory plan`, names.wgsl, "a buffer for each tensor", "bytes", peakBytes, sumBytes))
  }
  if (sides.has("ort")) rows.push(await time(page, title, "ort"))
  if (sides.has("wasm")) rows.push(await time(page, `${title}, against WebAssembly`, "wasm"))
}

const chosen = (name: string) => !values.only || name.includes(values.only)
const bundled = await bundle({ page: "bench/kernels/page.ts", "ort-worker": "bench/page/ort-worker.ts" })
const models = [storedPrefill(bundled.dir), ...wholeModels].filter(({ name, missing }) => {
  if (missing) notRun.push({ case: name, reason: missing })
  return !missing && chosen(name)
})
const served = await serveFolder(bundled.dir, {
  isolated: true,
  mounts: {
    "/ort/": path.join(repoRoot, "node_modules/onnxruntime-web/dist"),
    ...Object.fromEntries(models.map(({ name, file }) => [`/models/${name}/`, path.dirname(file)])),
  },
})
process.once("exit", () => rmSync(bundled.dir, { recursive: true, force: true }))
let context = await launchChromium()
let adapter = ""
try {
  await inPage("the adapter", async (page) => {
    adapter = await page.evaluate(() => window.kernels.adapter())
  })
  for (const one of operations.filter(({ name }) => chosen(name)))
    await inPage(one.name, (page) => operation(page, one))
  // A page each, and with it devices of their own: the peak of one says nothing of another.
  for (const one of models) await inPage(one.name, (page) => wholeModel(page, one))
} finally {
  await context.close()
  await served.close()
}
const absent = "it reads no ONNX, none of these models exists in its format, and it is no dependency"
notRun.push({ case: "whole models, TF.js, WebGPU", reason: absent })
writeResult("kernels", rows, notRun, adapter)
