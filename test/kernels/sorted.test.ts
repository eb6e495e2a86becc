import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createKernels, type GpuDtype, type GpuTensor, type Kernels, sortPasses } from "../../kernels/index.ts"
import { softwareDevice } from "./software-gpu.ts"

let gpu: Kernels
beforeAll(async () => {
  gpu = createKernels(await softwareDevice())
})
afterAll(() => gpu?.device.destroy())

const arrays = { float32: Float32Array, int32: Int32Array, uint32: Uint32Array }
/** Indices of the first `count` of each row by JavaScript's own sort, which keeps equal ones in order. */
function expected(rows: readonly number[][], count: number, least: boolean): number[] {
  const isAbove = (a: number, b: number) => Number(a > b || (Number.isNaN(a) && !Number.isNaN(b)))
  const compare = (a: number, b: number) => (isAbove(a, b) - isAbove(b, a)) * (least ? 1 : -1)
  return rows.flatMap((row) =>
    row
      .map((_, i) => i)
      .sort((i, j) => compare(row[i]!, row[j]!))
      .slice(0, count),
  )
}
async function numbers({ values, indices }: { values: GpuTensor<GpuDtype>; indices: GpuTensor<"int32"> }) {
  const found = { values: [...(await values.read())], indices: [...(await indices.read())] }
  for (const made of [values, indices]) made.destroy()
  return found
}

/** `distinct` numbers, in no order. */
const line = (cols: number, distinct: number, row: number) =>
  Array.from({ length: cols }, (_, i) => (((i + row) * 7919) % distinct) - (distinct >> 1))
const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 3.4e38]

describe("the first of each row, in order, with where they lay", () => {
  test.each([
    ["a row of one", 1, 1, 1, "float32"],
    ["one run", 3, 256, 256, "float32"],
    ["a run and one more", 2, 257, 257, "float32"],
    ["an odd number of runs", 2, 1300, 1300, "float32"],
    ["few of many", 3, 1300, 7, "int32"],
    ["more than a run has", 2, 1300, 600, "uint32"],
  ] as const)("%s", async (_, rows, cols, count, dtype) => {
    for (const [distinct, least] of [
      [cols + 11, false],
      [5, true],
    ] as const) {
      // biome-ignore format: pairs
      const low = dtype === "uint32" ? distinct : 0
      const all = Array.from({ length: rows }, (_, row) => line(cols, distinct, row).map((one) => one + low))
      if (dtype === "float32" && cols > special.length) for (const row of all) row.splice(9, special.length, ...special)
      const x = gpu.tensor({ dtype, shape: [rows, cols], data: arrays[dtype].from(all.flat()) })
      const indices = expected(all, count, least)
      const values = indices.map((at, i) => arrays[dtype].of(all[Math.floor(i / count)]![at]!)[0]!)
      expect(await numbers(await gpu.topK(x, { count, least }))).toEqual({ values, indices })
      x.destroy()
    }
  })

  test("along any axis, ascending and descending", async () => {
    const data = Float32Array.of(5, 1, 3, 4, 2, 6)
    const x = gpu.tensor({ dtype: "float32", shape: [3, 2], data })
    expect(await numbers(await gpu.sort(x, { axis: 0 }))).toEqual({ values: [2, 1, 3, 4, 5, 6], indices: [2, 0, 1, 1, 0, 2] }) // biome-ignore format: a line
    expect(await numbers(await gpu.sort(x, { descending: true }))).toEqual({ values: [5, 1, 4, 3, 6, 2], indices: [0, 1, 1, 0, 1, 0] }) // biome-ignore format: a line
    for (const count of [-1, 3, 0.5])
      await expect(gpu.topK(x, { count })).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID" })
    x.destroy()
  })

  test("takes a dispatch, and one more for every time that the runs are halved", () => {
    const dispatches = (cols: number, count: number) => sortPasses(cols, { axis: -1, count, least: false }).length
    expect([1, 256, 257, 4096, 4097].map((cols) => dispatches(cols, 1))).toEqual([1, 1, 2, 5, 6])
    expect(dispatches(4096, 0)).toBe(1)
  })
})
