import { describe, expect, test } from "vitest"
import { type Cooldown, calm, cooling, recordOutcome } from "../../scheduler/index.ts"
import fc from "../property.ts"

const following = (outcomes: boolean[], now = 0, state = calm) =>
  outcomes.reduce((s, ok) => recordOutcome(s, ok, now), state)

describe("a candidate cools", () => {
  test("at five failures in a row, for 5 s, and not at four", () => {
    const before = [...Array(20).fill(true), false, false, false, false]
    expect(following(before, 1000).until).toBe(0)
    expect(following([...before, false], 1000).until).toBe(6000)
  })

  test("at more than half of five or more, and not at half", () => {
    expect(following([true, false, true, false, true, false]).until).toBe(0)
    expect(following([true, false, false, true, false]).until).toBe(5000)
    expect(following([true, false, false]).until).toBe(0)
  })

  test("twice as long each time that follows closely, up to 60 s, and 5 s again after a minute of peace", () => {
    let state = calm
    let now = 0
    const lengths: number[] = []
    for (let i = 0; i < 6; i++) {
      state = following([false, false, false, false, false], now, state)
      lengths.push(state.until - now)
      now = state.until
    }
    expect(lengths).toEqual([5000, 10000, 20000, 40000, 60000, 60000])
    state = following([false, false, false, false, false], now + 60_001, state)
    expect(state.until - now - 60_001).toBe(5000)
  })

  test("and that is extended, never shortened, whatever happens", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20_000)), { maxLength: 200 }), (steps) => {
        let state = calm
        let now = 1
        for (const [ok, wait] of steps) {
          const next = recordOutcome(state, ok, now)
          expect(next.until).toBeGreaterThanOrEqual(state.until)
          expect(next.until - now).toBeLessThanOrEqual(60_000)
          state = next
          now += wait
        }
      }),
    )
  })
})

describe("among all", () => {
  const failing = (until: number): Cooldown => ({ outcomes: [], trips: 1, until })

  test("the last one is never left alone", () => {
    expect(cooling(new Map([["a", failing(9000)]]), 0).size).toBe(0)
  })

  test("at most half are, those that cool longest", () => {
    const states = new Map([
      ["a", failing(9000)],
      ["b", failing(8000)],
      ["c", calm],
    ])
    expect([...cooling(states, 0)]).toEqual([["a", 9000]])
    expect([...cooling(states, 9000)]).toEqual([])
  })
})
