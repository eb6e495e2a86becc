import { type Timer, upkeepTimer } from "./timer.ts"

/** Whether callers want anything right now, and since when they have not. */
export class Idle {
  readonly #afterMs: number
  readonly #onIdle: () => void
  #working = 0
  #since = performance.now()
  #timer: Timer | undefined
  #rest: AbortController | undefined

  /** Calls `onIdle` when nobody has wanted anything for `afterMs`. */
  constructor(afterMs: number, onIdle: () => void) {
    this.#afterMs = afterMs
    this.#onIdle = onIdle
  }

  /** How long nobody has wanted anything; 0 while somebody does. */
  get ms(): number {
    return this.#working > 0 ? 0 : performance.now() - this.#since
  }

  /** Aborts as soon as somebody wants something. */
  get rest(): AbortSignal {
    if (this.#working > 0) return AbortSignal.abort()
    this.#rest ??= new AbortController()
    return this.#rest.signal
  }

  /** `work` is what a caller wants. */
  during<T>(work: Promise<T>): Promise<T> {
    this.#working++
    this.#rest?.abort()
    this.#rest = undefined
    work.then(this.#end, this.#end)
    return work
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  readonly #end = (): void => {
    if (--this.#working > 0) return
    this.#since = performance.now()
    // One timer for any number of short jobs: it looks again where there were some meanwhile.
    this.#timer ??= upkeepTimer(this.#look, this.#afterMs)
  }

  readonly #look = (): void => {
    this.#timer = undefined
    if (this.#working > 0) return
    const left = this.#afterMs - this.ms
    if (left > 0) this.#timer = upkeepTimer(this.#look, left)
    else this.#onIdle()
  }
}
