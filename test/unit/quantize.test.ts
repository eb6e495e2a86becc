import { describe, expect, test } from "vitest"
import { bitWidths, type GroupFormat, groupsOf, layoutOf, quantize, readBlock, unpack } from "../../kernels/index.ts"

/** Bell-shaped, the same for the same seed everywhere. */
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
const formats = bitWidths.flatMap((bits): GroupFormat[] => [`q${bits}g32`, `q${bits}g64f`])

describe("quantized weights", () => {
  test.each(formats)("%s: none is off by more than half a step, a ragged row included", (format) => {
    const weights = bell(3 * 77, 5)
    for (const zeroPoints of [false, true]) {
      const packed = quantize(format, [3, 77], weights, { zeroPoints })
      const layout = layoutOf(format)
      const got = unpack(packed)
      const blocks = Math.ceil(77 / layout.block)
      for (const [i, weight] of weights.entries()) {
        const block = Math.floor(i / 77) * blocks + Math.floor((i % 77) / layout.block)
        const { size: scale } = readBlock(packed.words, block, layout).stepOf(0)
        // Half a step, and what rounding the scale and the zero point cuts off the range's end.
        expect(Math.abs(got[i]! - weight), `${i}`).toBeLessThanOrEqual(
          scale * (zeroPoints ? 1 : 0.5) * 1.001 + 256 * scale * 2 ** -11,
        )
      }
    }
  })

  test.each(formats)("%s: what it can hold is kept as it is", (format) => {
    const { bits } = groupsOf(format)
    const middle = bits === 1 ? 0.5 : 2 ** (bits - 1)
    // Steps of ¼, the outermost in each group.
    const weights = Array.from({ length: 64 }, (_, i) => 0.25 * ((i % 32 === 0 ? 0 : (7 * i) % 2 ** bits) - middle))
    expect([...unpack(quantize(format, [1, 64], weights))]).toEqual(weights)
  })

  test.each(bitWidths)("%i bits: clipping by the squared error is never worse, and better with few bits", (bits) => {
    const weights = bell(64 * 32, 11)
    const [plain, clipped] = (["nearest", "mse"] as const).map((clip) =>
      errorOf(weights, unpack(quantize(`q${bits}g32`, [64, 32], weights, { clip }))),
    ) as [number, number]
    expect(clipped).toBeLessThanOrEqual(plain)
    if (bits <= 4) expect(clipped).toBeLessThan(0.97 * plain)
  })

  test("zero points serve weights on one side of 0 better", () => {
    const weights = bell(128, 3).map((weight) => weight + 2.5)
    const [centred, moved] = [false, true].map((zeroPoints) =>
      errorOf(weights, unpack(quantize("q4g32", [2, 64], weights, { zeroPoints }))),
    ) as [number, number]
    expect(moved).toBeLessThan(centred / 2)
  })

  test("zeros stay zeros", () => {
    for (const format of ["q4g32", "q2g32", "q8g128f"] as const)
      expect([...unpack(quantize(format, [2, 3], [0, 0, 0, 0, 0, 0]))]).toEqual([0, 0, 0, 0, 0, 0])
  })

  test("what no format or header holds is refused", () => {
    const invalid = expect.objectContaining({ code: "IPFA_INPUT_INVALID" })
    expect(() => quantize("q4g32", [1, 1], [Number.NaN])).toThrow(invalid)
    expect(() => quantize("q4g32", [1, 1], [1e-12])).toThrow(invalid)
    expect(unpack(quantize("q4g32f", [1, 1], [-1e-12]))[0]).toBeCloseTo(-1e-12, 18)
    expect(() => quantize("q5g32" as "q4g32", [1, 1], [1])).toThrow(invalid)
    expect(() => quantize("q4g32", [1, 2], [1])).toThrow(expect.objectContaining({ code: "IPFA_INPUT_SHAPE" }))
  })
})
