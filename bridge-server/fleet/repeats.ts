import { AccelerateError, fail } from "../../protocol/index.ts"
import { SharedWork } from "./shared-work.ts"

const KEEP_MS = 60_000
const KEEP_BYTES = 256 * 2 ** 20
/** Small answers at a thousand a second would otherwise be many. */
const KEEP_JOBS = 10_000

interface Job<T> {
  work: SharedWork<T>
  about: string
  bytes: number
  /** When it ended, by performance.now(). */
  endedAt?: number
}

/**
 * The same key from the same caller is the same job: asked for again while it runs, it is waited for; within a minute of its end, it is answered
 * from here. What failed is forgotten, so that asking again tries again.
 */
export class Repeats<T> {
  readonly #jobs = new Map<string, Job<T>>()
  readonly #sizeOf: (value: T) => number
  #bytes = 0
  #ended = 0
  #sweeper: NodeJS.Timeout | undefined

  constructor(sizeOf: (value: T) => number) {
    this.#sizeOf = sizeOf
  }

  /**
   * `work` gets a signal of its own: the job goes on when a connection is lost (its caller will ask again under the key) and ends when all who
   * asked for it cancelled or ran out of time. `about` tells one request from another: throws IPFA_INPUT_INVALID where the key stands for a
   * request that was about something else, since its answer would be a wrong one.
   */
  async run(
    origin: string,
    key: string,
    about: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const name = `${origin}\n${key}`
    let job = this.#jobs.get(name)
    if (job?.work.aborted) {
      this.#forget(name, job)
      job = undefined
    }
    if (job && job.about !== about)
      throw fail("IPFA_INPUT_INVALID", {
        message: "This idempotency key was used for another request. Give each job a key of its own.",
        data: { path: "key", expected: "a key of its own" },
      })
    if (!job) {
      job = { about, work: new SharedWork(work), bytes: 0 }
      this.#jobs.set(name, job)
      this.#settle(name, job)
    }
    return job.work.wait(signal, isLostConnection)
  }

  clear(): void {
    clearTimeout(this.#sweeper)
    this.#sweeper = undefined
    this.#jobs.clear()
    this.#bytes = 0
    this.#ended = 0
  }

  #settle(name: string, job: Job<T>): void {
    job.work.result.then(
      (value) => {
        if (this.#jobs.get(name) !== job) return
        job.bytes = this.#sizeOf(value)
        this.#bytes += job.bytes
        job.endedAt = performance.now()
        this.#ended++
        this.#trim()
        this.#sweepLater()
      },
      () => this.#forget(name, job),
    )
  }

  /** Forgets the oldest of those that ended (a Map keeps the order of insertion) until the rest is within bounds. */
  #trim(): void {
    if (this.#bytes <= KEEP_BYTES && this.#ended <= KEEP_JOBS) return
    for (const [name, job] of this.#jobs) {
      if (job.endedAt !== undefined) this.#forget(name, job)
      if (this.#bytes <= KEEP_BYTES && this.#ended <= KEEP_JOBS) return
    }
  }

  #sweepLater(): void {
    this.#sweeper ??= setTimeout(() => {
      this.#sweeper = undefined
      const old = performance.now() - KEEP_MS
      for (const [name, job] of this.#jobs) if (job.endedAt !== undefined && job.endedAt <= old) this.#forget(name, job)
      if (this.#ended > 0) this.#sweepLater()
    }, KEEP_MS / 6).unref()
  }

  #forget(name: string, job: Job<T>): void {
    if (this.#jobs.get(name) !== job) return
    this.#jobs.delete(name)
    this.#bytes -= job.bytes
    if (job.endedAt !== undefined) this.#ended--
  }
}

function isLostConnection(reason: unknown): boolean {
  return reason instanceof AccelerateError && reason.code === "IPFA_PROTOCOL_CLOSED"
}
