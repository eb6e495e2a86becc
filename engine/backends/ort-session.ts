import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common"
import { dtypeBytes, elements, fail, type KeptTensor, type Tensor, type TensorInfo } from "../../protocol/index.ts"
import type { BackendSession, RunOptions } from "../backend.ts"
import { ortFailure } from "./ort-errors.ts"
import { fromOrt, tensorInfos } from "./ort-tensor.ts"

export interface OrtSessionOptions {
  runtime: "web" | "node"
  /** A tensor of the runtime over `tensor`'s memory. */
  toOrt(tensor: Tensor): OrtTensor
  session: InferenceSession
  /** Floor of what it holds: the bytes of its weights. */
  memoryBytes: number
  note?: string
  /** Refuses, by throwing, what the device is not to run. */
  beforeRun?: (feeds: Record<string, Tensor | KeptTensor>) => void
  /** Called for every error of a run before it is reported: the backend looks whether its device is gone. */
  onError?: (error: unknown) => void
  /** Waits until the device has done, and reported, all it was given. */
  settled?: () => Promise<unknown>
  /** Takes what the device reported beside the run (WebGPU: out of memory, validation), which makes the run's outputs worthless. */
  takeFault?: () => Error | undefined
}

/**
 * A model open in ONNX Runtime, on the web or in Node. Outputs that the runtime leaves on the device (`gpu-buffer`, `ml-tensor`) are read
 * back unless they are to be kept; so one session, with one copy of the weights, serves every set of kept outputs.
 */
export class OrtSession implements BackendSession {
  readonly inputs: TensorInfo[]
  readonly outputs: TensorInfo[]
  readonly memoryBytes: number
  readonly note: string | undefined

  readonly #options: OrtSessionOptions
  readonly #kept = new Map<string, OrtTensor>()
  /** Ids of kept tensors must not fit another session's, nor one of a host that was replaced. */
  readonly #mark = [...crypto.getRandomValues(new Uint32Array(2))].map((x) => x.toString(36)).join("")
  #made = 0

  constructor(options: OrtSessionOptions) {
    this.#options = options
    this.inputs = tensorInfos("input", options.session.inputMetadata, options.runtime)
    this.outputs = tensorInfos("output", options.session.outputMetadata, options.runtime)
    this.memoryBytes = options.memoryBytes
    this.note = options.note
  }

  get keptBytes(): number {
    let sum = 0
    for (const { type, dims } of this.#kept.values()) sum += type === "string" ? 0 : bytesOf(type, dims)
    return sum
  }

  async run(
    feeds: Record<string, Tensor | KeptTensor>,
    { keep: kept = [], outputs }: RunOptions,
  ): Promise<{ outputs: Record<string, Tensor | KeptTensor>; runMs: number }> {
    const { session, toOrt, beforeRun, settled, takeFault, onError } = this.#options
    beforeRun?.(feeds)
    const ortFeeds: Record<string, OrtTensor> = {}
    for (const [name, feed] of Object.entries(feeds))
      ortFeeds[name] = "kept" in feed ? this.#keptFeed(name, feed) : toOrt(feed)
    const keep = [...new Set(kept)]
    const wanted = outputs ? [...new Set([...outputs, ...keep])] : this.outputs.map((o) => o.name)
    const start = performance.now()
    let results: Record<string, OrtTensor> = {}
    // What is left of a run before is not this one's.
    takeFault?.()
    try {
      results = (await session.run(ortFeeds, wanted)) as Record<string, OrtTensor>
      const read = wanted.filter((name) => !keep.includes(name))
      // All at once: each read-back from a GPU waits for the same work.
      const data = await Promise.all(read.map((name) => (results[name] as OrtTensor).getData(true)))
      if (read.length === 0) await settled?.()
      const fault = takeFault?.()
      if (fault) throw fault
      const runMs = performance.now() - start
      const made = read.map((name, i) => [name, fromOrt(results[name] as OrtTensor, data[i]!)] as const)
      return {
        outputs: Object.fromEntries([
          ...made,
          ...keep.map((name) => [name, this.#keep(results[name] as OrtTensor)] as const),
        ]),
        runMs,
      }
    } catch (error) {
      onError?.(error)
      for (const tensor of Object.values(results)) if (tensor.location !== "none") disposeQuietly(tensor)
      // The device's own report says more than what the runtime made of it: that it was out of memory.
      await settled?.()
      throw ortFailure(takeFault?.() ?? error, "IPFA_RUN_FAILED")
    }
  }

  release(kept: readonly string[]): void {
    for (const id of kept) {
      const tensor = this.#kept.get(id)
      this.#kept.delete(id)
      tensor?.dispose()
    }
  }

  async close(): Promise<void> {
    this.release([...this.#kept.keys()])
    await this.#options.session.release()
  }

  #keptFeed(name: string, { kept, dtype, shape }: KeptTensor): OrtTensor {
    const tensor = this.#kept.get(kept)
    if (!tensor) throw fail("IPFA_SESSION_KEPT", { data: { kept } })
    // The host checked what the caller says of it against the model; it must be what the tensor is.
    if (tensor.type !== dtype || tensor.dims.join() !== shape.join())
      throw fail("IPFA_INPUT_SHAPE", {
        data: { path: `feeds.${name}.kept`, expected: `${tensor.type} [${tensor.dims.join(", ")}]` },
      })
    return tensor
  }

  #keep(tensor: OrtTensor): KeptTensor {
    const kept = `${this.#mark}-${++this.#made}`
    this.#kept.set(kept, tensor)
    return { dtype: tensor.type as KeptTensor["dtype"], shape: [...tensor.dims], kept }
  }
}

function bytesOf(type: string, dims: readonly number[]): number {
  return dtypeBytes(type as KeptTensor["dtype"], elements(dims))
}

function disposeQuietly(tensor: OrtTensor): void {
  try {
    tensor.dispose()
  } catch {
    // The device is gone and the tensor with it; the run's own error is what counts.
  }
}
