import type { ParamsIn } from "../protocol/define-method.ts"
import type { Dtype, TensorData } from "../protocol/dtype.ts"
import type { Capability, Grant } from "../protocol/methods/grant.ts"
import type { Methods } from "../protocol/methods/index.ts"
import type { RunResult as WireResult } from "../protocol/methods/session.ts"
import type { AbsentDevice, DeviceInfo, Progress } from "../protocol/methods/shared.ts"
import type { BenchmarkRow, HardwareReport, Status } from "../protocol/methods/status.ts"
import type { TensorInfo, Tensor as UntypedTensor } from "../protocol/tensor.ts"

export type {
  AbsentDevice,
  BenchmarkRow,
  Capability,
  DeviceInfo,
  Dtype,
  Grant,
  HardwareReport,
  Progress,
  Status,
  TensorData,
  TensorInfo,
}

/** `https://…[#sha256=…]`, in a page also relative to its document; `sha256:…`, `file:…` (a bridge-server, for its person's own programs). */
export type ModelReference = string

/** A model by its reference, or its bytes, which are the caller's alone. */
export type Model = ModelReference | Blob | Uint8Array

/** `backend[:type][#index]`: `webgpu`, `webnn:npu`, `native-cuda#1`. */
export type DeviceSelector = string

export type Precision = "float32" | "float16" | "int8" | "int4"

/** A model's inputs and outputs by name and dtype, for those who know them: `load<ModelSignature<{ inputs: { x: "float32" }, outputs: { y: "float32" } }>>(…)`. */
export interface Signature {
  inputs: Record<string, Dtype>
  outputs: Record<string, Dtype>
}
export type ModelSignature<S extends Signature> = S

/** The platform's Float16Array, where there is one. */
export interface Float16ArrayLike extends ArrayBufferView {
  readonly length: number
  readonly [Symbol.toStringTag]: "Float16Array"
}

/** What may carry a tensor's elements on the way in; see `TensorData` for the way out. float16 also as Float16Array, else as its bits. */
export type InputData<D extends Dtype> =
  | TensorData<D>
  | (D extends "float16" ? Float16ArrayLike : never)
  | (D extends "uint8" ? Uint8ClampedArray : never)

/** A tensor in memory: row-major, `data.length` is the product of `shape` (halved, rounded up, for 4-bit dtypes). A scalar's shape is `[]`. */
export type Tensor<D extends Dtype = Dtype> = D extends Dtype ? UntypedTensor<D> : never

/** A tensor as a caller writes it. */
export type TensorInput<D extends Dtype = Dtype> =
  | (D extends Dtype ? { readonly dtype: D; readonly shape: readonly number[]; readonly data: InputData<D> } : never)
  // Where the dtype is not known, data is not checked against it either.
  | (Dtype extends D ? UntypedTensor : never)

/** A tensor that stayed on the device that computed it. It can feed later runs of the same session, until it is disposed of or the session ends. */
export interface KeptTensor<D extends Dtype = Dtype> {
  readonly dtype: D
  readonly shape: number[]
  readonly kept: string
  /** Frees it on the device. */
  dispose(): Promise<void>
}

export type Feed<D extends Dtype = Dtype> = TensorInput<D> | KeptTensor<D>

export type Feeds<S extends Signature = Signature> = {
  [N in keyof S["inputs"]]: Feed<Exclude<S["inputs"][N], undefined>>
}

/** Each output by name; those that were asked to be kept as kept tensors. */
export type Outputs<S extends Signature, Keep extends string> = {
  [N in Exclude<keyof S["outputs"], Keep>]: Tensor<Exclude<S["outputs"][N], undefined>>
} & { [N in Keep]: KeptTensor<S["outputs"][N]> }

export interface RunOptions<Keep extends string = string> {
  signal?: AbortSignal
  /** The run fails with IPFA_JOB_DEADLINE after this time, ms, and what it started is cancelled. */
  deadlineMs?: number
  /** 0 (background) … 9 (someone waits and watches); default 5. */
  priority?: number
  /** The feeds' buffers are moved instead of copied: faster, and they are empty afterwards. */
  transfer?: boolean
  /** Outputs that stay on the device. */
  keep?: Keep[]
  /** Outputs wanted; all where absent. */
  outputs?: string[]
  /** The same key from the same caller is the same job. Where absent one is made, if the connection may need it. */
  key?: string
}

export interface RunResult<S extends Signature = Signature, Keep extends string = never>
  extends Omit<WireResult, "outputs"> {
  outputs: Outputs<S, Keep>
}

/** A device that would have served, had it been able to, and why it could not. */
export type Fallback = NonNullable<WireResult["fellBackFrom"]>

/** One model, loaded on one device. */
export interface Session<S extends Signature = Signature> extends AsyncDisposable {
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  readonly device: DeviceInfo
  readonly fellBackFrom?: Fallback
  readonly model: { reference: string; sha256: string; bytes: number }
  /** From the request until the session could run; of that opening and compiling; ms. */
  readonly loadMs: number
  readonly openMs: number
  /** The model's bytes were in the store already. */
  readonly stored: boolean
  /** For a person, where it does not run all as one would expect: some operators are left to the CPU, or it was opened with fewer optimisations. */
  readonly note?: string
  run<const Keep extends keyof S["outputs"] & string = never>(
    feeds: Feeds<S>,
    options?: RunOptions<Keep>,
  ): Promise<RunResult<S, Keep>>
  /** Gives the session back, with all tensors it kept. */
  dispose(): Promise<void>
}

export interface LoadOptions {
  /** A device that must serve it: where it can't, loading fails. Without one the best measured device is chosen. */
  device?: DeviceSelector
  /** Only that agent, by id or by browser; with a bridge-server. */
  agent?: string
  /**
   * What most of the model's weights must be (`int8` is uint8 too, `int4` uint4): models are not converted, so one of another precision is
   * refused with IPFA_MODEL_PRECISION. Without it any is loaded.
   */
  precision?: Precision
  /** ONNX external data: file name in the model → its bytes or a reference to them. */
  external?: Record<string, Model>
  onProgress?(progress: Progress): void
  signal?: AbortSignal
}

export interface EnableRequest {
  capabilities: Capability[]
  /** References it may load. Where absent, or with `*`, any: the person reads that the site can tell which models are here. `[]`: only what it brings as bytes. */
  models?: ModelReference[]
  /** Shown to the person, as the site's own words. */
  reason?: string
}

/** How pixels become a model's input, where they do: `(pixel × scale − mean) / std`, a channel each. */
export interface ImageOptions {
  /** Default 1/255; for an integer input 1. */
  scale?: number
  /** Default 0. */
  mean?: readonly number[]
  /** Default 1. */
  std?: readonly number[]
  /** Default `rgb`. */
  order?: "rgb" | "bgr"
}

export interface AccelerateRequest {
  modelId: ModelReference
  /** A word of the caller's own, which comes back with the result. */
  modelType?: string
  /** A tensor for the model's one input, one for each input, or an image, which is resized to what the model takes. */
  input: TensorInput | Record<string, Feed> | ImageBitmapSource
  options?: Omit<RunOptions, "keep"> & Omit<LoadOptions, "signal"> & { image?: ImageOptions }
}

export interface AccelerateResult extends Omit<RunResult, "device"> {
  device: DeviceInfo
  model: { reference: string; sha256: string; bytes: number }
  modelType?: string
}

type WireBenchmark = ParamsIn<Methods["benchmark.run"]>

export interface BenchmarkProgress {
  device: string
  phase: "load" | "warmup" | "steady"
  done: number
  of: number
}

export interface BenchmarkRequest extends Omit<WireBenchmark, "feeds" | "model"> {
  /** Bytes are brought first, which takes the capability `infer` as well. */
  model: Model
  feeds: Record<string, TensorInput>
  onProgress?(progress: BenchmarkProgress): void
  signal?: AbortSignal
}

export interface BenchmarkResult {
  rows: BenchmarkRow[]
  absent: AbsentDevice[]
}

/** What computes for a caller: the extension, a bridge-server, or the engine in the page itself. */
export interface IpfsAccelerate {
  readonly version: string
  readonly protocolVersion: number
  readonly features: readonly string[]
  /** Asks the person, in a window of the extension, what this site may do. Elsewhere there is nobody to ask, and nothing to be asked. */
  enable(request: EnableRequest): Promise<Grant>
  hardware(): Promise<HardwareReport>
  load<S extends Signature = Signature>(model: Model, options?: LoadOptions): Promise<Session<S>>
  accelerate(request: AccelerateRequest): Promise<AccelerateResult>
  benchmark(request: BenchmarkRequest): Promise<BenchmarkResult>
  status(): Promise<Status>
}
