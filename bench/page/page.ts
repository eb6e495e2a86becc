/** What runs in the page of page-to-pool. The bench calls `window.bench`; every time is taken here, in the page's main thread. */
import type { IpfsAccelerate, Session } from "../../sdk/types.ts"
import type { Feed } from "../models.ts"
import type { OpenOrder, RunOrder, WorkerAnswer } from "./ort-worker.ts"

export type Side = "pool" | "worker"

export interface Opened {
  poolThreads: number | undefined
  workerThreads: number
  /** Largest difference between the two sides' outputs. */
  difference: number
}

export interface Bench {
  /** Loads the model at `url` on both sides. */
  open(url: string, threads: number, feed: { name: string; shape: number[]; values: number[] }): Promise<Opened>
  /** One run that does not count, then `runs` one after another; resolves with the mean of those, ms. */
  sample(side: Side, runs: number): Promise<number>
}

declare global {
  interface Window {
    bench: Bench
    // biome-ignore lint/suspicious/noExplicitAny: tests declare it so too; its types are the SDK's
    ipfsAccelerate: any
  }
}

let feeds: Record<string, Feed>
let session: Session | undefined
let worker: Worker | undefined

function ask(order: OpenOrder | RunOrder): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const it = worker as Worker
    it.onerror = (event) => reject(new Error(event.message))
    it.onmessage = ({ data }: MessageEvent<WorkerAnswer>) =>
      "error" in data ? reject(new Error(data.error)) : resolve(data)
    it.postMessage(order)
  })
}

const run: Record<Side, () => Promise<Record<string, Float32Array>>> = {
  pool: async () => {
    const { outputs } = await (session as Session).run(feeds)
    return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]))
  },
  worker: async () => {
    const answer = await ask({ run: feeds })
    if (!("outputs" in answer)) throw new Error("The worker answered something else.")
    return answer.outputs
  },
}

window.bench = {
  async open(url, threads, { name, shape, values }) {
    await session?.dispose()
    worker?.terminate()
    const model = new Uint8Array(await (await fetch(url)).arrayBuffer())
    feeds = { [name]: { dtype: "float32", shape, data: Float32Array.from(values) } }
    const pool = window.ipfsAccelerate as IpfsAccelerate
    session = await pool.load(model, { device: "wasm" })
    worker = new Worker("ort-worker.js", { type: "module" })
    const opened = await ask({ model, assets: new URL("/ort/", location.href).href, threads })
    const [ours, theirs] = [await run.pool(), await run.worker()]
    const differences = Object.entries(ours).flatMap(([output, data]) =>
      Array.from(data, (value, i) => Math.abs(value - theirs[output]![i]!)),
    )
    return {
      poolThreads: session.device.threads,
      workerThreads: "threads" in opened ? opened.threads : Number.NaN,
      difference: Math.max(...differences),
    }
  },
  async sample(side, runs) {
    const one = run[side]
    await one()
    const start = performance.now()
    for (let i = 0; i < runs; i++) await one()
    return (performance.now() - start) / runs
  },
}
