import type { AccelerateError, KeptTensor, LiveJob, RunResult, Tensor } from "../../protocol/index.ts"
import type { QueueEntry } from "../../scheduler/index.ts"
import type { Lease } from "./lease.ts"
import type { Loaded } from "./loaded.ts"
import type { Opening } from "./opening.ts"

export interface RunParams {
  feeds: Record<string, Tensor | KeptTensor>
  keep?: string[]
  outputs?: string[]
}

/** One run that was asked for. Its feeds stay here until it ends, so that it can be run again. */
export interface Job {
  readonly id: string
  readonly lease: Lease
  readonly params: RunParams
  readonly priority: number
  readonly deadlineAt: number | undefined
  readonly usesKept: boolean
  /** Others may wait for it under its idempotency key: it does not end with its connection, but with the last who waits. */
  readonly isShared: boolean
  readonly inputElems: number
  readonly inputBytes: number
  readonly submittedAt: number
  /** Where it runs: its lease's, when it was submitted last. */
  loaded: Loaded
  /** `moving`: its session is being opened on another device. */
  state: "new" | "waiting" | "moving" | "running" | "ended"
  /** What it counts as in its connection's activity. */
  counted: "waiting" | "running" | undefined
  entry: QueueEntry<Job | Opening> | undefined
  /** When its turn came on the host; `performance.now()`, as `submittedAt`. */
  startedAt: number
  /** Runs that were lost with their device. */
  reruns: number
  /** Takes it back from the host where it has not begun there. */
  withdraw: AbortController | undefined
  resolve(result: RunResult): void
  reject(error: AccelerateError): void
}

/** What a person is told it by. */
export function jobName({ id, lease, loaded }: Job): Pick<LiveJob, "id" | "origin" | "model" | "device"> {
  return { id, origin: lease.caller.origin, model: shownReference(lease.reference), device: loaded.device }
}

/** Without an address's query and credentials, which may be secrets. */
export function shownReference(reference: string): string {
  return reference.replace(/^(https?:\/\/)(?:[^/?#]*@)?([^?#]*).*$/s, "$1$2")
}

/** What runs and what waits, the latter in the order of asking. */
export function liveJobs(leases: Iterable<Lease>, now: number): LiveJob[] {
  const epoch = now - performance.now()
  const live: LiveJob[] = []
  for (const lease of leases)
    for (const job of lease.jobs) {
      const isRunning = job.state === "running"
      const submittedAt = epoch + job.submittedAt
      const state = isRunning ? "running" : "waiting"
      live.push({ ...jobName(job), state, submittedAt, ...(isRunning && { startedAt: epoch + job.startedAt }) })
    }
  return live.sort((a, b) => a.state.localeCompare(b.state) || a.submittedAt - b.submittedAt)
}
