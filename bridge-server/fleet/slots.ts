import { fail } from "../../protocol/index.ts"
import { type QueueEntry, Turns } from "../../scheduler/index.ts"

/** Jobs at once on one device, for each that it computes at the same time: one runs while the tensors of the next one travel. */
const IN_FLIGHT = 2
/** What the tensors of one caller's waiting jobs may take. */
const WAITING_BYTES = 2 ** 30
/** A device that nobody has used for so long may be gone. */
const FORGOTTEN_MS = 60_000

export interface SlotRequest {
  /** Whose share it takes. */
  origin: string
  priority: number
  signal: AbortSignal
  /** ms since 1970 */
  deadlineAt?: number
  /** Expected time of the run, ms. */
  cost: number
  /** What it holds in memory while it waits. */
  bytes?: number
  /** Runs that the device computes at the same time, where that is not one. */
  parallel?: number | undefined
  /** It is computed alone even so: no other is sent along with it before its turn. */
  isAlone?: boolean
}

interface Waiting {
  enter(): void
  refuse(error: Error): void
}

/** A job on a device. */
interface Inside {
  /** Of the device's time, ms. */
  tookMs: number
}

/** One device. Times are of `performance.now()`. */
interface Device {
  turns: Turns<Waiting>
  parallel: number
  /** As they came, of which it computes the first, or the first few. */
  inside: Inside[]
  /** Until when its time is charged. */
  chargedAt: number
  leftAt: number
  timer?: NodeJS.Timeout
}

/** Lets two jobs at once onto each device, or twice what it computes at the same time; the others wait for it, and it is shared fairly between callers. */
export class Slots {
  readonly #devices = new Map<object, Device>()
  readonly #bytes = new Map<string, number>()

  /** Jobs that wait. */
  get waiting(): number {
    return this.#sum(({ turns }) => turns.waiting)
  }

  /** Jobs that are on a device. */
  get running(): number {
    return this.#sum(({ turns }) => turns.running)
  }

  /** Jobs on `device`, or waiting for it. */
  load(device: object): number {
    const turns = this.#devices.get(device)?.turns
    return turns ? turns.running + turns.waiting : 0
  }

  /** Resolves with the function that gives the place back. Throws IPFA_QUEUE_FULL at once, or `signal`'s reason while it waits. */
  enter(device: object, request: SlotRequest): Promise<() => void> {
    const { signal, origin, priority, cost, deadlineAt, parallel, isAlone = false, bytes = 0 } = request
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const held = this.#bytes.get(origin) ?? 0
      if (held > 0 && held + bytes > WAITING_BYTES) return reject(full())
      const at = this.#device(device, parallel)
      const settled = () => {
        signal.removeEventListener("abort", onAbort)
        this.#hold(origin, -bytes)
      }
      const value: Waiting = {
        enter: () => {
          settled()
          resolve(this.#leave(at, value))
        },
        refuse(error) {
          settled()
          reject(error)
        },
      }
      const entry: QueueEntry<Waiting> = { origin, priority, cost, isAlone, value }
      if (deadlineAt !== undefined) entry.deadlineAt = deadlineAt
      const onAbort = () => {
        at.turns.remove(entry)
        value.refuse(signal.reason)
      }
      this.#hold(origin, bytes)
      signal.addEventListener("abort", onAbort, { once: true })
      const { accepted, displaced } = at.turns.push(entry, performance.now())
      displaced?.value.refuse(full())
      if (!accepted) return value.refuse(full())
      this.#pump(at)
    })
  }

  #pump(at: Device): void {
    clearTimeout(at.timer)
    for (let next = at.turns.next(performance.now()); next; next = at.turns.next(performance.now())) next.value.enter()
    const { heldUntil = Number.POSITIVE_INFINITY } = at.turns
    if (heldUntil < Number.POSITIVE_INFINITY)
      at.timer = setTimeout(() => this.#pump(at), Math.max(0, heldUntil - performance.now()))
  }

  #leave(at: Device, value: Waiting): () => void {
    const job: Inside = { tookMs: 0 }
    charge(at)
    at.inside.push(job)
    return () => {
      const place = at.inside.indexOf(job)
      if (place < 0) return
      const now = charge(at)
      at.inside.splice(place, 1)
      at.turns.ended(value, job.tookMs, now)
      at.leftAt = now
      this.#pump(at)
    }
  }

  #device(device: object, parallel = 1): Device {
    const known = this.#devices.get(device)
    if (known) return known
    const now = performance.now()
    for (const [other, { leftAt }] of this.#devices)
      if (this.load(other) === 0 && now - leftAt > FORGOTTEN_MS) this.#devices.delete(other)
    const at: Device = {
      turns: new Turns({ depth: IN_FLIGHT * parallel, parallel }),
      parallel,
      inside: [],
      chargedAt: now,
      leftAt: now,
    }
    this.#devices.set(device, at)
    return at
  }

  #hold(origin: string, bytes: number): void {
    const held = (this.#bytes.get(origin) ?? 0) + bytes
    if (held > 0) this.#bytes.set(origin, held)
    else this.#bytes.delete(origin)
  }

  #sum(of: (device: Device) => number): number {
    return [...this.#devices.values()].reduce((sum, device) => sum + of(device), 0)
  }
}

/** What passed since the last time is shared by those that were computed. */
function charge(at: Device): number {
  const now = performance.now()
  const computed = at.inside.slice(0, at.parallel)
  for (const job of computed) job.tookMs += (now - at.chargedAt) / computed.length
  at.chargedAt = now
  return now
}

function full(): Error {
  return fail("IPFA_QUEUE_FULL", { data: { retryAfterMs: 1000 } })
}
