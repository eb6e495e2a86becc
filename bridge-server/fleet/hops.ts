import { LastUsed } from "./last-used.ts"

/** Runs that have to be known before there is a deadline, and how many of the latest it is of. */
const LEARNT_RUNS = 20
const KEPT_RUNS = 64
/** What is remembered: the hops that were used last. */
const KEPT_HOPS = 1000
/** An answer is late after so many times the p95, and never sooner than that, ms. */
const FACTOR = 4
const SHORTEST_MS = 250

/** One way to an answer: a device, by the fleet's name of it, a model, and how large its inputs are. */
export interface Hop {
  device: string
  sha256: string
  bytes: number
}

/** How long agents take to answer, from sending a run until its answer is there: learnt from runs alone, opening is a phase of its own. */
export class Hops {
  readonly #byKey = new LastUsed<{ latestMs: number[]; next: number }>(KEPT_HOPS, () => ({ latestMs: [], next: 0 }))

  took(hop: Hop, ms: number): void {
    const known = this.#byKey.use(key(hop))
    known.latestMs[known.next] = ms
    known.next = (known.next + 1) % KEPT_RUNS
  }

  /** After how long an answer is late, ms; undefined until enough runs are known. */
  deadlineMs(hop: Hop): number | undefined {
    const { latestMs = [] } = this.#byKey.get(key(hop)) ?? {}
    if (latestMs.length < LEARNT_RUNS) return undefined
    const p95 = latestMs.toSorted((a, b) => a - b)[Math.ceil(0.95 * latestMs.length) - 1] as number
    return Math.max(SHORTEST_MS, FACTOR * p95)
  }
}

function key({ device, sha256, bytes }: Hop): string {
  return `${bytes} ${sha256} ${device}`
}
