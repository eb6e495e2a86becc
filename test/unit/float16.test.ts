import { expect, test } from "vitest"
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value } from "../../protocol/index.ts"
import fc from "../property.ts"

const patterns = Uint16Array.from({ length: 65_536 }, (_, i) => i)
const bits = (value: number) => new Uint16Array(Float16Array.of(value).buffer)[0]

test("every pattern of float16 is the number that the platform makes of it, and comes back", () => {
  const platform = new Float16Array(patterns.buffer)
  const wrong = [...patterns].filter((i) => {
    const value = platform[i]!
    return !Object.is(float16Value(i), value) || (float16Bits(value) !== i && !Number.isNaN(value))
  })
  expect(wrong).toEqual([])
})

test("float16 is rounded as the platform rounds it", () => {
  const edges = [0, -0, 1, 65504, 65519.99, 65520, 1e9, -1e9, 2 ** -14, 2 ** -24, 2 ** -25, 2 ** -25 * 1.0001, 6.1e-5]
  const halves = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -15 + 2 ** -25, 2047.5, 0.99999]
  for (const value of [...edges, ...halves, Number.NaN, Number.POSITIVE_INFINITY])
    expect(float16Bits(value)).toBe(bits(value))
  fc.assert(
    fc.property(fc.oneof(fc.double({ min: -70000, max: 70000 }), fc.double({ min: -1e-4, max: 1e-4 })), (value) => {
      expect(float16Bits(value)).toBe(bits(value))
    }),
    { numRuns: 5000 },
  )
})

test("bfloat16 is a float32's upper half, rounded to nearest, ties to even", () => {
  expect([1.00390625, 1.01171875, 3.0e38, -0, Number.POSITIVE_INFINITY].map(bfloat16Bits)).toEqual([
    0x3f80, 0x3f82, 0x7f62, 0x8000, 0x7f80,
  ])
  expect(bfloat16Value(bfloat16Bits(Number.NaN))).toBeNaN()
  const back = (i: number) => bfloat16Bits(bfloat16Value(i)) === i || Number.isNaN(bfloat16Value(i))
  expect(patterns.every(back)).toBe(true)
})
