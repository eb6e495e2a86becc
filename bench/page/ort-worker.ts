/** The baseline of page-to-pool: onnxruntime-web in a dedicated worker of the page, as anybody would write it. */
import * as ort from "onnxruntime-web/wasm"
import type { Feed } from "../models.ts"

export interface OpenOrder {
  model: Uint8Array<ArrayBuffer>
  /** URL of the folder with ONNX Runtime's files. */
  assets: string
  threads: number
}
export interface RunOrder {
  run: Record<string, Feed>
}
/** `threads` after an order to open, `outputs` after a run. */
export type WorkerAnswer = { threads: number } | { outputs: Record<string, Float32Array> } | { error: string }

let session: ort.InferenceSession

async function open({ model, assets, threads }: OpenOrder): Promise<WorkerAnswer> {
  ort.env.wasm.wasmPaths = assets
  ort.env.wasm.numThreads = threads
  ort.env.logLevel = "fatal"
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], logSeverityLevel: 3 })
  return { threads: ort.env.wasm.numThreads }
}

async function run(feeds: RunOrder["run"]): Promise<WorkerAnswer> {
  const tensors = Object.entries(feeds).map(
    ([name, { dtype, shape, data }]) => [name, new ort.Tensor(dtype, data, shape)] as const,
  )
  const results = await session.run(Object.fromEntries(tensors))
  return {
    outputs: Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array])),
  }
}

addEventListener("message", async ({ data: order }: MessageEvent<OpenOrder | RunOrder>) => {
  let answer: WorkerAnswer
  try {
    answer = "run" in order ? await run(order.run) : await open(order)
  } catch (error) {
    answer = { error: String(error) }
  }
  const moved = "outputs" in answer ? Object.values(answer.outputs).map(({ buffer }) => buffer as ArrayBuffer) : []
  postMessage(answer, { transfer: moved })
})
