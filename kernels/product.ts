import { fail } from "../protocol/errors/error.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { keeping } from "./keeping.ts"
import { type MatmulAlgorithm, matmul, matrixStride } from "./ops/matmul/matmul.ts"
import type { KernelRuntime, RunOptions } from "./runtime.ts"
import { broadcastShape } from "./view.ts"

type Floats = GpuTensor<"float32" | "float16">

/**
 * NumPy's matmul, by the kernel of that name: [..., m, k] · [..., k, n], the axes in front broadcast, where [k] is a row on the left and a column on the right, which the result does not
 * have. Matrices that are broadcast so that they don't lie evenly are laid out by a copy. Throws as the kernel does.
 */
export async function product(
  runtime: KernelRuntime,
  a: Floats,
  b: Floats,
  options?: RunOptions<MatmulAlgorithm>,
): Promise<GpuTensor> {
  const [isRow, isColumn] = [a.shape.length === 1, b.shape.length === 1]
  for (const [path, { shape }] of Object.entries({ a, b }))
    if (shape.length === 0)
      throw fail("IPFA_INPUT_SHAPE", { message: `matmul takes ${path} as vectors or matrices; mul takes numbers.`, data: { path } }) // biome-ignore format: a line
  return keeping(async (keep) => {
    const of = (x: Floats, shape: readonly number[], strides: readonly number[]) =>
      keep(x.view({ shape, strides, offset: x.offset }))
    const left = isRow ? of(a, [1, ...a.shape], [0, ...a.strides]) : a
    const right = isColumn ? of(b, [...b.shape, 1], [...b.strides, 0]) : b
    const batch = broadcastShape([left.shape.slice(0, -2), right.shape.slice(0, -2)])
    const even = (x: Floats) =>
      matrixStride(x, batch) === undefined ? keep(x.broadcast([...batch, ...x.shape.slice(-2)])) : x
    const y = await runtime.run(matmul, [even(left), even(right)], {}, options)
    if (y === options?.into || !(isRow || isColumn)) return y
    const [m, n] = keep(y).shape.slice(-2) as [number, number]
    return y.share([...batch, ...(isRow ? [] : [m]), ...(isColumn ? [] : [n])])
  })
}
