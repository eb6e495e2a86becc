/**
 * The baseline of node-to-native: a process that calls onnxruntime-node and does nothing else. Told by IPC what to run, it answers with what
 * it measured.
 */
import * as ort from "onnxruntime-node"
import { type Burst, type BurstPlan, burst } from "../burst.ts"
import { copyOf, type Feed } from "../models.ts"

export type Order = { open: { file: string; threads: number; feeds: Record<string, Feed> } } | { burst: BurstPlan }

/** To `open`: one run's outputs. To `burst`: a Burst. */
export type Answer = Record<string, Float32Array> | Burst

let session: ort.InferenceSession | undefined
let feeds: Record<string, Feed> = {}

async function open({ file, threads, feeds: given }: Extract<Order, { open: unknown }>["open"]) {
  await session?.release()
  ort.env.logLevel = "fatal"
  session = await ort.InferenceSession.create(file, { intraOpNumThreads: threads, logSeverityLevel: 3 })
  feeds = given
  const outputs = await run()
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]))
}

function run() {
  const tensors = Object.entries(copyOf(feeds)).map(
    ([name, { dtype, shape, data }]) => [name, new ort.Tensor(dtype, data, shape)] as const,
  )
  return (session as ort.InferenceSession).run(Object.fromEntries(tensors))
}

process.on("message", async (order: Order) => {
  const answer: Answer = "open" in order ? await open(order.open) : await burst(order.burst, run)
  process.send?.(answer)
})
