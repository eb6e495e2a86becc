/** So many may load models at once, since each holds a model's bytes in memory; one origin may not take them all. */
export class Slots {
  readonly #total: number
  readonly #each: number
  readonly #held = new Map<string, number>()
  readonly #waiting: { origin: string; wake: () => void }[] = []
  #taken = 0

  constructor(total: number, each: number) {
    this.#total = total
    this.#each = each
  }

  /** Runs `work` when there is room for it, in order of arrival within what each origin may have. */
  async run<T>(origin: string, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#hasRoom(origin))
      await new Promise<void>((wake) => {
        this.#waiting.push({ origin, wake })
        this.#wake()
      })
    else this.#take(origin)
    try {
      return await work()
    } finally {
      this.#taken--
      const held = (this.#held.get(origin) ?? 1) - 1
      if (held > 0) this.#held.set(origin, held)
      else this.#held.delete(origin)
      this.#wake()
    }
  }

  #hasRoom(origin: string): boolean {
    return this.#taken < this.#total && (this.#held.get(origin) ?? 0) < this.#each
  }

  #take(origin: string): void {
    this.#taken++
    this.#held.set(origin, (this.#held.get(origin) ?? 0) + 1)
  }

  #wake(): void {
    for (;;) {
      const at = this.#waiting.findIndex(({ origin }) => this.#hasRoom(origin))
      if (at < 0) return
      const [next] = this.#waiting.splice(at, 1)
      this.#take(next!.origin)
      next!.wake()
    }
  }
}
