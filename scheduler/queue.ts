/** One waiting job. */
export interface QueueEntry<T> {
  /** Whose share it takes. */
  origin: string
  /** 0 (background) … 9 (someone waits and watches): orders an origin's own jobs. */
  priority: number
  /** ms since 1970; among equal priorities the nearest comes first. */
  deadlineAt?: number
  /** What serving it takes of its origin's share, in whatever unit is the same for all (expected ms). */
  cost: number
  /** It is not sent to a device ahead of its turn. */
  waitsForTurn?: boolean
  /** It is not computed beside others, also by a device that computes several at the same time. */
  isAlone?: boolean
  value: T
}

interface Line<T> {
  /** In the order in which this origin's jobs are served. */
  waiting: { entry: QueueEntry<T>; seq: number }[]
  /** Virtual time at which the origin's next job may start. */
  start: number
}

export const QUEUE_CAPACITY = 512
/** Nothing is served for nothing, else an origin with free jobs would always be next. */
const MIN_COST = 0.001

/**
 * Waiting jobs, shared fairly between origins: start-time fair queueing (Goyal, Vin, Cheng 1996), where virtual time advances by the cost
 * served. A priority orders an origin's own jobs only, else every page would say 9. Bounded: when full, an origin with less than the largest
 * share displaces the last job of the origin that has it.
 */
export class FairQueue<T> {
  readonly capacity: number
  readonly #lines = new Map<string, Line<T>>()
  /** Virtual time up to which an origin has been served, kept while it lies ahead of the clock. */
  readonly #served = new Map<string, number>()
  #clock = 0
  #size = 0
  #seq = 0

  constructor(capacity: number = QUEUE_CAPACITY) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  /** Jobs of `origin` that wait. */
  waiting(origin: string): number {
    return this.#lines.get(origin)?.waiting.length ?? 0
  }

  /** Takes `entry` in. `accepted` is false where there is no room for it; `displaced` had to make room. */
  push(entry: QueueEntry<T>): { accepted: boolean; displaced?: QueueEntry<T> } {
    let displaced: QueueEntry<T> | undefined
    if (this.#size >= this.capacity) {
      displaced = this.#displaceFor(entry.origin)
      if (!displaced) return { accepted: false }
    }
    let line = this.#lines.get(entry.origin)
    if (!line) {
      line = { waiting: [], start: Math.max(this.#clock, this.#served.get(entry.origin) ?? 0) }
      this.#lines.set(entry.origin, line)
    }
    const item = { entry, seq: this.#seq++ }
    let at = line.waiting.length
    while (at > 0 && isBefore(item, line.waiting[at - 1]!)) at--
    line.waiting.splice(at, 0, item)
    this.#size++
    return displaced ? { accepted: true, displaced } : { accepted: true }
  }

  /** Whether a job of another origin than `origin` waits that `which` picks. */
  hasOther(origin: string, which: (value: T) => boolean): boolean {
    for (const [other, { waiting }] of this.#lines)
      if (other !== origin && waiting.some(({ entry }) => which(entry.value))) return true
    return false
  }

  /** Takes out the job that is next, of those that `ready` lets pass. */
  next(ready: (value: T) => boolean = () => true): QueueEntry<T> | undefined {
    const entry = this.peek(ready)
    if (entry) this.take(entry)
    return entry
  }

  /** The job that `next` would take out. */
  peek(ready: (value: T) => boolean = () => true): QueueEntry<T> | undefined {
    let best: { line: Line<T>; entry: QueueEntry<T>; seq: number } | undefined
    for (const line of this.#lines.values()) {
      if (best && line.start > best.line.start) continue
      const item = line.waiting.find(({ entry }) => ready(entry.value))
      if (!item) continue
      if (!best || line.start < best.line.start || item.seq < best.seq) best = { line, ...item }
    }
    return best?.entry
  }

  /** Takes out a job that is served now: its origin is charged its cost. */
  take(entry: QueueEntry<T>): void {
    const line = this.#lines.get(entry.origin)
    const at = line?.waiting.findIndex((item) => item.entry === entry) ?? -1
    if (!line || at < 0) return
    this.#clock = Math.max(this.#clock, line.start)
    line.start = Math.max(this.#clock, line.start) + Math.max(entry.cost, MIN_COST)
    this.#served.set(entry.origin, line.start)
    this.#take(entry.origin, line, at)
    for (const [origin, served] of this.#served) if (served <= this.#clock) this.#served.delete(origin)
  }

  /** Virtual time at which `origin`'s next job may start, whether one waits or not. */
  start(origin: string): number {
    return this.#lines.get(origin)?.start ?? Math.max(this.#clock, this.#served.get(origin) ?? 0)
  }

  /** What serving `origin` took more than the cost it was charged; less where negative, though never to its credit. */
  charge(origin: string, more: number): void {
    const before = this.start(origin)
    const start = more > 0 ? before + more : Math.min(before, Math.max(this.#clock, before + more))
    const line = this.#lines.get(origin)
    if (line) line.start = start
    this.#served.set(origin, start)
  }

  /** Takes `entry` out; false where it does not wait. */
  remove(entry: QueueEntry<T>): boolean {
    const line = this.#lines.get(entry.origin)
    const at = line?.waiting.findIndex((item) => item.entry === entry) ?? -1
    if (!line || at < 0) return false
    this.#take(entry.origin, line, at)
    return true
  }

  /** Takes out and returns all jobs that `which` picks (past their deadline, of a lost device, …), in no particular order. */
  removeWhere(which: (entry: QueueEntry<T>) => boolean): QueueEntry<T>[] {
    const removed = [...this].filter(which)
    for (const entry of removed) this.remove(entry)
    return removed
  }

  *[Symbol.iterator](): IterableIterator<QueueEntry<T>> {
    for (const line of [...this.#lines.values()]) for (const { entry } of [...line.waiting]) yield entry
  }

  #take(origin: string, line: Line<T>, at: number): void {
    line.waiting.splice(at, 1)
    this.#size--
    if (line.waiting.length === 0) this.#lines.delete(origin)
  }

  #displaceFor(origin: string): QueueEntry<T> | undefined {
    let largest: [string, Line<T>] | undefined
    for (const pair of this.#lines) if (!largest || pair[1].waiting.length > largest[1].waiting.length) largest = pair
    if (!largest || largest[1].waiting.length <= this.waiting(origin) + 1) return undefined
    const [name, line] = largest
    const { entry } = line.waiting.at(-1)!
    this.#take(name, line, line.waiting.length - 1)
    return entry
  }
}

function isBefore<T>(a: { entry: QueueEntry<T>; seq: number }, b: { entry: QueueEntry<T>; seq: number }): boolean {
  const byPriority = b.entry.priority - a.entry.priority
  if (byPriority !== 0) return byPriority < 0
  const [x, y] = [a.entry.deadlineAt ?? Number.POSITIVE_INFINITY, b.entry.deadlineAt ?? Number.POSITIVE_INFINITY]
  return x === y ? a.seq < b.seq : x < y
}
