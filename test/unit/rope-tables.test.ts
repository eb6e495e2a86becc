import { describe, expect, test } from "vitest"
import { type RopeScaling, ropeFrequencies, ropeTables } from "../../kernels/index.ts"

const dims = 128
const plain = ropeFrequencies({ dims, base: 500_000 })
const scaled = (scaling: RopeScaling) => ropeFrequencies({ dims, base: 500_000, scaling })
/** Turns of each pair within `length` tokens. */
const turns = (length: number) => [...plain].map((frequency) => (length * frequency) / (2 * Math.PI))
const ratios = (scaling: RopeScaling) => [...scaled(scaling)].map((frequency, i) => plain[i]! / frequency)

describe("rotary frequencies", () => {
  test("fall from one radian a token by equal ratios, to the base's share", () => {
    expect(plain[0]).toBe(1)
    expect(plain[1]! / plain[0]!).toBeCloseTo(plain[63]! / plain[62]!, 12)
    expect(plain[63]! * plain[1]!).toBeCloseTo(1 / 500_000, 12)
  })

  test("linear: all are divided by the factor", () => {
    for (const ratio of ratios({ kind: "linear", factor: 4 })) expect(ratio).toBeCloseTo(4, 12)
  })

  test("NTK: the fastest stays, the slowest is divided by the factor", () => {
    const found = ratios({ kind: "ntk", factor: 4 })
    expect(found[0]).toBe(1)
    expect(found[63]).toBeCloseTo(4, 10)
    expect(found).toEqual(found.toSorted((a, b) => a - b))
  })

  test("Llama 3: what turns more than 4 times in 8,192 tokens stays, what turns less than once is divided by the factor", () => {
    const found = ratios({ kind: "llama3", factor: 8, originalLength: 8192, lowFrequencyFactor: 1, highFrequencyFactor: 4 }) // biome-ignore format: a model's
    for (const [i, turned] of turns(8192).entries()) {
      if (turned >= 4) expect(found[i]).toBeCloseTo(1, 12)
      else if (turned <= 1) expect(found[i]).toBeCloseTo(8, 12)
      // Between them the frequencies, not the ratios, are mixed: (1 − s)/8 + s.
      else expect(1 / found[i]!).toBeCloseTo(1 / 8 + ((turned - 1) / 3) * (7 / 8), 12)
    }
  })

  test("YaRN: from 32 turns on a pair stays, below one it is divided by the factor, and the tables are larger", () => {
    const scaling: RopeScaling = { kind: "yarn", factor: 4, originalLength: 4096 }
    const found = ratios(scaling)
    const between = turns(4096).filter((turned, i) => {
      // The bounds are whole pairs, so those next to them may lie on either side.
      if (turned > 40) expect(found[i]).toBeCloseTo(1, 12)
      else if (turned < 0.8) expect(found[i]).toBeCloseTo(4, 12)
      return turned > 1.3 && turned < 30
    })
    expect(between.length).toBeGreaterThan(5)
    expect(found.filter((ratio) => ratio > 1.01 && ratio < 3.99).length).toBeGreaterThanOrEqual(between.length)
    const { cos, sin } = ropeTables({ dims, base: 500_000, positions: 3, scaling })
    expect(cos[0]).toBeCloseTo(1 + 0.1 * Math.log(4), 6)
    expect(Math.hypot(cos[64]!, sin[64]!)).toBeCloseTo(1 + 0.1 * Math.log(4), 6)
  })

  test("tables have a row for each position", () => {
    const { cos, sin } = ropeTables({ dims: 4, positions: 5 })
    expect(cos).toHaveLength(10)
    expect(cos[2 * 3]).toBeCloseTo(Math.cos(3), 7)
    expect(sin[2 * 3 + 1]).toBeCloseTo(Math.sin(0.03), 7)
  })

  test("what makes no tables is refused", () => {
    for (const options of [{ dims: 3 }, { dims: 0 }, { dims: 4, base: 1 }, { dims: 4, scaling: { kind: "linear", factor: 0 } as const }]) // biome-ignore format: a line
      expect(() => ropeFrequencies(options)).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
  })
})
