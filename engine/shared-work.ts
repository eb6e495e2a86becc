/** Work that several wait for. It ends early only when all who waited gave it up. */
export class SharedWork<T> {
  readonly result: Promise<T>
  readonly #controller = new AbortController()
  #waiting = 0

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.result = work(this.#controller.signal)
    // Each who waits sees the failure; one that nobody waits for is no unhandled one.
    this.result.catch(() => {})
  }

  /** It was given up and only has to end: who needs it now starts it anew. */
  get aborted(): boolean {
    return this.#controller.signal.aborted
  }

  /** `keepGoing` says for which reasons the work goes on although the last one who waited left. */
  async wait(signal: AbortSignal, keepGoing: (reason: unknown) => boolean = () => false): Promise<T> {
    this.#waiting++
    let onAbort!: () => void
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        if (--this.#waiting === 0 && !keepGoing(signal.reason)) this.#controller.abort(signal.reason)
        reject(signal.reason)
      }
      if (signal.aborted) onAbort()
      else signal.addEventListener("abort", onAbort, { once: true })
    })
    try {
      return await Promise.race([this.result, aborted])
    } finally {
      signal.removeEventListener("abort", onAbort)
    }
  }
}
