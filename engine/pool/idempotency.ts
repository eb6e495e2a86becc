import { type AccelerateError, asAccelerateError, fail, type RunResult, tensorBytes } from "../../protocol/index.ts"
import { type Timer, upkeepTimer } from "./timer.ts"

interface Entry {
  /** What was asked: the same key for something else is a mistake. */
  readonly about: string
  readonly controller: AbortController
  readonly running: Promise<RunResult>
  waiters: number
  result: RunResult | undefined
  bytes: number
  expiresAt: number
}

/**
 * The same key from the same origin is the same job: whoever asks while it runs waits for it, and for a while after it was done it is
 * answered from what was kept. Failures are not kept. A job ends with its last waiter.
 */
export class Idempotency {
  readonly #forMs: number
  readonly #maxBytes: number
  readonly #entries = new Map<string, Entry>()
  #bytes = 0
  #timer: Timer | undefined

  constructor(forMs: number, maxBytes: number) {
    this.#forMs = forMs
    this.#maxBytes = maxBytes
  }

  /** The result of `start`, or of the earlier job of that key. `signal` ends this caller's waiting. */
  async run(
    origin: string,
    key: string,
    about: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<RunResult>,
  ): Promise<RunResult> {
    const id = `${origin}\n${key}`
    this.#forgetExpired()
    let entry = this.#entries.get(id)
    if (entry && entry.about !== about)
      throw fail("IPFA_INPUT_INVALID", {
        message: "key: that idempotency key was used for another model",
        data: { path: "key", expected: "a key of its own for each job" },
      })
    if (entry?.result) return copy(entry.result)
    if (!entry) {
      entry = this.#begin(id, about, start)
      this.#entries.set(id, entry)
    }
    return await this.#wait(entry, signal)
  }

  #begin(id: string, about: string, start: (signal: AbortSignal) => Promise<RunResult>): Entry {
    const controller = new AbortController()
    const running = start(controller.signal)
    const entry: Entry = { about, controller, running, waiters: 0, result: undefined, bytes: 0, expiresAt: 0 }
    running.then(
      (result) => this.#keep(id, entry, result),
      () => this.#forget(id, entry),
    )
    return entry
  }

  #wait(entry: Entry, signal: AbortSignal): Promise<RunResult> {
    entry.waiters++
    return new Promise((resolve, reject) => {
      const leave = () => {
        signal.removeEventListener("abort", onAbort)
        entry.waiters--
      }
      const onAbort = () => {
        leave()
        const reason: AccelerateError = asAccelerateError(signal.reason, "IPFA_JOB_CANCELLED")
        reject(reason)
        if (entry.waiters === 0) entry.controller.abort(reason)
      }
      if (signal.aborted) return onAbort()
      signal.addEventListener("abort", onAbort, { once: true })
      entry.running.then(
        // Each its own copy: what is answered is moved away, and nobody may change what another gets.
        (result) => {
          if (signal.aborted) return
          leave()
          resolve(copy(result))
        },
        (error) => {
          if (signal.aborted) return
          leave()
          reject(error)
        },
      )
    })
  }

  #keep(id: string, entry: Entry, result: RunResult): void {
    entry.bytes = Object.values(result.outputs).reduce((sum, tensor) => sum + tensorBytes(tensor), 1024)
    if (entry.bytes > this.#maxBytes / 4) return this.#forget(id, entry)
    entry.result = result
    entry.expiresAt = performance.now() + this.#forMs
    // Newest last, so that the first to expire is the first.
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    this.#bytes += entry.bytes
    for (const [oldId, old] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break
      if (old.result) this.#forget(oldId, old)
    }
    this.#schedule()
  }

  #forget(id: string, entry: Entry): void {
    if (this.#entries.get(id) !== entry) return
    this.#entries.delete(id)
    this.#bytes -= entry.result ? entry.bytes : 0
  }

  #forgetExpired(): void {
    const now = performance.now()
    // In the order in which they were kept, among those that run.
    for (const [id, entry] of this.#entries) {
      if (entry.result && entry.expiresAt > now) return
      if (entry.result) this.#forget(id, entry)
    }
  }

  /** Frees memory even when nobody asks any more. */
  #schedule(): void {
    if (this.#timer !== undefined) return
    this.#timer = upkeepTimer(() => {
      this.#timer = undefined
      this.#forgetExpired()
      if (this.#bytes > 0) this.#schedule()
    }, this.#forMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#entries.clear()
    this.#bytes = 0
  }
}

function copy(result: RunResult): RunResult {
  return { ...result, outputs: structuredClone(result.outputs) }
}
