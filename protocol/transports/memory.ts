import type { Port } from "../port.ts"
import { bye, Inbox } from "./inbox.ts"

/** Two ports in one place, each delivering what the other sends, in order and asynchronously. Messages are passed as they are, not copied. */
export function memoryPorts(): [Port, Port] {
  const a = new MemoryPort()
  const b = new MemoryPort()
  a.other = b
  b.other = a
  return [a, b]
}

class MemoryPort implements Port {
  other!: MemoryPort
  readonly pendingBytes = 0
  readonly #inbox = new Inbox(() => {})
  #queue: unknown[] = []

  send(message: unknown): void {
    if (!this.#inbox.isEnded) this.other.#arrive(message)
  }

  start(receive: (message: unknown) => void, ended: (reason?: unknown) => void): void {
    this.#inbox.start(receive, ended)
  }

  close(reason?: string): void {
    this.send(bye(reason))
    this.#inbox.close()
  }

  #arrive(message: unknown): void {
    this.#queue.push(message)
    if (this.#queue.length > 1) return
    queueMicrotask(() => {
      for (const queued of this.#queue.splice(0)) this.#inbox.arrive(queued)
    })
  }
}
