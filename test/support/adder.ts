import { create } from "@bufbuild/protobuf"
import type { Backend, BackendSession, ModelFiles } from "../../engine/backend.ts"
import { serveBackend } from "../../engine/host.ts"
import type { HostFactory } from "../../engine/host-factory.ts"
import { ModelProtoSchema } from "../../graph/generated/onnx_pb.js"
import { readModel, writeModel } from "../../graph/index.ts"
import { type DeviceInfo, fail, type KeptTensor, memoryPorts, type Tensor, tensorBytes } from "../../protocol/index.ts"

/** A real ONNX model, y = x + bias, over float32 `shape`; `weights` more bytes make it larger and nothing else. */
export function adderModel(bias: number, weights = 0, shape: (string | number)[] = ["n"]): Uint8Array {
  const raw = (value: number) => new Uint8Array(new Float32Array([value]).buffer)
  const dim = shape.map((d) =>
    typeof d === "string"
      ? { value: { case: "dimParam" as const, value: d } }
      : { value: { case: "dimValue" as const, value: BigInt(d) } },
  )
  const type = { value: { case: "tensorType" as const, value: { elemType: 1, shape: { dim } } } }
  const ballast = { name: "ballast", dims: [BigInt(weights)], dataType: 3, rawData: new Uint8Array(weights) }
  return writeModel(
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 17n }],
      graph: {
        name: "adder",
        node: [{ opType: "Add", input: ["x", "bias"], output: ["y"], name: "add" }],
        initializer: [{ name: "bias", dims: [1n], dataType: 1, rawData: raw(bias) }, ...(weights > 0 ? [ballast] : [])],
        input: [{ name: "x", type }],
        output: [{ name: "y", type }],
      },
    }),
  )
}

export const floats = (...values: number[]): Tensor => ({
  dtype: "float32",
  shape: [values.length],
  data: new Float32Array(values),
})

/** A backend in memory that computes adder models, and fails in all the ways that devices do, when it is told to. */
export interface AdderHost {
  readonly factory: HostFactory
  /** Times it was started, times it was ended by the pool. */
  starts: number
  ended: number
  /** Models opened, runs begun; over all starts. */
  opens: number
  runs: number
  /** Biases of the runs, in the order in which they were begun. */
  readonly order: number[]
  /** What the last run was fed. */
  fed: Tensor | undefined
  /** Models loaded and tensors kept right now. */
  readonly loaded: Set<BackendSession>
  readonly kept: Set<string>
  /** Bytes a loaded model says it holds; default: the size of its file. */
  memoryBytes: number | undefined
  /** How long runs say that they took, ms. */
  runMs: number
  /** What sessions opened from now on say of how they run. */
  note: string | undefined
  /** What runs from now on say they need, and what the last opening was given of that kind. */
  needs: string[] | undefined
  given: readonly string[] | undefined
  /** Bytes its heap is said to have; unknown where undefined. */
  heapBytes: number | undefined
  /** Refuses to open with this error. */
  refuse: Error | undefined
  /** Devices that the next starts will find; none is a device that is not there any more. */
  devices: DeviceInfo[]
  /** The next starts throw this. */
  failStart: Error | undefined
  /** Runs (openings, probes) begun from now on wait until `letGo`. */
  hold(what?: "run" | "open" | "probe"): void
  letGo(): void
  /** Resolves when this many runs (or openings) have begun, over all starts. */
  begun(count: number, what?: "run" | "open"): Promise<void>
  /** Resolves when it was started this often. */
  started(count: number): Promise<void>
  /** The worker is gone, as after a crash. */
  kill(reason?: string): void
  /** The device is lost, and the host says so, as WebGPU does. */
  lose(reason?: string): void
}

export const adderDevice = (id: string, more: Partial<DeviceInfo> = {}): DeviceInfo => ({
  id,
  backend: id.split(/[:#]/)[0]!,
  adapter: "adder",
  fallbackAdapter: false,
  dtypes: ["float32"],
  state: "ready",
  probe: { ok: true, maxError: 0, ms: 0 },
  ...more,
})

export function adderHost(id: string, more: Partial<DeviceInfo> = {}): AdderHost {
  const backend = id.split(/[:#]/)[0]!
  const waiters: { isThere: () => boolean; wake: () => void }[] = []
  const news = () => {
    for (const waiter of [...waiters]) {
      if (!waiter.isThere()) continue
      waiters.splice(waiters.indexOf(waiter), 1)
      waiter.wake()
    }
  }
  const until = (isThere: () => boolean) =>
    isThere() ? Promise.resolve() : new Promise<void>((wake) => waiters.push({ isThere, wake }))
  const gates = { run: Promise.resolve(), open: Promise.resolve(), probe: Promise.resolve() }
  let letGo: (() => void)[] = []
  let life: { kill(reason: string): void; lose(reason: string): void } | undefined
  let keptIds = 0

  /** A gate that only the living come through: a worker that is gone does nothing any more. */
  const pass = async (gate: Promise<void>, own: { isAlive: boolean }) => {
    await gate
    if (!own.isAlive) await new Promise(() => {})
  }

  async function open(files: ModelFiles, own: { isAlive: boolean }): Promise<BackendSession> {
    host.opens++
    news()
    await pass(gates.open, own)
    if (host.refuse) throw host.refuse
    host.given = files.pipelines
    if (typeof files.model === "string") throw new Error("adder hosts take bytes")
    const { graph } = readModel(files.model)
    const raw = graph!.initializer.find((t) => t.name === "bias")!.rawData
    const bias = new DataView(raw.buffer, raw.byteOffset).getFloat32(0, true)
    const kept = new Map<string, Tensor>()
    const info = { dtype: "float32" as const, shape: ["n"] }
    const session: BackendSession = {
      inputs: [{ name: "x", ...info }],
      outputs: [{ name: "y", ...info }],
      memoryBytes: host.memoryBytes ?? files.model.byteLength,
      ...(host.note && { note: host.note }),
      get keptBytes() {
        return [...kept.values()].reduce((sum, t) => sum + tensorBytes(t), 0)
      },
      async run({ x }, { keep = [] }) {
        host.runs++
        host.order.push(bias)
        news()
        await pass(gates.run, own)
        const fed = "kept" in x! ? kept.get(x.kept) : x
        if (!fed) throw fail("IPFA_SESSION_KEPT")
        host.fed = fed
        const y = floats(...(fed.data as Float32Array).map((value) => value + bias))
        if (!keep.includes("y"))
          return { outputs: { y }, runMs: host.runMs, ...(host.needs && { pipelines: host.needs }) }
        const id = `k${++keptIds}`
        kept.set(id, y)
        host.kept.add(id)
        const reference: KeptTensor = { dtype: "float32", shape: y.shape, kept: id }
        return { outputs: { y: reference }, runMs: host.runMs }
      },
      release(ids) {
        for (const id of ids) if (kept.delete(id)) host.kept.delete(id)
      },
      async close() {
        for (const id of kept.keys()) host.kept.delete(id)
        host.loaded.delete(session)
        news()
      },
    }
    host.loaded.add(session)
    return session
  }

  const host: AdderHost = {
    starts: 0,
    ended: 0,
    opens: 0,
    runs: 0,
    order: [],
    fed: undefined,
    loaded: new Set(),
    kept: new Set(),
    memoryBytes: undefined,
    runMs: 1,
    note: undefined,
    needs: undefined,
    given: undefined,
    heapBytes: undefined,
    refuse: undefined,
    failStart: undefined,
    devices: [adderDevice(id, more)],
    factory: {
      backend,
      returnsMemory: true,
      start() {
        host.starts++
        news()
        if (host.failStart) throw host.failStart
        const [here, there] = memoryPorts()
        const own = { isAlive: true }
        const made: Backend = {
          name: backend,
          open: (files) => open(files, own),
          heapBytes: () => host.heapBytes,
          async probe() {
            await pass(gates.probe, own)
            const absent = host.devices.length > 0 ? [] : [{ id, backend, reason: "no adapter" }]
            return { devices: host.devices, absent }
          },
        }
        const peer = serveBackend(made, backend, there)
        const gone: ((reason: string) => void)[] = []
        const forget = () => {
          own.isAlive = false
          host.loaded.clear()
          host.kept.clear()
          life = undefined
        }
        life = {
          kill(reason) {
            forget()
            for (const listener of gone) listener(reason)
          },
          lose(reason) {
            forget()
            made.onLost?.(reason)
          },
        }
        return {
          port: here,
          onExit: (listener) => gone.push(listener),
          terminate() {
            host.ended++
            forget()
            peer.close()
            news()
          },
        }
      },
    },
    hold(what = "run") {
      gates[what] = new Promise((resolve) => letGo.push(resolve))
    },
    letGo() {
      for (const go of letGo) go()
      letGo = []
      gates.run = gates.open = gates.probe = Promise.resolve()
    },
    begun: (count, what = "run") => until(() => (what === "run" ? host.runs : host.opens) >= count),
    started: (count) => until(() => host.starts >= count),
    kill: (reason = "the worker crashed") => life?.kill(reason),
    lose: (reason = "the device was destroyed") => life?.lose(reason),
  }
  return host
}
