/** A buffer's bytes, and the ops, by index, from the first that writes it to the last that reads it. */
export interface Lifetime {
  readonly buffer: number
  readonly bytes: number
  readonly first: number
  readonly last: number
}

export interface MemoryPlan {
  /** Bytes of each slot. */
  readonly slots: readonly number[]
  /** The slot of each buffer. */
  readonly slotOf: ReadonlyMap<number, number>
  /** What the slots take together, and what the buffers would take without sharing. */
  readonly peakBytes: number
  readonly sumBytes: number
}

/**
 * Gives each buffer a slot that no other has while it lives. Greedy, by first use: the smallest free slot that is large enough, else the largest
 * free one, enlarged, else a new one. Slots are buffers of their own, since WebGPU binds no buffer for reading and writing at once.
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const slots: number[] = []
  const busyUntil: number[] = []
  const slotOf = new Map<number, number>()
  for (const { buffer, bytes, first, last } of [...lifetimes].sort((a, b) => a.first - b.first)) {
    const free = slots.keys().filter((slot) => busyUntil[slot]! < first)
    const [best] = [...free].sort((a, b) => {
      const [fitsA, fitsB] = [slots[a]! >= bytes, slots[b]! >= bytes]
      if (fitsA !== fitsB) return fitsA ? -1 : 1
      return fitsA ? slots[a]! - slots[b]! : slots[b]! - slots[a]!
    })
    const slot = best ?? slots.length
    slots[slot] = Math.max(slots[slot] ?? 0, bytes)
    busyUntil[slot] = last
    slotOf.set(buffer, slot)
  }
  const sum = (list: readonly number[]) => list.reduce((total, n) => total + n, 0)
  return { slots, slotOf, peakBytes: sum(slots), sumBytes: sum(lifetimes.map(({ bytes }) => bytes)) }
}
