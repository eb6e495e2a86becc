import { fail } from "../protocol/errors/error.ts"
import { scoped } from "./gpu-errors.ts"
import { HeldBuffer } from "./held-buffer.ts"

// GPUBufferUsage by value (WebGPU, 5.1.2): the globals are not there in Node
export const usage = { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 }
/** What tensors and weights are made with. */
export const STORED = usage.STORAGE | usage.COPY_SRC | usage.COPY_DST

/** Bytes that are kept for the next who takes some. */
const BUDGET_BYTES = 64 * 2 ** 20
/** The least that a buffer is made of: what no kernel's binding is larger than. */
export const LEAST_BYTES = 16

/**
 * The buffers of one device. What is taken for a while goes back to a pool of size classes, of which a budget is kept; what many need is there once and
 * counted; scratch is given to all at once. On a device that is lost nothing of this fails: its buffers are of no use, and say so when they are used.
 */
export class DeviceMemory {
  readonly #device: GPUDevice
  readonly #budgetBytes: number
  /** By usage and size. The class that was used last is at the end. */
  readonly #free = new Map<string, Made[]>()
  readonly #shared = new Map<string, HeldBuffer>()
  readonly #scratch = new Set<HeldBuffer>()
  #freeBytes = 0

  /** `budgetBytes`: of what nobody holds so many are kept; 64 MiB unless given. Throws IPFA_INPUT_INVALID for less than 0. */
  constructor(device: GPUDevice, budgetBytes: number = BUDGET_BYTES) {
    if (!(budgetBytes >= 0))
      throw fail("IPFA_INPUT_INVALID", {
        message: `A pool of buffers can't keep ${budgetBytes} bytes.`,
        data: { path: "budgetBytes", expected: "a number of bytes from 0 up" },
      })
    this.#device = device
    this.#budgetBytes = budgetBytes
  }

  /** Bytes that nobody holds, kept for the next; at most the budget. */
  get freeBytes(): number {
    return this.#freeBytes
  }

  /** A buffer of at least `bytes` of its own. `isZero`: it is new; else it holds what its last holder left. */
  take(label: string, bytes: number, flags: number): { held: HeldBuffer; isZero: boolean } {
    const size = sizeClass(bytes, this.#device.limits.maxBufferSize)
    const key = `${flags}:${size}`
    const found = this.#free.get(key)?.pop()
    if (found) this.#freeBytes -= size
    const made = found ?? this.#make(label, size, flags)
    const held = new HeldBuffer(made.buffer, bound(bytes), made.settled, () => this.#put(key, made))
    return { held, isZero: !found }
  }

  /** The buffer that is shared under `key`, held once more. */
  shared(key: string): HeldBuffer | undefined {
    return this.#shared.get(key)?.retain()
  }

  /** A new buffer of zeros that others find under `key` from now on, for as long as anybody holds it: to be filled at once. */
  share(key: string, label: string, bytes: number): HeldBuffer {
    const held = this.#own(label, bytes, () => this.#shared.delete(key))
    this.#shared.set(key, held)
    return held
  }

  /** For each of `sizes` a buffer; no two are one. Others are given the same: what is in them lasts for one submission. */
  scratch(sizes: readonly number[]): HeldBuffer[] {
    const there = [...this.#scratch].sort((a, b) => a.bytes - b.bytes)
    const given: HeldBuffer[] = []
    for (const i of [...sizes.keys()].sort((a, b) => sizes[a]! - sizes[b]!)) {
      while (there.length > 0 && there[0]!.bytes < sizes[i]!) there.shift()
      given[i] = there.shift()?.retain() ?? this.#newScratch(sizes[i]!)
    }
    return given
  }

  /** Lets go of all that nobody holds. */
  trim(): void {
    for (const { buffer } of [...this.#free.values()].flat()) buffer.destroy()
    this.#free.clear()
    this.#freeBytes = 0
  }

  #newScratch(bytes: number): HeldBuffer {
    const held: HeldBuffer = this.#own("scratch", bytes, () => this.#scratch.delete(held))
    this.#scratch.add(held)
    return held
  }

  /** A buffer of just these bytes, destroyed when nobody holds it. */
  #own(label: string, bytes: number, forget: () => void): HeldBuffer {
    const { buffer, settled } = this.#make(label, bound(bytes), STORED)
    return new HeldBuffer(buffer, bound(bytes), settled, () => {
      forget()
      buffer.destroy()
    })
  }

  #make(label: string, size: number, flags: number): Made {
    const { value, settled } = scoped(this.#device, label, () =>
      this.#device.createBuffer({ label, size, usage: flags }),
    )
    const made = { buffer: value, settled, failed: false }
    settled.catch(() => {
      made.failed = true
      // what nobody holds may be the memory that was lacking
      this.trim()
    })
    return made
  }

  #put(key: string, made: Made): void {
    if (made.failed || made.buffer.size > this.#budgetBytes) return made.buffer.destroy()
    const same = this.#free.get(key) ?? []
    same.push(made)
    this.#free.delete(key)
    this.#free.set(key, same)
    this.#freeBytes += made.buffer.size
    while (this.#freeBytes > this.#budgetBytes) this.#dropOldest()
  }

  #dropOldest(): void {
    const [key, buffers] = this.#free.entries().next().value!
    const oldest = buffers.shift()
    if (!oldest) return void this.#free.delete(key)
    this.#freeBytes -= oldest.buffer.size
    oldest.buffer.destroy()
  }
}

interface Made {
  readonly buffer: GPUBuffer
  /** One that takes it before this is known is told as well. */
  readonly settled: Promise<void>
  failed: boolean
}

/** `bytes` and what is missing to a whole word, which is all that WebGPU copies. */
export const wholeWords = (bytes: number): number => 4 * Math.ceil(bytes / 4)

const bound = (bytes: number) => Math.max(wholeWords(bytes), LEAST_BYTES)

/** The least size class that holds `bytes`: sixteen to each power of two, so that at most a sixteenth is not used. Exact where the class is over `most`. */
export function sizeClass(bytes: number, most: number): number {
  const least = Math.max(bound(bytes), 256)
  const step = 2 ** (Math.floor(Math.log2(least)) - 4)
  const size = Math.ceil(least / step) * step
  return size <= most ? size : bound(bytes)
}
