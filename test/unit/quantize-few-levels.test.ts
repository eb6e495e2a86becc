import { describe, expect, test } from "vitest"
import { Calibration, type GroupFormat, groupsOf, layoutOf, quantize, readBlock, unpack } from "../../kernels/index.ts"

/** Bell-shaped, the same for the same seed everywhere (Park and Miller's minimal standard). */
function bell(count: number, seed: number): number[] {
  let state = seed
  const next = () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  return Array.from({ length: count }, () => next() + next() + next() + next() - 2)
}

const errorOf = (weights: readonly number[], got: ArrayLike<number>) =>
  weights.reduce((sum, weight, i) => sum + (got[i]! - weight) ** 2, 0)

/** The least squared error of `weights` as s times one of `levels` each, over all s and all ways to choose: Σw² − (w·t)² / t·t. */
function least(weights: readonly number[], levels: readonly number[]): number {
  const sum = weights.reduce((all, weight) => all + weight ** 2, 0)
  let best = 0
  const choose = (at: number, product: number, square: number): void => {
    if (at === weights.length) {
      if (square > 0) best = Math.max(best, product ** 2 / square)
      return
    }
    for (const level of levels) choose(at + 1, product + level * weights[at]!, square + level ** 2)
  }
  choose(0, 0, 0)
  return sum - best
}

describe.each([
  { name: "ternary", bits: 2, levels: [-1, 0, 1], options: { ternary: true } },
  { name: "binary", bits: 1, levels: [-1, 1], options: { clip: "mse" as const } },
])("$name weights", ({ bits, levels, options }) => {
  test("are as close as any of their levels, in all ways to choose those", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const weights = bell(8, seed).map((weight) => weight + (seed % 3) / 4)
      const packed = quantize(`q${bits}g32f` as GroupFormat, [1, 8], weights, options)
      expect(errorOf(weights, unpack(packed)) / least(weights, levels), `seed ${seed}`).toBeCloseTo(1, 5)
    }
  })

  test("are of those levels alone in groups of 32, 64 and 128, a ragged end and calibrated ones included", () => {
    const weights = bell(3 * 200, 7)
    const calibration = new Calibration(200).add(bell(400 * 200, 9))
    for (const format of [32, 64, 128].map((group) => `q${bits}g${group}` as GroupFormat))
      for (const more of [{}, { calibration }]) {
        const packed = quantize(format, [3, 200], weights, { ...options, ...more })
        const layout = layoutOf(format)
        const blocks = Math.ceil(200 / layout.block)
        for (const [i, weight] of unpack(packed).entries()) {
          const index = Math.floor(i / 200) * blocks + Math.floor((i % 200) / layout.block)
          const { size } = readBlock(packed.words, index, layout).stepOf(0)
          const step = groupsOf(format).bits === 1 ? size / 2 : size
          expect(step).toBeGreaterThan(0)
          expect(levels.map((level) => level * step)).toContain(weight + 0)
        }
      }
  })

  test("that are such already are kept as they are", () => {
    const weights = Array.from({ length: 64 }, (_, i) => 0.25 * levels[(i * i) % levels.length]!)
    expect([...unpack(quantize(`q${bits}g32` as GroupFormat, [1, 64], weights, options))]).toEqual(weights)
    const zeros = unpack(quantize(`q${bits}g64` as GroupFormat, [1, 5], [0, 0, 0, 0, 0], options))
    expect([...zeros].map(Math.abs)).toEqual([0, 0, 0, 0, 0])
  })
})

describe("ternary weights", () => {
  test.each([32, 64, 128])("in groups of %i are closer than by the rules of the literature", (group) => {
    const weights = bell(64 * group, 3)
    const rules = [0, 0]
    for (let first = 0; first < weights.length; first += group) {
      const own = weights.slice(first, first + group)
      const mean = own.reduce((sum, weight) => sum + Math.abs(weight), 0) / group
      // Ternary Weight Networks: 0 up to 0.7 of the mean size, then the mean size of the rest. BitNet b1.58: the nearest multiple of the mean size.
      const large = own.filter((weight) => Math.abs(weight) > 0.7 * mean)
      const size = large.reduce((sum, weight) => sum + Math.abs(weight), 0) / large.length
      rules[0]! += errorOf(own, own.map((weight) => (Math.abs(weight) > 0.7 * mean ? size * Math.sign(weight) : 0))) // biome-ignore format: a line
      rules[1]! += errorOf(own, own.map((weight) => mean * Math.max(-1, Math.min(1, Math.round(weight / mean))))) // biome-ignore format: a line
    }
    const ours = errorOf(weights, unpack(quantize(`q2g${group}` as GroupFormat, [64, group], weights, { ternary: true }))) // biome-ignore format: a line
    for (const rule of rules) expect(ours).toBeLessThan(0.995 * rule)
  })

  test("are of 2 bits and without zero points, else refused", () => {
    const invalid = expect.objectContaining({ code: "IPFA_INPUT_INVALID" })
    for (const format of ["q1g32", "q3g32", "q4g64", "q8g128f"] as const)
      expect(() => quantize(format, [1, 1], [1], { ternary: true })).toThrow(invalid)
    expect(() => quantize("q2g32", [1, 1], [1], { ternary: true, zeroPoints: true })).toThrow(invalid)
  })
})
