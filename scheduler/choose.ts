/** What the scheduler knows of one device, in the pool or in the fleet. */
export interface Candidate {
  /** Unique among the candidates: `webgpu`, or `agent/webgpu` in the fleet. */
  id: string
  /** Selector on its agent: `webgpu`, `native-cuda#1`. */
  device: string
  backend: string
  agent?: string
  browser?: string
  fallbackAdapter: boolean
  state: "ready" | "busy" | "cooling" | "lost"
  /** Its correctness probe came out right. */
  probeOk: boolean
  /** Why it can't run this model, once it is known. */
  unsupported?: string
  /** The model is loaded there already. */
  resident: boolean
  /** Room for weights and activations, bytes, counting what could be evicted; absent where unknown. */
  freeBytes?: number
  /** Jobs waiting or running there. */
  queued: number
  /** Median or moving average of steady runs of this model there, ms. */
  runMs?: number
  /** Measured runs behind `runMs`. */
  runs: number
  /** Time of the last opening of this model there, ms. */
  openMs?: number
  /** ms since 1970 until which it is not to be used. */
  coolingUntil?: number
}

export interface Need {
  /** Selector the caller forces: `webgpu`, `webnn:npu`, `native-cuda#1`; a bare backend matches any of its devices. */
  device?: string
  /** Agent id or browser the caller forces. */
  agent?: string
  /** Estimate of weights and activations, bytes. */
  bytes: number
  /** Floating-point operations of one run, where inferred; decides among unmeasured devices. */
  flops?: number
  /** ms since 1970 */
  now: number
  /** Candidates that failed this very job already. */
  exclude?: readonly string[]
}

export interface Choice {
  /** Best first; empty where none can. */
  ranked: { id: string; expectedMs: number; measured: boolean; why: string }[]
  /** Every other candidate, with the reason in words for a person. */
  rejected: { id: string; reason: string }[]
}
