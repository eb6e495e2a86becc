/** Lets many through at once, or one alone: that one waits until those within have ended, and who comes meanwhile waits for it. */
export class Gate {
  readonly #within = new Set<Promise<unknown>>()
  #shut: Promise<unknown> | undefined

  async through<T>(work: () => Promise<T>): Promise<T> {
    while (this.#shut) await this.#shut
    const done = work()
    const ended: Promise<unknown> = done.then(
      () => this.#within.delete(ended),
      () => this.#within.delete(ended),
    )
    this.#within.add(ended)
    return done
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    while (this.#shut) await this.#shut
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#shut = promise
    try {
      await Promise.all(this.#within)
      return await work()
    } finally {
      this.#shut = undefined
      resolve()
    }
  }
}
