/** What runs in the page of bench/kernels.ts. The bench calls `window.kernels`; every time is taken here. */
import * as ort from "onnxruntime-web/webgpu"
import { fromOrt, toOrt } from "../../engine/backends/ort-tensor.ts"
import { requestFullDevice, requestOrtDevice } from "../../engine/backends/webgpu-adapter.ts"
import { findConvFault } from "../../engine/backends/webgpu-conv-fault.ts"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { createKernels, KernelRuntime, traitsOf, usage } from "../../kernels/index.ts"
import type { Tensor } from "../../protocol/index.ts"
import type { Feed } from "../models.ts"
import type { OpenOrder, RunOrder, WorkerAnswer } from "../page/ort-worker.ts"
import { operations } from "./cases.ts"
import { type Counts, counted } from "./counted-device.ts"
import { difference } from "./difference.ts"
import { feedsFor, wave } from "./feeds.ts"
import { copyPeak, fmaPeak } from "./peaks.ts"

export type Side = "wgsl" | "ort" | "wasm" | "peak"

/** For each side that could be opened, how far its answers are from ours, in parts of the largest; for others, why not. */
export type Opened = Partial<Record<Side, { difference: number } | { reason: string }>>

export interface KernelBench {
  /** What the browser says of its adapter. */
  adapter(): Promise<string>
  openOperation(name: string): Promise<Opened>
  openModel(url: string, dims: Record<string, number>, threads: number): Promise<Opened>
  /** Floating-point operations or bytes of one run of the peak. */
  openPeak(kind: "fma" | "copy"): Promise<number>
  /** The mean of `runs` runs one after another, ms. */
  sample(side: Side, runs: number): Promise<number>
  /** What one run takes of the device, and the most memory there was since the page was opened. */
  counts(side: "wgsl" | "ort"): Promise<Pick<Counts, "dispatches" | "moved" | "peak">>
  /** What our memory plan for the model's tensors takes, and a buffer for each of them would take, bytes. */
  plan(): Promise<{ peakBytes: number; sumBytes: number }>
}

declare global {
  interface Window {
    kernels: KernelBench
  }
}

ort.env.wasm.wasmPaths = new URL("/ort/", location.href).href
ort.env.wasm.numThreads = 1
ort.env.logLevel = "fatal"

async function makeDevice(request: typeof requestFullDevice): Promise<{ device: GPUDevice; counts: Counts }> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" })
  if (!adapter) throw new Error("The browser offers no adapter.")
  const device = await request(adapter)
  return { device, counts: counted(device) }
}
/** One for each side, so that neither finds the other's buffers or work. */
const devices = { wgsl: makeDevice(requestFullDevice), ort: makeDevice(requestOrtDevice) }
const runs: Partial<Record<Side, () => Promise<unknown>>> = {}
let ourSession: WgslSession | undefined

async function ortSession(model: Uint8Array, onGpu: boolean): Promise<ort.InferenceSession> {
  const { device } = await devices.ort
  const { model: named, cpuNodes } = findConvFault(model)
  return ort.InferenceSession.create(named, {
    executionProviders: [{ name: "webgpu", device, ...(cpuNodes.length > 0 && { forceCpuNodeNames: cpuNodes }) }],
    ...(onGpu && { preferredOutputLocation: "gpu-buffer" as const }),
    logSeverityLevel: 4,
  })
}

async function attempt(opened: Opened, side: Side, open: () => Promise<{ difference: number }>): Promise<void> {
  try {
    opened[side] = await open()
  } catch (error) {
    delete runs[side]
    opened[side] = {
      reason: String(error instanceof Error ? error.message : error)
        .split("\n")[0]!
        .slice(0, 300),
    }
  }
}

/** What ONNX Runtime leaves to its CPU kernels says nothing of its WebGPU ones. */
function requireDispatches({ dispatches }: Counts): void {
  if (dispatches === 0) throw new Error("It is computed on the CPU: nothing was dispatched.")
}

async function openOperation(name: string): Promise<Opened> {
  const operation = operations.find((one) => one.name === name)!
  const [{ device }, { device: theirs, counts }] = [await devices.wgsl, await devices.ort]
  const gpu = createKernels(device)
  const tensors = Object.entries(operation.inputs).map(([name, shape]) => ({ name, ...wave(shape) }))
  const run = operation.open(
    gpu,
    tensors.map((tensor) => gpu.tensor(tensor)),
  )
  runs.wgsl = async () => {
    const y = await run()
    await device.queue.onSubmittedWorkDone()
    y.destroy()
  }
  const opened: Opened = {}
  let ours: Tensor
  await attempt(opened, "wgsl", async () => {
    const y = await run()
    ours = { dtype: "float32", shape: operation.output, data: await y.read() }
    y.destroy()
    return { difference: 0 }
  })
  await attempt(opened, "ort", async () => {
    const session = await ortSession(operation.model(), true)
    const feeds = Object.fromEntries(
      tensors.map(({ name, shape, data }) => {
        const buffer = theirs.createBuffer({
          size: data.byteLength,
          usage: usage.STORAGE | usage.COPY_SRC | usage.COPY_DST,
        })
        theirs.queue.writeBuffer(buffer, 0, data)
        return [name, ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: shape })]
      }),
    )
    const inPlace = Object.entries(operation.inPlace ?? {}).map(([output, input]) => [output, feeds[input]!] as const)
    const fetches = { y: null, ...Object.fromEntries(inPlace) }
    const run = async () => (await session.run(feeds, fetches)).y!
    runs.ort = async () => {
      const y = await run()
      await theirs.queue.onSubmittedWorkDone()
      y.dispose()
    }
    const y = await run()
    requireDispatches(counts)
    const answer = fromOrt(y, await y.getData(true))
    return { difference: difference({ y: ours }, { y: answer }) }
  })
  return opened
}

async function openModel(url: string, dims: Record<string, number>, threads: number): Promise<Opened> {
  const model = new Uint8Array(await (await fetch(url)).arrayBuffer())
  const { device } = await devices.wgsl
  const session = await WgslSession.open(new KernelRuntime(device, traitsOf(device)), model)
  ourSession = session
  const feeds = feedsFor(session.inputs, dims)
  runs.wgsl = async () => (await session.run(feeds, {})).outputs
  const opened: Opened = {}
  let ours: Record<string, Tensor> = {}
  await attempt(opened, "wgsl", async () => {
    ours = (await runs.wgsl!()) as Record<string, Tensor>
    return { difference: 0 }
  })
  await attempt(opened, "ort", async () => {
    const session = await ortSession(model, false)
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toOrt(ort.Tensor, feed)]))
    runs.ort = () => session.run(tensors)
    const outputs = Object.entries(await session.run(tensors)).map(([name, t]) => [name, fromOrt(t, t.data)] as const)
    requireDispatches((await devices.ort).counts)
    return { difference: difference(ours, Object.fromEntries(outputs)) }
  })
  await attempt(opened, "wasm", async () => {
    const worker = new Worker("ort-worker.js", { type: "module" })
    const ask = (order: OpenOrder | RunOrder) =>
      new Promise<WorkerAnswer>((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(event.message))
        worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) =>
          "error" in data ? reject(new Error(data.error)) : resolve(data)
        worker.postMessage(order)
      })
    await ask({ model, assets: ort.env.wasm.wasmPaths as string, threads })
    const order = { run: feeds as unknown as Record<string, Feed> }
    runs.wasm = () => ask(order)
    const answer = (await ask(order)) as { outputs: Record<string, ArrayBufferView> }
    const outputs = Object.entries(answer.outputs).map(([name, data]) => {
      const { dtype, shape } = ours[name]!
      // float16 comes as Float16Array where there is one; ours are the bits
      const own = dtype === "float16" ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2) : data
      return [name, { dtype, shape, data: own } as Tensor] as const
    })
    return { difference: difference(ours, Object.fromEntries(outputs)) }
  })
  return opened
}

window.kernels = {
  async adapter() {
    const { info } = (await navigator.gpu.requestAdapter())!
    return [info.vendor, info.architecture, info.description].filter(Boolean).join(" ")
  },
  openOperation,
  openModel,
  async openPeak(kind) {
    const { device } = await devices.wgsl
    const { run, work } = await (kind === "fma" ? fmaPeak : copyPeak)(device)
    runs.peak = run
    return work
  },
  async sample(side, count) {
    const run = runs[side]!
    const start = performance.now()
    for (let i = 0; i < count; i++) await run()
    return (performance.now() - start) / count
  },
  async counts(side) {
    const { counts } = await devices[side]
    counts.dispatches = 0
    counts.moved = 0
    await runs[side]!()
    return { dispatches: counts.dispatches, moved: counts.moved, peak: counts.peak }
  },
  plan: async () => ourSession!.plan!,
}
