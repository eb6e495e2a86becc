import { AccelerateError } from "../../protocol/index.ts"
import { SharedWork } from "./shared-work.ts"

const KEEP_MS = 60_000
const KEEP_BYTES = 256 * 2 ** 20

interface Job<T> {
  work: SharedWork<T>
  bytes: number
  timer?: NodeJS.Timeout
}

/**
 * The same key from the same caller is the same job: asked for again while it runs, it is waited for; within a minute of its end, it is answered
 * from here. What failed is forgotten, so that asking again tries again.
 */
export class Repeats<T> {
  readonly #jobs = new Map<string, Job<T>>()
  readonly #sizeOf: (value: T) => number
  #bytes = 0

  constructor(sizeOf: (value: T) => number) {
    this.#sizeOf = sizeOf
  }

  /**
   * `work` gets a signal of its own: the job goes on when a connection is lost (its caller will ask again under the key) and ends when all who
   * asked for it cancelled or ran out of time.
   */
  run(origin: string, key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const name = `${origin}\n${key}`
    let job = this.#jobs.get(name)
    if (!job) {
      job = { work: new SharedWork(work), bytes: 0 }
      this.#jobs.set(name, job)
      this.#settle(name, job)
    }
    return job.work.wait(signal, isLostConnection)
  }

  clear(): void {
    for (const job of this.#jobs.values()) clearTimeout(job.timer)
    this.#jobs.clear()
    this.#bytes = 0
  }

  #settle(name: string, job: Job<T>): void {
    job.work.result.then(
      (value) => {
        if (this.#jobs.get(name) !== job) return
        job.bytes = this.#sizeOf(value)
        this.#bytes += job.bytes
        job.timer = setTimeout(() => this.#forget(name, job), KEEP_MS)
        job.timer.unref()
        // Oldest first: a Map keeps the order of insertion.
        for (const [k, old] of this.#jobs) {
          if (this.#bytes <= KEEP_BYTES) break
          if (old.timer) this.#forget(k, old)
        }
      },
      () => this.#forget(name, job),
    )
  }

  #forget(name: string, job: Job<T>): void {
    if (this.#jobs.get(name) !== job) return
    clearTimeout(job.timer)
    this.#jobs.delete(name)
    this.#bytes -= job.bytes
  }
}

function isLostConnection(reason: unknown): boolean {
  return reason instanceof AccelerateError && reason.code === "IPFA_PROTOCOL_CLOSED"
}
