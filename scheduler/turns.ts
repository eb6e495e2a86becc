import { FairQueue, type QueueEntry } from "./queue.ts"

/** Jobs longer than this are not sent to a device ahead of their turn where others may come before: what is there can't be overtaken. */
const AHEAD_MS = 5
/** With this many more of its jobs waiting, an origin works through a pile: how long each one takes is not what it watches. */
const PILE = 4
/**
 * An origin with a pile delays at most one in so many of another's shorter jobs: with room below one in 20, so that p95 is without. Beside one
 * that always has such a job, it is left at least one part in so many and one of the time that both are charged.
 */
const DELAYS_ONE_IN = 32
/** A device is kept free for who comes back sooner than that, or than its own job takes, or than a part of the job that waits. */
const LONGEST_GAP_MS = 50
/** For so many times its usual gap: of gaps that vary at random (exponentially) one in 400 is longer. */
const PATIENCE = 6
/** Who did not come for so long is forgotten. */
const REMEMBERED_MS = 10_000
const WEIGHT = 0.25

interface Visitor {
  /** Its last job had priority 0: it works in idle time, and nothing is kept free for it. */
  isBackground: boolean
  /** Jobs at the device. */
  inside: number
  /** When its last job ended there. */
  endedAt: number
  /** Moving averages: from the end of its last job to the coming of the next, and of what a job took. Absent until the first was seen. */
  gapMs?: number
  costMs?: number
}

/**
 * Whose job a device gets next, and when it gets none. Time is shared by `FairQueue` and charged by what was taken, not by what was expected.
 * No job can be interrupted, so two things are added. A device that was just used by an origin which comes back at once is kept free for it
 * for a moment, while another's longer job waits (anticipatory scheduling, Iyer and Druschel 2001): else who asks one thing at a time would
 * find somebody's long job there each time. And who works through a pile of long jobs is charged as much as makes its delays of others'
 * short ones rare. All times are ms of any one clock.
 */
export class Turns<T> {
  readonly #queue: FairQueue<T>
  readonly #depth: number
  readonly #parallel: number
  readonly #visitors = new Map<string, Visitor>()
  readonly #inside = new Map<T, QueueEntry<T>>()
  /** Kept free for `origin` since `since`; until `until` at the latest, or the end of what it has there. */
  #held: { origin: string; since: number; until: number } | undefined

  /** `depth`: jobs that may be at the device, of which it computes the first, or the first few. */
  constructor({ depth, parallel = 1, capacity }: { depth: number; parallel?: number; capacity?: number }) {
    this.#depth = depth
    this.#parallel = parallel
    this.#queue = new FairQueue(capacity)
  }

  /** Jobs that wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Jobs at the device. */
  get running(): number {
    return this.#inside.size
  }

  /** When `next` is to be asked again though nothing happens until then; absent where that is not so. */
  get heldUntil(): number | undefined {
    return this.#held?.until
  }

  /** As `FairQueue.push`. */
  push(entry: QueueEntry<T>, now: number): ReturnType<FairQueue<T>["push"]> {
    const visitor = this.#visitors.get(entry.origin)
    if (visitor && visitor.inside === 0 && this.#queue.waiting(entry.origin) === 0)
      visitor.gapMs = averaged(visitor.gapMs, now - visitor.endedAt)
    const pushed = this.#queue.push(entry)
    if (this.#held?.origin === entry.origin) this.#letGo(now)
    return pushed
  }

  /** The job that goes to the device now, of those that `ready` lets pass. */
  next(now: number, ready: (value: T) => boolean = () => true): QueueEntry<T> | undefined {
    this.#forget(now)
    const entry = this.#inside.size < this.#depth ? this.#queue.peek(ready) : undefined
    const places = entry?.isAlone ? 1 : this.#parallel
    if (entry && this.#inside.size >= places && !this.#maySendAhead(entry)) return undefined
    const held = entry && this.#keepFree(entry, now)
    if (!held || held.origin !== this.#held?.origin) this.#letGo(now)
    if (held) {
      this.#held ??= held
      this.#held.until = held.until
    }
    if (!entry || held) return undefined
    this.#queue.take(entry)
    this.#inside.set(entry.value, entry)
    const visitor = this.#visitor(entry.origin, now)
    visitor.inside++
    visitor.isBackground = entry.priority === 0
    return entry
  }

  /** The job is no longer at the device, which it took `tookMs`. Where the device was `lost` under it, nobody is waited for. */
  ended(value: T, tookMs: number, now: number, lost = false): void {
    const entry = this.#inside.get(value)
    if (!entry) return
    const { origin, cost } = entry
    this.#inside.delete(value)
    const visitor = this.#visitor(origin, now)
    visitor.inside--
    visitor.endedAt = now
    if (lost) visitor.gapMs = undefined
    // What was taken back before it began took nothing.
    if (tookMs > 0) visitor.costMs = averaged(visitor.costMs, tookMs)
    this.#queue.charge(origin, this.#price(origin, tookMs) - cost)
  }

  /** Takes `entry` out before its turn; false where it does not wait. */
  remove(entry: QueueEntry<T>): boolean {
    return this.#queue.remove(entry)
  }

  /** As `FairQueue.removeWhere`. */
  removeWhere(which: (entry: QueueEntry<T>) => boolean): QueueEntry<T>[] {
    return this.#queue.removeWhere(which)
  }

  /** Whether one of another origin's waits that `which` picks. */
  isWaitedFor(origin: string, which: (value: T) => boolean): boolean {
    return this.#queue.hasOther(origin, which)
  }

  /** What waits. */
  [Symbol.iterator](): IterableIterator<QueueEntry<T>> {
    return this.#queue[Symbol.iterator]()
  }

  /** What is there keeps a device busy while the next one's tensors travel; what is long keeps it from who comes meanwhile and is due before. */
  #maySendAhead({ origin, cost, waitsForTurn }: QueueEntry<T>): boolean {
    if (waitsForTurn) return false
    if (this.#likelyMs(origin, cost) <= AHEAD_MS) return true
    const start = this.#queue.start(origin)
    for (const [other, { inside }] of this.#others(origin))
      if (inside === 0 && this.#queue.waiting(other) === 0 && this.#queue.start(other) <= start) return false
    return true
  }

  /** Whom the device is kept free for rather than doing `entry`'s job. */
  #keepFree(
    { origin, cost }: QueueEntry<T>,
    now: number,
  ): { origin: string; since: number; until: number } | undefined {
    const likelyMs = this.#likelyMs(origin, cost)
    const start = this.#queue.start(origin)
    for (const [other, visitor] of this.#others(origin)) {
      const { inside, endedAt, gapMs = Number.POSITIVE_INFINITY, costMs = 0, isBackground } = visitor
      const isSoon = gapMs < likelyMs && gapMs <= Math.max(LONGEST_GAP_MS, costMs, likelyMs / PATIENCE)
      const isWorthIt = !isBackground && isSoon && costMs < likelyMs
      if (!isWorthIt || this.#queue.waiting(other) > 0 || this.#queue.start(other) > start) continue
      const until = inside > 0 ? Number.POSITIVE_INFINITY : endedAt + PATIENCE * gapMs + 1
      if (until > now) return { origin: other, since: now, until }
    }
    return undefined
  }

  /** An origin's short jobs may be followed by long ones of the same model. */
  #likelyMs(origin: string, cost: number): number {
    return Math.max(cost, this.#visitors.get(origin)?.costMs ?? 0)
  }

  /** Who was waited for pays for it, else coming back late would be a way to have a device alone. */
  #letGo(now: number): void {
    const held = this.#held
    if (!held) return
    this.#held = undefined
    const since = Math.max(held.since, this.#visitors.get(held.origin)?.endedAt ?? 0)
    if (now > since) this.#queue.charge(held.origin, now - since)
  }

  #price(origin: string, tookMs: number): number {
    if (this.#queue.waiting(origin) < PILE) return tookMs
    let price = tookMs
    for (const [, { costMs = 0, gapMs = 0 }] of this.#others(origin)) {
      if (costMs >= tookMs) continue
      // What a job costs the other: it pays for its gaps, too. No more of them than it computes, else who seldom asks could keep others from it.
      const roundMs = costMs + Math.min(gapMs, costMs)
      price = Math.max(price, DELAYS_ONE_IN * Math.min(roundMs, tookMs))
    }
    return price
  }

  *#others(origin: string): Generator<[string, Visitor]> {
    for (const pair of this.#visitors) if (pair[0] !== origin) yield pair
  }

  #visitor(origin: string, now: number): Visitor {
    let visitor = this.#visitors.get(origin)
    if (!visitor) {
      visitor = { isBackground: false, inside: 0, endedAt: now }
      this.#visitors.set(origin, visitor)
    }
    return visitor
  }

  #forget(now: number): void {
    for (const [origin, { inside, endedAt }] of this.#visitors)
      if (inside === 0 && now - endedAt > REMEMBERED_MS && this.#queue.waiting(origin) === 0)
        this.#visitors.delete(origin)
  }
}

function averaged(before: number | undefined, value: number): number {
  return before === undefined ? value : before + WEIGHT * (value - before)
}
