import { createHash } from "node:crypto"
import { seededRandom } from "../../../bench/statistics.ts"

/** What one actor decides by lot: its sequence depends on the seed and its name alone, not on what the others do meanwhile. */
export class Draws {
  readonly #random: () => number

  constructor(seed: number, actor: string) {
    this.#random = seededRandom(createHash("sha256").update(`${seed} ${actor}`).digest().readUInt32LE())
  }

  /** A whole number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1))
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T
  }

  /** All of them, in an order by lot. */
  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items]
    return items.map(() => left.splice(this.between(0, left.length - 1), 1)[0] as T)
  }

  /** A key of `weights`, as often as its weight says. */
  weighed<K extends string>(weights: Record<K, number>): K {
    const entries = Object.entries(weights) as [K, number][]
    let left = this.#random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) {
      left -= weight
      if (left < 0) return key
    }
    return (entries.at(-1) as [K, number])[0]
  }
}
