import type { Host } from "./host.ts"
import type { PoolSettings } from "./options.ts"
import type { Sessions } from "./sessions.ts"
import { type Timer, upkeepTimer } from "./timer.ts"

/** Longest that a worker is waited for to say how large its heap is. */
const ANSWER_MS = 5_000

/**
 * Returns memory that WASM will not give back: ends workers with a large heap on which nobody has had a session for a while. What was still
 * loaded there, for whoever might come back, goes with them.
 */
export class HeapWatch {
  readonly #settings: PoolSettings
  readonly #sessions: Sessions
  readonly #jobsOf: (host: Host) => number
  readonly #timers = new Map<Host, Timer>()

  constructor(settings: PoolSettings, sessions: Sessions, jobsOf: (host: Host) => number) {
    this.#settings = settings
    this.#sessions = sessions
    this.#jobsOf = jobsOf
    sessions.onReleased = (host) => this.#released(host)
  }

  close(): void {
    this.#sessions.onReleased = () => undefined
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  /** A session there was given back: if nobody opens another for a while, it is looked at. */
  #released(host: Host): void {
    if (!host.returnsMemory) return
    clearTimeout(this.#timers.get(host))
    const look = () => {
      this.#timers.delete(host)
      void this.#look(host)
    }
    this.#timers.set(host, upkeepTimer(look, this.#settings.limits.unusedHostMs))
  }

  async #look(host: Host): Promise<void> {
    if (!this.#isUnused(host)) return
    const { life } = host
    const heap = await host.call("device.memory", {}, { deadlineMs: ANSWER_MS }).then(
      ({ heapBytes = 0 }) => heapBytes,
      // A worker that does not answer is not put to sleep but lost, which shows in its jobs.
      () => 0,
    )
    const isLarge = heap > this.#settings.limits.unusedHeapBytes
    if (isLarge && host.life === life && this.#isUnused(host)) host.sleep()
  }

  #isUnused(host: Host): boolean {
    // Whoever holds a session there will give it back.
    const use = this.#sessions.occupancy(host)
    if (host.state !== "ready" || use === "held") return false
    if (use === "none" && this.#jobsOf(host) === 0) return true
    // Jobs of sessions that were given back still run.
    this.#released(host)
    return false
  }
}
