/**
 * Node → bridge-server → native process, against onnxruntime-node called directly in a process of its own: what a caller waits for one run, and
 * how many runs a second 16 callers get. Both have the same intra-op threads and the same cores. `node bench/node-to-native.ts [--budget MS]`
 */
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { compare, type NotRun, type Row, writeResult } from "./harness.ts"
import { type BenchModel, feedsOf, models } from "./models.ts"
import { BridgeProcess } from "./native/bridge-process.ts"
import { DirectProcess } from "./native/direct-process.ts"
import { median } from "./statistics.ts"

const { values } = parseArgs({ options: { budget: { type: "string", default: "30000" } } })
const budgetMs = Number(values.budget)
const CALLERS = 16
/** Of a burst of 16 callers on the baseline, ms: long enough that its beginning and end, when fewer run, count for little. */
const BURST_MS = Math.min(300, budgetMs / 20)
/** Of one caller's sample on the baseline, ms: what one side leaves in the caches costs the other its first runs. */
const SAMPLE_MS = Math.min(60, budgetMs / 100)
/** A caller who has something else to do between two runs, ms: its caches are as cold then, whatever it calls. */
const PAUSE_MS = 20
/** Of its sample. */
const PAUSED_RUNS = 7
/** Each side runs so long before the clock starts, ms: the path through the bridge-server is JavaScript, which takes twice the time until it is compiled. */
const WARM_UP_MS = Math.min(10_000, budgetMs)

interface Sides {
  bridge: BridgeProcess
  direct: DirectProcess
}

/** The time of one run, alone. A sample is the median of `inner` runs in a row. */
async function oneCaller(
  { name }: BenchModel,
  threads: string,
  { bridge, direct }: Sides,
  pauseMs: number,
): Promise<Row> {
  const typical = median((await direct.burst({ runs: 10, callers: 1 })).latenciesMs)
  const inner = pauseMs > 0 ? PAUSED_RUNS : Math.min(200, Math.max(5, Math.round(SAMPLE_MS / typical)))
  const time = async (side: BridgeProcess | DirectProcess) =>
    median((await side.burst({ runs: inner, callers: 1, pauseMs })).latenciesMs)
  const row = await compare({
    case: `${name}, 1 caller${pauseMs > 0 ? " with pauses" : ""}, ${threads}`,
    subject: { name: "bridge-server", run: () => time(bridge) },
    baseline: { name: "onnxruntime-node", run: () => time(direct) },
    unit: "ms",
    budgetMs,
  })
  const added = (row.subjectMedian - row.baselineMedian).toFixed(2)
  return withNote(row, `adds ${added} ms; a sample is the median of ${inner} runs`)
}

/** Runs a second that all callers together get. A sample is a burst. */
async function manyCallers({ name }: BenchModel, threads: string, { bridge, direct }: Sides): Promise<Row> {
  const { elapsedMs } = await direct.burst({ runs: CALLERS, callers: CALLERS })
  const runs = Math.min(100, Math.max(2, Math.round(BURST_MS / elapsedMs))) * CALLERS
  const bridgeMs: number[] = []
  const directMs: number[] = []
  const rate = async (side: BridgeProcess | DirectProcess, processorMs: number[]) => {
    const before = side.processorMs()
    const { elapsedMs, latenciesMs } = await side.burst({ runs, callers: CALLERS })
    const after = side.processorMs()
    if (before !== undefined && after !== undefined) processorMs.push((after - before) / latenciesMs.length)
    return (latenciesMs.length * 1000) / elapsedMs
  }
  const row = await compare({
    case: `${name}, ${CALLERS} callers, ${threads}`,
    subject: { name: "bridge-server", run: () => rate(bridge, bridgeMs) },
    baseline: { name: "onnxruntime-node", run: () => rate(direct, directMs) },
    unit: "runs/s",
    warmup: 1,
    budgetMs,
  })
  const processor = bridgeMs.length
    ? `; a run takes ${median(bridgeMs).toPrecision(3)} ms of processor time, ${median(directMs).toPrecision(3)} called directly`
    : ""
  return withNote(row, `a sample is ${runs} runs${processor}`)
}

function withNote(row: Row, note: string): Row {
  return { ...row, note: [note, row.note].filter(Boolean).join("; ") }
}

async function compareModel(model: BenchModel, threads: number, sides: Sides): Promise<Row[]> {
  const feeds = feedsOf(model)
  const [ours, theirs] = [await sides.bridge.open(model, feeds), await sides.direct.open(model, threads, feeds)]
  for (const [output, data] of Object.entries(theirs))
    if (data.some((value, i) => value !== ours[output]?.[i]))
      throw new Error(`${model.name}: ${output} is not what onnxruntime-node gives, though it is the same runtime.`)
  for (const side of [sides.bridge, sides.direct]) await warmUp(side)
  const words = `${threads} thread${threads === 1 ? "" : "s"}`
  return [
    await oneCaller(model, words, sides, 0),
    await oneCaller(model, words, sides, PAUSE_MS),
    await manyCallers(model, words, sides),
  ]
}

async function warmUp(side: BridgeProcess | DirectProcess): Promise<void> {
  const start = performance.now()
  while (performance.now() - start < WARM_UP_MS) await side.burst({ runs: 10, callers: 1 })
}

const rows: Row[] = []
const notRun: NotRun[] = []
// All cores, as by default; and all but one, which leaves the bridge-server and the callers room of their own.
const cores = availableParallelism()
for (const threads of new Set([cores, Math.max(1, cores - 1)])) {
  const direct = new DirectProcess()
  const bridge = await BridgeProcess.start(threads, CALLERS)
  try {
    for (const model of [models.digits, models.kwt1, models.ultraface, models.mobilenetv2])
      if (model.missing) notRun.push({ case: model.name, reason: model.missing })
      else rows.push(...(await compareModel(model, threads, { bridge, direct })))
  } finally {
    await bridge.close()
    await direct.close()
  }
}
writeResult("node-to-native", rows, notRun)
