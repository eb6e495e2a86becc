import { describe, expect, test } from "vitest"
import {
  assignFormats,
  Calibration,
  type Candidate,
  type GroupFormat,
  packedWords,
  quantize,
  unpack,
} from "../../kernels/index.ts"
import fc from "../property.ts"

/** Bell-shaped, the same for the same seed everywhere (Park and Miller's minimal standard). */
function bell(count: number, seed: number): Float64Array {
  let state = seed
  const next = () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  return Float64Array.from({ length: count }, () => next() + next() + next() + next() - 2)
}

const [rows, cols] = [16, 64]

/** Activations as layers have them: columns that go together, being made of a few sources, and a little of their own. */
function activations(samples: number, seed: number): Float64Array {
  const mix = bell(8 * cols, 77)
  const sources = bell(8 * samples, seed)
  const own = bell(samples * cols, seed + 1)
  return own.map((noise, at) => {
    const [sample, col] = [Math.floor(at / cols), at % cols]
    let sum = 0.2 * noise
    for (let k = 0; k < 8; k++) sum += sources[sample * 8 + k]! * mix[k * cols + col]!
    return sum
  })
}

/** The squared error of x · wᵀ. */
function outputError(x: Float64Array, weights: Float64Array, got: Float64Array): number {
  let error = 0
  for (let start = 0; start < x.length; start += cols)
    for (let row = 0; row < rows; row++) {
      let off = 0
      for (let i = 0; i < cols; i++) off += x[start + i]! * (got[row * cols + i]! - weights[row * cols + i]!)
      error += off * off
    }
  return error
}

describe("weights quantized with calibration data", () => {
  const weights = bell(rows * cols, 5)
  const calibration = new Calibration(cols).add(activations(256, 1))
  const heldOut = activations(64, 1000)

  test.each<GroupFormat>(["q4g32", "q3g64", "q2g32", "q4g64f"])(
    "%s: outputs on other data are off by less",
    (format) => {
      for (const options of [{}, { zeroPoints: true }, { clip: "mse" as const }]) {
        const plain = outputError(heldOut, weights, unpack(quantize(format, [rows, cols], weights, options)))
        const packed = quantize(format, [rows, cols], weights, { ...options, calibration })
        expect(outputError(heldOut, weights, unpack(packed))).toBeLessThan(0.5 * plain)
      }
    },
  )

  test("the loss that is told is the mean squared error of the outputs", () => {
    const x = activations(20, 9)
    const packed = quantize("q4g32", [rows, cols], weights)
    const told = new Calibration(cols)
      .add(x.subarray(0, 5 * cols))
      .add(x.subarray(5 * cols))
      .lossOf(weights, packed)
    expect(told).toBeCloseTo(outputError(x, weights, unpack(packed)) / 20, 8)
  })

  test("columns that have nothing to do with each other are rounded to the nearest, those that were never used too", () => {
    const apart = new Calibration(cols)
    for (let i = 0; i < cols - 3; i++)
      apart.add(Float64Array.from({ length: cols }, (_, col) => (col === i ? i + 1 : 0)))
    const plain = quantize("q3g32", [rows, cols], weights)
    expect(quantize("q3g32", [rows, cols], weights, { calibration: apart })).toEqual(plain)
  })

  test("activations of another width, broken or too few without damping are refused", () => {
    const shape = expect.objectContaining({ code: "IPFA_INPUT_SHAPE" })
    const invalid = expect.objectContaining({ code: "IPFA_INPUT_INVALID" })
    expect(() => quantize("q4g32", [1, 32], bell(32, 1), { calibration })).toThrow(shape)
    expect(() => new Calibration(3).add([1, 2])).toThrow(shape)
    expect(() => new Calibration(1).add([Number.NaN])).toThrow(invalid)
    const same = new Calibration(2).add([1, 1])
    expect(() => quantize("q4g32", [1, 2], [1, 2], { calibration: same, damping: 0 })).toThrow(invalid)
    expect(() => quantize("q4g32", [1, 2], [1, 2], { calibration: same })).not.toThrow()
  })
})

describe("formats assigned to tensors", () => {
  /** Four layers of one size, whose inputs are of very different sizes. */
  const formats: GroupFormat[] = ["q2g32", "q3g32", "q4g32", "q8g32"]
  const layers = [1, 0.1, 3, 0.3].map((size, i) => {
    const weights = bell(rows * cols, 20 + i)
    const calibration = new Calibration(cols).add(activations(64, 30 + i).map((x) => x * size))
    return formats.map(
      (format): Candidate<GroupFormat> => ({
        format,
        bits: 32 * packedWords(format, rows, cols),
        loss: calibration.lossOf(weights, quantize(format, [rows, cols], weights, { calibration })),
      }),
    )
  })
  const tensors = Object.fromEntries(layers.map((candidates, i) => [`layer ${i}`, candidates]))
  const total = (list: Iterable<Candidate>, what: "bits" | "loss") => [...list].reduce((sum, one) => sum + one[what], 0)

  test("meet the budget, and lose less than one format for all that takes as much", () => {
    for (const format of ["q3g32", "q4g32"] as const) {
      const uniform = layers.map((candidates) => candidates.find((one) => one.format === format)!)
      const budget = total(uniform, "bits")
      const chosen = assignFormats(tensors, budget)
      expect(Object.keys(chosen)).toEqual(Object.keys(tensors))
      expect(total(Object.values(chosen), "bits")).toBeLessThanOrEqual(budget)
      expect(total(Object.values(chosen), "loss")).toBeLessThan(0.8 * total(uniform, "loss"))
    }
  })

  test("stay within any budget, are never worse than one format, and take the best where all fits", () => {
    const candidate = fc.record({
      bits: fc.integer({ min: 1, max: 100 }),
      loss: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    const some = fc.array(fc.array(candidate, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (lists, share) => {
        const named = lists.map((list) => list.map((one, i) => ({ ...one, format: formats[i]! })))
        const least = named.reduce((sum, list) => sum + Math.min(...list.map(({ bits }) => bits)), 0)
        const budget = least + share * 300
        const given = Object.fromEntries(named.map((list, i) => [`${i}`, list]))
        const chosen = Object.values(assignFormats(given, budget))
        expect(total(chosen, "bits")).toBeLessThanOrEqual(budget)
        for (const [i] of formats.entries()) {
          const same = named.map((list) => list[i]!)
          if (total(same, "bits") <= budget) expect(total(chosen, "loss")).toBeLessThanOrEqual(total(same, "loss"))
        }
        expect(Object.values(assignFormats(given, 1e4)).map(({ loss }) => loss)).toEqual(
          named.map((list) => Math.min(...list.map(({ loss }) => loss))),
        )
        expect(() => assignFormats(given, least - 1)).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
      }),
    )
  })
})
