/** Browsers' native hosts start a bridge-server, and hold it while they last. */
export class Holds {
  #count = 0
  #changed = () => {}

  /** Counts as a holder until `signal` aborts, which it rejects with. */
  hold(signal: AbortSignal): Promise<never> {
    this.#count++
    this.#changed()
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        this.#count--
        this.#changed()
        reject(signal.reason)
      }),
    )
  }

  /** Resolves when nobody has held it for `graceMs`. */
  released(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined
      this.#changed = () => {
        clearTimeout(timer)
        if (this.#count === 0) timer = setTimeout(resolve, graceMs)
      }
      this.#changed()
    })
  }
}
