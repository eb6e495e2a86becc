import type { AnyKernel, Shape } from "../define-kernel.ts"
import { attention } from "../ops/attention/attention.ts"
import { conv2d } from "../ops/conv2d/conv2d.ts"
import { matmul } from "../ops/matmul/matmul.ts"
import { layerNorm } from "../ops/norm/norm.ts"
import { packedMatmul } from "../ops/packed-matmul/packed-matmul.ts"
import { reduceSum } from "../ops/reduce/reduce.ts"
import { softmax } from "../ops/softmax/softmax.ts"
import { transpose } from "../ops/transpose/transpose.ts"
import { relu } from "../ops/unary/unary.ts"
import { packedWords } from "../packed/format.ts"
import type { Work } from "../prepare.ts"

const work = (kernel: AnyKernel, shapes: Shape[], attributes: object = {}): Work => ({
  kernel,
  inputs: shapes.map((shape) => ({ dtype: "float32", shape })),
  attributes,
})
const product = (m: number, k: number, n: number, attributes: object = {}) =>
  work(matmul, [[m, k], "transposeB" in attributes ? [n, k] : [k, n]], attributes)
/** a [m, k] · w [n, k], transposed, of 4 bits in groups of 32. */
function packedProduct(m: number, k: number, n: number): Work {
  const format = "q4g32"
  const a = { dtype: "float32", shape: [m, k] } as const
  const words = { dtype: "uint32", shape: [packedWords(format, n, k)] } as const
  return { kernel: packedMatmul, inputs: [a, words], attributes: { format, shape: [n, k] } }
}
/** One more token, of 32 heads of 128 that share 8, over a cache of so many, in one piece or by a table of pages; the work for each row is shared as graphs share it. */
function decoding(context: number, isPaged = false): Work {
  const cache = [1, 8, context, 128]
  const { inputs, ...rest } = work(attention, [[1, 32, 1, 128], cache, cache], { causal: true, splits: context / 256 })
  const table = [undefined, { dtype: "int32", shape: [1, 2] }] as const
  return { ...rest, inputs: isPaged ? [...inputs, ...table] : inputs }
}

/** What is tuned where no model says what it needs: from a token's products to an image's convolutions. */
export const commonWorks: readonly Work[] = [
  product(128, 128, 128),
  product(512, 512, 512),
  product(1024, 1024, 1024),
  product(64, 768, 768),
  product(1, 1024, 1024),
  product(1, 1024, 1024, { transposeB: true }),
  product(1, 4096, 4096),
  product(1, 4096, 4096, { transposeB: true }),
  product(4, 2048, 512),
  product(8, 4096, 4096),
  product(16, 8192, 32),
  packedProduct(1, 1024, 1024),
  packedProduct(1, 4096, 4096),
  decoding(4096),
  decoding(4096, true),
  work(conv2d, [[1, 3, 224, 224], [32, 3, 3, 3]], { strides: [2, 2], pads: [1, 1, 1, 1] }), // biome-ignore format: shapes are a line
  work(conv2d, [[1, 64, 56, 56], [64, 64, 3, 3]], { pads: [1, 1, 1, 1] }), // biome-ignore format: shapes are a line
  work(conv2d, [[1, 64, 56, 56], [256, 64, 1, 1]]), // biome-ignore format: shapes are a line
  work(conv2d, [[1, 144, 56, 56], [144, 1, 3, 3]], { group: 144, pads: [1, 1, 1, 1] }), // biome-ignore format: shapes are a line
  work(softmax, [[512, 1024]]),
  work(layerNorm, [[512, 768], [768]]),
  work(reduceSum, [[512, 1024]]),
  work(transpose, [[1024, 1024]]),
  work(relu, [[2 ** 20]]),
]
