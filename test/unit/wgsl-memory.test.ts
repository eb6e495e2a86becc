import { describe, expect, test } from "vitest"
import { type Lifetime, planMemory } from "../../engine/backends/wgsl/memory.ts"
import fc from "../property.ts"

const life = (buffer: number, bytes: number, first: number, last: number): Lifetime => ({ buffer, bytes, first, last })

describe("a memory plan", () => {
  test("reuses what is no longer read, and enlarges rather than adds", () => {
    const plan = planMemory([life(0, 100, 0, 1), life(1, 40, 1, 2), life(2, 60, 2, 3), life(3, 80, 3, 4)])
    expect(plan.slotOf).toEqual(new Map([[0, 0], [1, 1], [2, 0], [3, 1]])) // biome-ignore format: a map
    expect(plan).toMatchObject({ slots: [100, 80], peakBytes: 180, sumBytes: 280 })
  })

  test("gives no two buffers that live at once one slot, nor a slot smaller than its buffer", () => {
    const lifetimes = fc.array(fc.tuple(fc.nat(1000), fc.nat(30), fc.nat(10)), { maxLength: 40 })
    fc.assert(
      fc.property(lifetimes, (list) => {
        const lives = list.map(([bytes, first, length], i) => life(i, bytes, first, first + length))
        const { slots, slotOf, peakBytes, sumBytes } = planMemory(lives)
        for (const a of lives) {
          expect(slots[slotOf.get(a.buffer)!]).toBeGreaterThanOrEqual(a.bytes)
          for (const b of lives)
            if (a !== b && a.first <= b.last && b.first <= a.last)
              expect(slotOf.get(a.buffer)).not.toBe(slotOf.get(b.buffer))
        }
        expect(peakBytes).toBeLessThanOrEqual(sumBytes)
      }),
    )
  })
})
