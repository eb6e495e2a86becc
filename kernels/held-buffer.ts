import { fail } from "../protocol/errors/error.ts"

/** A buffer, and how many hold it: whoever is given one releases it once, and the last to do so gives it back. */
export class HeldBuffer {
  readonly buffer: GPUBuffer
  /** What is bound and copied of it, from its first byte on; the buffer may be longer. */
  readonly bytes: number
  /** Rejects with IPFA_DEVICE_MEMORY or IPFA_DEVICE_LOST where the buffer could not be made. */
  readonly settled: Promise<void>
  readonly #giveBack: () => void
  #holders = 1

  constructor(buffer: GPUBuffer, bytes: number, settled: Promise<void>, giveBack: () => void) {
    this.buffer = buffer
    this.bytes = bytes
    this.settled = settled
    this.#giveBack = giveBack
  }

  /** One more holder. */
  retain(): this {
    this.#assertHeld()
    this.#holders++
    return this
  }

  release(): void {
    this.#assertHeld()
    if (--this.#holders === 0) this.#giveBack()
  }

  #assertHeld(): void {
    if (this.#holders === 0) throw fail("IPFA_INTERNAL", { message: `${this.buffer.label} is held by nobody.` })
  }
}
