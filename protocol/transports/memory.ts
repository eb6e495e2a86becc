import type { Port } from "../port.ts"

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
  #receive: ((message: unknown) => void) | undefined
  #ended: ((reason?: unknown) => void) | undefined
  #queue: unknown[] = []
  #scheduled = false
  #closed = false

  send(message: unknown): void {
    if (!this.#closed) this.other.#arrive(message)
  }

  start(receive: (message: unknown) => void, ended: (reason?: unknown) => void): void {
    this.#receive = receive
    this.#ended = ended
    this.#schedule()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    queueMicrotask(() => {
      this.other.#closed = true
      this.other.#ended?.()
    })
  }

  #arrive(message: unknown): void {
    this.#queue.push(message)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || !this.#receive) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      for (const message of this.#queue.splice(0)) this.#receive?.(message)
    })
  }
}
