import { countLoss, GPU_LOSS_WINDOW_MS, lostWith, noSharedLosses, type SharedLosses } from "./loss-policy.ts"

/** How long an origin under whose jobs a GPU was lost twice keeps away from it, asked for or not. */
const TWICE_MS = 600_000

/**
 * Under whose jobs a GPU was lost. A second loss within two minutes takes WebGPU away from everybody, so an origin that lost it once runs
 * elsewhere meanwhile, where it did not ask for that very device; and after it lost it twice even then (RELIABILITY.md, S13).
 */
export class Blame {
  readonly #records = new Map<string, SharedLosses>()

  record(origin: string, backend: string, now: number): void {
    const key = `${lostWith(backend)} ${origin}`
    this.#records.set(key, countLoss(this.#records.get(key) ?? noSharedLosses, backend, now, TWICE_MS))
  }

  /** ms since 1970 until which `origin` keeps away from `backend`'s devices and those it would be lost with; 0 where it need not. */
  until(origin: string, backend: string, forced: boolean, now: number): number {
    if (this.#records.size === 0) return 0
    const key = `${lostWith(backend)} ${origin}`
    const record = this.#records.get(key)
    if (!record) return 0
    if (now - record.at >= TWICE_MS) this.#records.delete(key)
    const wait = record.count > 1 ? TWICE_MS : forced ? 0 : GPU_LOSS_WINDOW_MS
    return record.at + wait > now ? record.at + wait : 0
  }
}
