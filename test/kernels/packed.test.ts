import { afterAll, beforeAll, expect, test } from "vitest"
import { createKernels, type Kernels, quantize, unpack } from "../../kernels/index.ts"
import { softwareDevice } from "./software-gpu.ts"

let gpu: Kernels
beforeAll(async () => {
  gpu = createKernels(await softwareDevice())
})
afterAll(() => gpu?.device.destroy())

test("packed weights are one matrix to rows by number, to products and to windows", async () => {
  const numbers = Array.from({ length: 4 * 36 }, (_, i) => Math.sin(i))
  const packed = quantize("q8g32f", [4, 36], numbers)
  const rows = Array.from({ length: 4 }, (_, row) => unpack(packed).subarray(row * 36, (row + 1) * 36))
  const x = Float32Array.from({ length: 36 }, (_, i) => Math.cos(i))
  const sums = rows.map((row) => row.reduce((sum, weight, i) => sum + weight * x[i]!, 0))

  const w = gpu.packed(packed)
  const indices = gpu.tensor({ dtype: "int32", shape: [2], data: Int32Array.of(2, -1) })
  const picked = await gpu.embedding(indices, w)
  expect(picked.shape).toEqual([2, 36])
  const [third, last] = [rows[2]!, rows[3]!]
  for (const [i, value] of (await picked.read()).entries()) expect(value).toBeCloseTo([...third, ...last][i]!, 5)

  const vector = gpu.tensor({ dtype: "float32", shape: [1, 36], data: x })
  const image = gpu.tensor({ dtype: "float32", shape: [1, 4, 3, 3], data: x })
  const product = await gpu.packedMatmul(vector, w)
  const window = await gpu.packedConv2d(image, w, undefined, { size: [3, 3] })
  expect([product.shape, window.shape]).toEqual([[1, 4], [1, 4, 1, 1]]) // biome-ignore format: a line
  for (const result of [product, window])
    for (const [i, value] of (await result.read()).entries()) expect(value).toBeCloseTo(sums[i]!, 4)
  for (const tensor of [w.words, indices, picked, vector, image, product, window]) tensor.destroy()
})
