import { fail } from "../../protocol/index.ts"
import { FairQueue, type QueueEntry } from "../../scheduler/index.ts"

/** Jobs at once on one device: one runs while the tensors of the next one travel. */
const IN_FLIGHT = 2

export interface SlotRequest {
  /** Whose share it takes. */
  origin: string
  priority: number
  signal: AbortSignal
  /** ms since 1970 */
  deadlineAt?: number
  /** Expected time of the run, ms. */
  cost: number
}

interface Waiting {
  device: object
  enter(): void
  refuse(error: Error): void
}

/** Lets two jobs at once onto each device; the others wait in one queue that shares the devices fairly between origins. */
export class Slots {
  readonly #queue = new FairQueue<Waiting>()
  readonly #inside = new Map<object, number>()

  /** Jobs that wait. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Jobs that are on a device. */
  get running(): number {
    return [...this.#inside.values()].reduce((sum, n) => sum + n, 0)
  }

  /** Jobs on `device`, or waiting for it. */
  load(device: object): number {
    let waiting = 0
    for (const { value } of this.#queue) if (value.device === device) waiting++
    return (this.#inside.get(device) ?? 0) + waiting
  }

  /** Resolves with the function that gives the place back. Throws IPFA_QUEUE_FULL at once, or `signal`'s reason while it waits. */
  enter(device: object, request: SlotRequest): Promise<() => void> {
    const { signal, origin, priority, cost, deadlineAt } = request
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const admit = () => {
        signal.removeEventListener("abort", onAbort)
        this.#inside.set(device, (this.#inside.get(device) ?? 0) + 1)
        resolve(this.#leave(device))
      }
      const refuse = (error: Error) => {
        signal.removeEventListener("abort", onAbort)
        reject(error)
      }
      const entry: QueueEntry<Waiting> = { origin, priority, cost, value: { device, enter: admit, refuse } }
      if (deadlineAt !== undefined) entry.deadlineAt = deadlineAt
      const onAbort = () => {
        this.#queue.remove(entry)
        reject(signal.reason)
      }
      if (this.#hasRoom(device)) return admit()
      const { accepted, displaced } = this.#queue.push(entry)
      displaced?.value.refuse(full())
      if (!accepted) return reject(full())
      signal.addEventListener("abort", onAbort, { once: true })
    })
  }

  #hasRoom(device: object): boolean {
    return (this.#inside.get(device) ?? 0) < IN_FLIGHT
  }

  #leave(device: object): () => void {
    let left = false
    return () => {
      if (left) return
      left = true
      const inside = (this.#inside.get(device) ?? 1) - 1
      if (inside > 0) this.#inside.set(device, inside)
      else this.#inside.delete(device)
      this.#queue.next((w) => w.device === device && this.#hasRoom(device))?.value.enter()
    }
  }
}

function full(): Error {
  return fail("IPFA_QUEUE_FULL", { data: { retryAfterMs: 1000 } })
}
