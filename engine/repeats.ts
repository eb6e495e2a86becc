import { fail, type KeptTensor, type RunResult, SharedWork, type Tensor, tensorBytes } from "../protocol/index.ts"
import { type Timer, upkeepTimer } from "./pool/timer.ts"

/** Small answers at a thousand a second would otherwise be many. */
const KEEP_JOBS = 10_000
/** Old ones are looked for so often in the time that they are kept. */
const SWEEPS = 10

export interface RepeatsOptions {
  /** How long an answer is kept, ms. */
  keepMs: number
  /** How many bytes of answers are kept; one of more than a quarter is not. */
  keepBytes: number
  /** For which reasons a job goes on although the last one who waited for it left. Default: for none. */
  keepGoing?(reason: unknown): boolean
}

interface Entry {
  work: SharedWork<RunResult>
  about: string
  bytes: number
  /** When it ended, by performance.now(). */
  endedAt?: number
}

/**
 * Idempotency keys: the same key from the same origin is the same job. Asked for again while it runs, it is waited for; for a while after its
 * end, it is answered from here. What failed or was given up is forgotten, so that asking again tries again.
 */
export class Repeats {
  readonly #options: RepeatsOptions
  /** Those that ended in the order in which they did. */
  readonly #entries = new Map<string, Entry>()
  #bytes = 0
  #ended = 0
  #timer: Timer | undefined

  constructor(options: RepeatsOptions) {
    this.#options = options
  }

  /**
   * The answer of `work`, or of the earlier job of that key. `work` gets a signal of its own, which aborts when all who asked have left.
   * `about` tells one request from another: throws IPFA_INPUT_INVALID where the key stands for one that was about something else, since
   * its answer would be a wrong one. The tensors are shared with the others who ask: who moves or changes them copies them first.
   */
  async run(
    origin: string,
    key: string,
    about: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<RunResult>,
  ): Promise<RunResult> {
    const name = `${origin}\n${key}`
    this.#forgetOld()
    let entry = this.#entries.get(name)
    if (entry && entry.endedAt === undefined && entry.work.aborted) {
      this.#forget(name, entry)
      entry = undefined
    }
    if (entry && entry.about !== about)
      throw fail("IPFA_INPUT_INVALID", {
        message: "This idempotency key was used for another request. Give each job a key of its own.",
        data: { path: "key", expected: "a key of its own" },
      })
    if (!entry) {
      entry = { about, work: new SharedWork(work), bytes: 0 }
      this.#entries.set(name, entry)
      this.#settle(name, entry)
    }
    return entry.work.wait(signal, this.#options)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#entries.clear()
    this.#bytes = 0
    this.#ended = 0
  }

  #settle(name: string, entry: Entry): void {
    entry.work.result.then(
      ({ outputs }) => {
        if (this.#entries.get(name) !== entry) return
        const bytes = Object.values(outputs).reduce((sum, t) => sum + ("kept" in t ? 0 : tensorBytes(t)), 0)
        if (bytes > this.#options.keepBytes / 4) return this.#forget(name, entry)
        entry.bytes = bytes
        entry.endedAt = performance.now()
        this.#bytes += bytes
        this.#ended++
        this.#entries.delete(name)
        this.#entries.set(name, entry)
        this.#trim()
        this.#sweepLater()
      },
      () => this.#forget(name, entry),
    )
  }

  #trim(): void {
    for (const [name, entry] of this.#entries) {
      if (this.#bytes <= this.#options.keepBytes && this.#ended <= KEEP_JOBS) return
      if (entry.endedAt !== undefined) this.#forget(name, entry)
    }
  }

  #forgetOld(): void {
    const old = performance.now() - this.#options.keepMs
    for (const [name, { endedAt }] of this.#entries) {
      if (endedAt === undefined) continue
      if (endedAt > old) return
      this.#forget(name)
    }
  }

  /** Frees memory even when nobody asks any more. */
  #sweepLater(): void {
    this.#timer ??= upkeepTimer(() => {
      this.#timer = undefined
      this.#forgetOld()
      if (this.#ended > 0) this.#sweepLater()
    }, this.#options.keepMs / SWEEPS)
  }

  /** Forgets what `name` stands for, if it is `entry` still. */
  #forget(name: string, entry = this.#entries.get(name)): void {
    if (!entry || this.#entries.get(name) !== entry) return
    this.#entries.delete(name)
    this.#bytes -= entry.bytes
    if (entry.endedAt !== undefined) this.#ended--
  }
}

/** What a repeated job's feeds must have in common with the first one's: cheap to say, so of tensors their kind and not their values. */
export function aboutFeeds(feeds: Record<string, Tensor | KeptTensor>): unknown[] {
  return Object.entries(feeds)
    .map(([name, { dtype, shape }]) => [name, dtype, shape])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
}
