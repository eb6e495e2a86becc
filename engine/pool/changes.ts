/** Tells listeners that something changed, at most every `everyMs`, and never within the work that changed it. */
export class Changes {
  readonly #listeners = new Set<() => void>()
  readonly #everyMs: number
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(everyMs = 100) {
    this.#everyMs = everyMs
  }

  /** Returns what ends it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly notify = (): void => {
    if (this.#timer !== undefined || this.#listeners.size === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      for (const listener of this.#listeners) listener()
    }, this.#everyMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
  }
}
