import type { AbsentDevice, DeviceInfo, KeptTensor, Tensor, TensorInfo, TunedKernel } from "../protocol/index.ts"

/** A model's validated bytes, or (Node) the file that holds them, with its external data by the names the graph uses. */
export interface ModelFiles {
  model: Uint8Array | string
  external?: { path: string; data: Uint8Array | string }[]
  /** What earlier runs of this model on such a device said they needed. */
  pipelines?: string[]
}

export interface RunOptions {
  /** Outputs that stay on the device and come back as kept tensors. */
  keep?: string[]
  /** Outputs wanted; all where absent. */
  outputs?: string[]
}

export interface RunOutcome {
  outputs: Record<string, Tensor | KeptTensor>
  /** The time on the device, reading back included. */
  runMs: number
  /** All compiled code that runs of this model need, by names of this backend's own, where this run needed more than was known: what the next opening is given. */
  pipelines?: string[]
}

/** One model, loaded and compiled on one device. Runs are serial: the host queues them. */
export interface BackendSession {
  readonly inputs: TensorInfo[]
  readonly outputs: TensorInfo[]
  /** Estimate of what it holds on the device, bytes, without kept tensors. */
  readonly memoryBytes: number
  /** Bytes of kept tensors. */
  readonly keptBytes: number
  /**
   * For a person, where it does not run all as one would expect: some of its operators, or the computing of shapes, are left to the CPU; the
   * runtime refused the usual optimisations and it was opened with fewer; it is compiled anew for each size of its symbolic dimensions.
   */
  readonly note?: string
  /** Runs once. Kept feeds stay valid until released. */
  run(feeds: Record<string, Tensor | KeptTensor>, options: RunOptions): Promise<RunOutcome>
  release(kept: readonly string[]): void
  close(): Promise<void>
}

export interface TuneRequest {
  /** The model whose work is measured; common work where absent. */
  files?: ModelFiles | undefined
  /** Of its inputs; an open dimension of one that is not named is 1. */
  shapes: Readonly<Record<string, readonly number[]>>
  /** Time for all the ways to do one kind of work. */
  budgetMs: number
  /** What was measured earlier is measured once more. */
  anew: boolean
}

/** Measures the ways to do one kind of work, and keeps what it finds. Undefined where there is nothing to choose from, or `signal` ended it. */
export type TuneStep = (signal: AbortSignal) => Promise<TunedKernel | undefined>

/** The code that drives one kind of device. Lives in a worker or process of its own, which is ended when a device is lost. */
export interface Backend {
  readonly name: string
  /** Finds its devices and computes a known case on each. What can't be had is absent with its reason; never throws for that. */
  probe(): Promise<{ devices: DeviceInfo[]; absent: AbsentDevice[] }>
  /** Opens and compiles on `device` (a selector that `probe` listed). Throws IPFA_DEVICE_UNSUPPORTED, IPFA_DEVICE_LOST, IPFA_DEVICE_MEMORY. */
  open(files: ModelFiles, device: string): Promise<BackendSession>
  /** What there is to measure, where it has several ways to compute. Throws IPFA_DEVICE_UNSUPPORTED for a model that it can't run. */
  tuning?(request: TuneRequest): Promise<TuneStep[]>
  /** Called once when a device is lost; the host then ends itself. */
  onLost?: (reason: string) => void
  /** Bytes of the heap this backend computes in (WASM memory, process resident set), where the platform tells. */
  heapBytes?(): number | undefined
}

/** What a person declares to add a backend: where it runs and how it is made. */
export interface BackendDefinition {
  readonly name: string
  readonly title: string
  readonly platform: "browser" | "node"
  create(options: { assetsUrl?: string; threads?: number }): Promise<Backend>
}

export function defineBackend(definition: BackendDefinition): BackendDefinition {
  return definition
}
