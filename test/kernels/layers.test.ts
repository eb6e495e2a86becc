import { describe, expect, test } from "vitest"
import type { Kernels, Shape } from "../../kernels/index.ts"
import { normError } from "../../kernels/ops/norm/reference.ts"
import { gamma, ULP } from "../../kernels/tolerance.ts"
import { each, invalid, onEagerDevice, shapeErrorThat } from "./eager.ts"

const { keep, f32, found, refused } = onEagerDevice()

/** Numbers from −1 to 1 that float32 holds, the same in every run. */
const drawn = (shape: Shape, seed: number) =>
  each(shape, (...at) => Math.fround(Math.sin(at.reduce((sum, i) => 31 * sum + i, seed) * 12.9898)))
const sum = (count: number, term: (i: number) => number) =>
  Array.from({ length: count }, (_, i) => term(i)).reduce((total, value) => total + value, 0)

/** The operation gives `shape`, each element within its bound. */
async function near(
  operation: (gpu: Kernels) => Promise<unknown>,
  shape: Shape,
  want: ArrayLike<number>,
  bounds: ArrayLike<number>,
) {
  const got = await found(operation)
  expect(got.shape).toEqual(shape)
  const far = got.numbers.flatMap((value, i) => (Math.abs(value - want[i]!) <= bounds[i]! ? [] : [[i, value, want[i]]]))
  expect(far).toEqual([])
  expect(got.numbers).toHaveLength(want.length)
}

describe("conv1d", () => {
  const [n, c, l, o, k] = [2, 4, 9, 6, 3]
  const [x, w, bias] = [drawn([n, c, l], 1), drawn([o, c / 2, k], 2), drawn([o], 3)]
  const [stride, dilation, pads] = [2, 2, [3, 1]] as const
  const length = Math.floor((l + 4 - (dilation * (k - 1) + 1)) / stride) + 1
  /** By the definition, of numbers or of their sizes. */
  const sums = (part: (value: number) => number) =>
    each([n, o, length], (image, out, at) => {
      const group = Math.floor(out! / (o / 2))
      return sum((c / 2) * k, (i) => {
        const [channel, tap] = [Math.floor(i / k), i % k]
        const place = at! * stride + tap * dilation - pads[0]
        const value = place < 0 || place >= l ? 0 : x[(image! * c + group * (c / 2) + channel) * l + place]!
        return part(value * w[(out! * (c / 2) + channel) * k + tap]!)
      }) + part(bias[out!]!) // biome-ignore format: as it is summed
    })
  const bounds = sums(Math.abs).map((size) => gamma((c / 2) * k + 1) * size)

  test("goes along the last axis, with strides, dilations, padding and groups", async () => {
    const attributes = { stride, dilation, pads, group: 2 } as const
    const [a, b, shift] = [f32([n, c, l], x), f32([o, c / 2, k], w), f32([o], bias)]
    const want = sums((value) => value)
    await near(({ conv1d }) => conv1d(a, b, shift, attributes), [n, o, length], want, bounds)
    const turned = keep(
      f32(
        [n, l, c],
        each([n, l, c], (i, at, j) => x[(i! * c + j!) * l + at!]!),
      ).permute([0, 2, 1]),
    )
    await near(({ conv1d }) => conv1d(turned, b, shift, attributes, { algorithm: "direct" }), [n, o, length], want, bounds) // biome-ignore format: a line
    const activation = { low: 0 }
    await near(({ conv1d }) => conv1d(a, b, shift, { ...attributes, activation }), [n, o, length], want.map((value) => Math.max(value, 0)), bounds) // biome-ignore format: a line
  })

  test("takes no bias, and goes step by step unless told otherwise", async () => {
    const [a, b] = [f32([1, 1, 4], [1, 2, 4, 8]), f32([1, 1, 2], [10, 1])]
    expect(await found(({ conv1d }) => conv1d(a, b))).toEqual({ shape: [1, 1, 3], numbers: [12, 24, 48] })
  })

  test("shapes that don't fit are refused", async () => {
    const [a, b] = [f32([1, 2, 4]), f32([1, 2, 2])]
    await refused(({ conv1d }) => conv1d(f32([2, 4]), b), shapeErrorThat("conv1d takes x as [n, c, l], not [2,4]"))
    await refused(({ conv1d }) => conv1d(a, f32([1, 2])), shapeErrorThat("conv1d takes w as [o, c / group, k]"))
    await refused(({ conv1d }) => conv1d(a, f32([1, 3, 2])))
    await refused(({ conv1d }) => conv1d(a, f32([1, 2, 5])))
    await refused(({ conv1d }) => conv1d(a, b, f32([2])))
    await refused(({ conv1d }) => conv1d(a, b, undefined, { stride: 0 }), invalid)
    const unsupported = expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" })
    await refused(({ conv1d }) => conv1d(a, b, undefined, {}, { algorithm: "depthwise" }), unsupported)
  })
})

describe("normalizations by channel", () => {
  const shape = [2, 6, 3, 5]
  const pixels = 15
  const [x, w, bias] = [drawn(shape, 4).map((value) => Math.fround(value + 2)), drawn([6], 5), drawn([6], 6)]

  test("batchNorm goes by the mean and variance that it is given, of pixels or of rows", async () => {
    const [mean, variance] = [drawn([6], 7), drawn([6], 8).map((value) => Math.fround(value ** 2 + 0.1))]
    const [scale, shift, means, variances] = [f32([6], w), f32([6], bias), f32([6], mean), f32([6], variance)]
    for (const dims of [shape, [30, 6]]) {
      const channel = (i: number) => (dims.length === 4 ? Math.floor(i / pixels) % 6 : i % 6)
      const parts = x.map((value, i) => {
        const at = channel(i)
        const factor = w[at]! / Math.sqrt(variance[at]! + 0.01)
        return { of: value * factor, less: mean[at]! * factor, more: bias[at]! }
      })
      // Eps, the root, its quotient, two products, a difference and a sum: 16 roundings at most.
      const bounds = parts.map(({ of, less, more }) => 16 * ULP * (Math.abs(of) + Math.abs(less) + Math.abs(more)))
      const want = parts.map(({ of, less, more }) => of - less + more)
      const all = f32(dims, x)
      await near(({ batchNorm }) => batchNorm(all, scale, shift, means, variances, { eps: 0.01 }), dims, want, bounds)
    }
  })

  /** Each group of channels made even by its own mean and variance, in float64. */
  const even = (groups: number, eps: number, shift: readonly number[]) => {
    const size = x.length / 2 / groups
    return x.map((value, i) => {
      const first = Math.floor(i / size) * size
      const mean = sum(size, (j) => x[first + j]!) / size
      const variance = sum(size, (j) => (x[first + j]! - mean) ** 2) / size
      const at = Math.floor(i / pixels) % 6
      return ((value - mean) / Math.sqrt(variance + eps)) * w[at]! + shift[at]!
    })
  }
  const boundsOf = (groups: number, eps: number, want: number[]) => {
    const rest = { shape, eps, span: pixels, weights: 6, centred: true, bias: true, residual: false }
    return normError.bounds([x, w, bias], { rows: 2 * groups, cols: x.length / 2 / groups, ...rest }, Float64Array.from(want)) // biome-ignore format: a line
  }

  test("groupNorm and instanceNorm go by what is in each group, or channel, of each image", async () => {
    const [all, scale, shift] = [f32(shape, x), f32([6], w), f32([6], bias)]
    const [inTwo, alone, still] = [even(2, 1e-5, bias), even(6, 0.01, bias), even(3, 1e-5, [0, 0, 0, 0, 0, 0])]
    await near(({ groupNorm }) => groupNorm(all, scale, shift, { groups: 2 }), shape, inTwo, boundsOf(2, 1e-5, inTwo))
    await near(({ groupNorm }) => groupNorm(all, scale, undefined, { groups: 3 }), shape, still, boundsOf(3, 1e-5, still)) // biome-ignore format: a line
    await near(({ instanceNorm }) => instanceNorm(all, scale, shift, { eps: 0.01 }), shape, alone, boundsOf(6, 0.01, alone)) // biome-ignore format: a line
    const none = f32([0, 6, 3, 5])
    expect(await found(({ groupNorm }) => groupNorm(none, scale, shift, { groups: 2 }))).toEqual({ shape: [0, 6, 3, 5], numbers: [] }) // biome-ignore format: a line
  })

  test("shapes that don't fit are refused", async () => {
    const [all, six, five, one] = [f32(shape, x), f32([6]), f32([5]), f32([1])]
    for (const given of [[five, six, six, six], [six, five, six, six], [six, six, five, six], [six, six, six, five]] as const) // biome-ignore format: a line
      await refused(({ batchNorm }) => batchNorm(all, ...given))
    // What would be broadcast.
    await refused(({ batchNorm }) => batchNorm(all, six, one, six, six), shapeErrorThat("bias as [6], not [1]"))
    await refused(({ batchNorm }) => batchNorm(six, six, six, six, six), shapeErrorThat("[n, c, …], not [6]"))
    await refused(({ batchNorm }) => batchNorm(all, six, six, six, six, { eps: -1 }), invalid)
    for (const groups of [0, -2, 4, 1.5]) await refused(({ groupNorm }) => groupNorm(all, six, six, { groups }), shapeErrorThat("a part of the 6 channels")) // biome-ignore format: a line
    await refused(({ groupNorm }) => groupNorm(all, six, five, { groups: 2 }))
    await refused(({ instanceNorm }) => instanceNorm(all, five))
    await refused(({ instanceNorm }) => instanceNorm(six, six))
    await refused(({ instanceNorm }) => instanceNorm(all, six, six, { eps: 0 }), invalid)
  })
})
