import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type Counts, counted } from "../../bench/kernels/counted-device.ts"
import { createKernels, elems, type GpuTensor, type Kernels, places, type Shape } from "../../kernels/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"

let gpu: Kernels
let counts: Counts
const made: GpuTensor[] = []
beforeAll(async () => {
  const device = await softwareDevice()
  counts = counted(device)
  gpu = createKernels(device)
})
beforeEach(() => {
  counts.dispatches = 0
})
afterEach(() => {
  for (const tensor of made.splice(0)) tensor.destroy()
})
afterAll(() => gpu?.device.destroy())

const keep = <T extends GpuTensor>(tensor: T): T => {
  made.push(tensor)
  return tensor
}
type Float32 = GpuTensor<"float32">
/** Element i is i + 1. */
const counting = (shape: Shape) =>
  keep(gpu.tensor({ dtype: "float32", shape, data: Float32Array.from({ length: elems(shape) }, (_, i) => i + 1) }))
/** What a view of `counting` shows. */
const shown = (view: GpuTensor) => places(view).map((place) => place + 1)
const values = async (tensor: GpuTensor | Promise<GpuTensor>) => [
  ...((await keep(await tensor).read()) as Float32Array),
]
const shapeError = expect.objectContaining({ code: "IPFA_INPUT_SHAPE" })

/** Views of [4, 6], and how many kernels run for a sum of two, which is read by strides, and for one that is negated, which is not. */
const views: [name: string, of: (x: Float32) => Float32, added: number, negated: number][] = [
  ["itself", (x) => x.share(), 1, 1],
  ["another shape", (x) => x.share([2, 12]), 1, 1],
  ["transposed", (x) => x.permute([1, 0]), 1, 2],
  ["every second column", (x) => x.slice(1, 0, 3, 2), 1, 2],
  ["the first rows", (x) => x.slice(0, 0, 2), 1, 1],
  ["rows that begin within a block of memory", (x) => x.slice(0, 1, 2), 3, 2],
  ["columns from the third on", (x) => x.slice(-1, 2, 3), 3, 2],
  ["backwards", (x) => x.slice(0, 3, 4, -1), 3, 2],
  ["a row, repeated", (x) => x.slice(0, 0, 1).broadcast([3, 6]), 1, 2],
  ["a view of a view", (x) => x.permute([1, 0]).slice(0, 5, 2, -3).broadcast([2, 2, 4]), 3, 2],
  ["nothing", (x) => x.slice(0, 4, 0), 0, 0],
]

describe("a view", () => {
  test.each(views)("of %s is read, and computed with, as what it shows", async (_, of, added, negated) => {
    const view = keep(of(counting([4, 6])))
    const numbers = shown(view)
    expect([...(await view.read())]).toEqual(numbers)
    expect(counts.dispatches).toBe(0)
    expect(await values(gpu.add(view, view))).toEqual(numbers.map((value) => 2 * value))
    expect(counts.dispatches).toBe(added)
    counts.dispatches = 0
    expect(await values(gpu.neg(view))).toEqual(numbers.map((value) => -value))
    expect(counts.dispatches).toBe(negated)
    counts.dispatches = 0
    expect(await values(gpu.copy(view))).toEqual(numbers)
    expect(counts.dispatches).toBe(Math.min(negated, 1))
  })

  test("that lies in order where the device can bind it is read in place by every kernel", async () => {
    const x = counting([3, 64])
    const row = keep(x.slice(0, 2, 1))
    expect(await values(gpu.neg(row))).toEqual(shown(row).map((value) => -value))
    expect(await values(gpu.where(keep(await gpu.less(row, row)), x, row))).toEqual([...shown(row), ...shown(row), ...shown(row)]) // biome-ignore format: a line
    expect(counts.dispatches).toBe(3)
  })

  test("of float16 and of whole numbers is one of those", async () => {
    const bits = Uint16Array.from({ length: 9 }, (_, i) => 0x3c00 + 64 * i)
    const halves = keep(gpu.tensor({ dtype: "float16", shape: [3, 3], data: bits }))
    const column = keep(halves.slice(1, 1, 1))
    expect(await column.read()).toEqual(Uint16Array.of(bits[1]!, bits[4]!, bits[7]!))
    expect(await column.read("float32")).toEqual(Float32Array.of(1.0625, 1.25, 1.4375))
    const weights = keep(halves.permute([1, 0]))
    expect(await values(gpu.matmul(keep(counting([1, 3])), weights))).toEqual(
      [0, 1, 2].map((n) => [0, 1, 2].reduce((sum, k) => sum + (k + 1) * (1 + (3 * n + k) / 16), 0)),
    )
    const whole = keep(gpu.tensor({ dtype: "int32", shape: [4], data: Int32Array.of(1, -2, 3, 2 ** 31 - 1) }))
    const [last, all] = await gpu.readAll([keep(whole.slice(0, 3, 2, -2)), whole])
    expect([...last, ...all]).toEqual([2 ** 31 - 1, -2, 1, -2, 3, 2 ** 31 - 1])
  })

  test("shares its memory, which goes with the last that has it, and what kernels copied for it goes at once", async () => {
    const step = async () => {
      const x = gpu.tensor({ dtype: "float32", shape: [64, 32], data: new Float32Array(64 * 32).fill(2) })
      const turned = x.permute([1, 0])
      const part = turned.slice(0, 3, 4)
      x.destroy()
      turned.destroy()
      const y = await gpu.sqrt(part)
      part.destroy()
      const read = await y.read()
      y.destroy()
      return read[5]
    }
    await step()
    gpu.runtime.memory.trim()
    const before = counts.live
    expect(await step()).toBeCloseTo(Math.SQRT2, 6)
    gpu.runtime.memory.trim()
    expect(counts.live).toBe(before)
  })

  test("of what is not there is refused, and keeps nothing", () => {
    const x = counting([4, 6])
    const refused: (() => GpuTensor)[] = [
      () => x.slice(2, 0, 1),
      () => x.slice(-3, 0, 0),
      () => x.view({ shape: [2, 2], strides: [1], offset: 0 }),
      () => x.slice(0, 3, 2),
      () => x.slice(0, 0, 2, -1),
      () => x.slice(1, 0.5, 1),
      () => x.permute([0, 0]),
      () => x.permute([0]),
      () => x.broadcast([4, 7]),
      () => x.broadcast([6]),
      () => x.view({ shape: [2], strides: [24], offset: 1 }),
      () => x.view({ shape: [2], strides: [-1], offset: 0 }),
      () => keep(x.permute([1, 0])).share([24]),
    ]
    for (const view of refused) expect(view, view.toString()).toThrow(shapeError)
    const before = counts.live
    x.destroy()
    for (const one of made) one.destroy()
    gpu.runtime.memory.trim()
    expect(counts.live).toBeLessThan(before)
    expect(() => x.permute([1, 0])).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
  })

  test("is nothing that a result can be written into", async () => {
    const x = counting([2, 2])
    const into = keep(x.permute([1, 0])) as GpuTensor
    await expect(gpu.neg(counting([2, 2]), { into })).rejects.toThrow(/is a view/)
  })
})

/** NumPy's matmul of what two tensors show. */
function expected(a: GpuTensor, b: GpuTensor): number[] {
  const [left, right] = [shown(a), shown(b)]
  const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!]
  const front = [0, 1].map((axis) => Math.max(a.shape.at(axis - 4) ?? 1, b.shape.at(axis - 4) ?? 1))
  const start = (shape: Shape, at: readonly number[]) =>
    at.reduce((sum, i, axis) => {
      const own = shape.at(axis - 4) ?? 1
      return sum * own + (own === 1 ? 0 : i)
    }, 0)
  const y: number[] = []
  for (let i = 0; i < front[0]!; i++)
    for (let j = 0; j < front[1]!; j++)
      for (let row = 0; row < m; row++)
        for (let col = 0; col < n; col++) {
          let sum = 0
          for (let x = 0; x < k; x++)
            sum +=
              left[(start(a.shape, [i, j]) * m + row) * k + x]! * right[(start(b.shape, [i, j]) * k + x) * n + col]!
          y.push(sum)
        }
  return y
}

describe("matmul by NumPy's rules", () => {
  test.each([
    ["one of each batch for all of the other", [2, 1, 3, 4], [1, 5, 4, 2], 3],
    ["matrices for an axis in front", [2, 3, 2, 4], [3, 4, 2], 2],
    ["batches alike", [2, 3, 2, 4], [2, 3, 4, 2], 1],
    ["one matrix for all", [2, 3, 2, 4], [4, 3], 1],
    ["one matrix, with axes of one, for all", [1, 1, 2, 4], [2, 2, 4, 3], 1],
  ])("%s", async (_, left, right, dispatches) => {
    const [a, b] = [counting(left), counting(right)]
    expect(await values(gpu.matmul(a, b))).toEqual(expected(a, b))
    expect(counts.dispatches).toBe(dispatches)
  })

  test("reads transposed, sliced and repeated matrices where they lie", async () => {
    const x = counting([2, 6, 4])
    const turned = keep(x.permute([0, 2, 1]))
    const repeated = keep(keep(counting([3, 6])).broadcast([2, 3, 6]))
    const thin = keep(keep(counting([6, 8])).slice(1, 0, 4, 2))
    expect(await values(gpu.matmul(repeated, x))).toEqual(expected(repeated, x))
    expect(await values(gpu.matmul(turned, thin))).toEqual(expected(turned, thin))
    expect(counts.dispatches).toBe(2)
  })

  test("vectors are a row on the left and a column on the right, which the result does not have", async () => {
    const matrix = counting([3, 3])
    const vector = counting([3])
    for (const [a, b, shape, result] of [
      [vector, matrix, [3], [30, 36, 42]],
      [matrix, vector, [3], [14, 32, 50]],
      [vector, vector, [], [14]],
      [keep(matrix.broadcast([2, 3, 3])), vector, [2, 3], [14, 32, 50, 14, 32, 50]],
      [keep(vector.slice(0, 2, 3, -1)), matrix, [3], [18, 24, 30]],
    ] as const) {
      const y = keep(await gpu.matmul(a, b))
      expect([y.shape, [...(await y.read())]]).toEqual([shape, result])
    }
    await expect(gpu.matmul(vector, counting([2, 3]))).rejects.toEqual(shapeError)
    await expect(gpu.matmul(matrix, counting([]))).rejects.toEqual(shapeError)
    await expect(gpu.matmul(counting([2, 3, 3]), counting([3, 3, 3]))).rejects.toEqual(shapeError)
  })
})
