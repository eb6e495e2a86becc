import type { AccelerateError, KeptTensor, RunResult, Tensor } from "../../protocol/index.ts"
import type { QueueEntry } from "../../scheduler/index.ts"
import type { Lease } from "./lease.ts"
import type { Loaded } from "./loaded.ts"

export interface RunParams {
  feeds: Record<string, Tensor | KeptTensor>
  keep?: string[]
  outputs?: string[]
}

/** One run that was asked for. Its feeds stay here until it ends, so that it can be run again. */
export interface Job {
  readonly lease: Lease
  readonly params: RunParams
  readonly priority: number
  readonly deadlineAt: number | undefined
  readonly usesKept: boolean
  /** Others may wait for it under its idempotency key: it does not end with its connection, but with the last who waits. */
  readonly isShared: boolean
  readonly inputElems: number
  readonly submittedAt: number
  /** Where it runs: its lease's, when it was submitted last. */
  loaded: Loaded
  /** `moving`: its session is being opened on another device. */
  state: "new" | "waiting" | "moving" | "running" | "ended"
  /** What it counts as in its connection's activity. */
  counted: "waiting" | "running" | undefined
  entry: QueueEntry<Job> | undefined
  /** When its turn came on the host; `performance.now()`, as `submittedAt`. */
  startedAt: number
  /** Runs that were lost with their device. */
  reruns: number
  /** Takes it back from the host where it has not begun there. */
  withdraw: AbortController | undefined
  resolve(result: RunResult): void
  reject(error: AccelerateError): void
}
