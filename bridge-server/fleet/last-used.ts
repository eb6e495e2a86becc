/** Values by key, of the keys that were used last: the one longest unused is forgotten where there would be more than `max`. */
export class LastUsed<Value> {
  readonly #max: number
  readonly #make: () => Value
  readonly #forgotten: (key: string, value: Value) => void
  readonly #values = new Map<string, Value>()

  constructor(max: number, make: () => Value, forgotten: (key: string, value: Value) => void = () => undefined) {
    this.#max = max
    this.#make = make
    this.#forgotten = forgotten
  }

  /** That of `key`, made where there was none. */
  use(key: string): Value {
    const value = this.#values.get(key) ?? this.#make()
    this.#values.delete(key)
    this.#values.set(key, value)
    for (const [old, its] of this.#values) {
      if (this.#values.size <= this.#max) break
      this.#values.delete(old)
      this.#forgotten(old, its)
    }
    return value
  }

  /** As it is, which is no use of it. */
  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  /** Longest unused first. */
  [Symbol.iterator](): IterableIterator<[key: string, value: Value]> {
    return this.#values.entries()
  }
}
