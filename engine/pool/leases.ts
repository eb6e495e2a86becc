import { type AccelerateError, type Fallback, fail } from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import { type Activity, keptBytes, type Lease, releaseKept } from "./lease.ts"
import type { Loaded } from "./loaded.ts"
import type { Placed, Wanted } from "./placement.ts"
import type { Sessions } from "./sessions.ts"

/** Who has leased what. */
export class Leases {
  readonly #sessions: Sessions
  readonly #byOrigin = new Map<string, Set<Lease>>()

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  /** Takes over the lease that `placed` has. */
  open(caller: Caller, activity: Activity, reference: string, { loaded }: Placed, wanted: Wanted): Lease {
    const lease: Lease = {
      sessionId: crypto.randomUUID(),
      caller,
      activity,
      reference,
      model: loaded.model,
      home: loaded,
      forced: wanted.device !== undefined,
      loaded,
      movedFrom: undefined,
      returns: false,
      moving: undefined,
      kept: new Map(),
      jobs: new Set(),
      lastUsedAt: performance.now(),
      closed: false,
    }
    const own = this.#byOrigin.get(caller.origin) ?? new Set()
    this.#byOrigin.set(caller.origin, own.add(lease))
    return lease
  }

  /** Gives it back; jobs that it has still end. */
  close(lease: Lease): void {
    if (lease.closed) return
    lease.closed = true
    releaseKept(lease)
    if (lease.loaded !== lease.home) this.#sessions.giveBack(lease.loaded)
    this.#sessions.giveBack(lease.home)
    const own = this.#byOrigin.get(lease.caller.origin)
    own?.delete(lease)
    if (own?.size === 0) this.#byOrigin.delete(lease.caller.origin)
  }

  /** From now on it runs on `loaded`, whose lease it takes over, because of `error` at `from`. `home` stays leased all the while. */
  moveTo(lease: Lease, loaded: Loaded, error: AccelerateError, from: Fallback): void {
    if (lease.closed || loaded === lease.home) this.#sessions.giveBack(loaded)
    if (lease.closed) throw fail("IPFA_SESSION_UNKNOWN")
    if (loaded === lease.home) return this.goHome(lease)
    if (lease.loaded !== lease.home) this.#sessions.giveBack(lease.loaded)
    lease.loaded = loaded
    lease.movedFrom = from
    lease.returns = error.code === "IPFA_DEVICE_LOST"
  }

  goHome(lease: Lease): void {
    if (lease.loaded !== lease.home) this.#sessions.giveBack(lease.loaded)
    lease.loaded = lease.home
    lease.movedFrom = undefined
    lease.returns = false
  }

  /** IPFA_DEVICE_MEMORY where `caller` would hold more than it may with `model` (bytes `neededBytes`) too. */
  checkMemory(caller: Caller, neededBytes = 0): void {
    const most = caller.limits?.memoryBytes
    if (most === undefined) return
    const usedBytes = this.bytes(caller.origin)
    if (usedBytes + neededBytes <= most) return
    const data = { neededBytes, usedBytes, limitBytes: most, reason: "this origin's memory is used up" }
    throw fail("IPFA_DEVICE_MEMORY", { data })
  }

  /** What `origin` has loaded and kept; what it shares with others counts in full. */
  bytes(origin: string): number {
    const distinct = new Set<Loaded>()
    let sum = 0
    for (const lease of this.of(origin)) {
      distinct.add(lease.loaded)
      sum += keptBytes(lease)
    }
    for (const { residence } of distinct) sum += residence?.memoryBytes ?? 0
    return sum
  }

  of(origin: string): Iterable<Lease> {
    return this.#byOrigin.get(origin) ?? []
  }

  *all(): IterableIterator<Lease> {
    for (const own of this.#byOrigin.values()) yield* own
  }
}
