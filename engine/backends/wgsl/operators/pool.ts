import {
  abs,
  averagePool,
  cast,
  maxPool,
  mul,
  pow,
  reduceL2,
  reduceMax,
  reduceMean,
  reduceSum,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { asImages, windowAlong, windowOf } from "./convolution.ts"
import { product } from "./indices.ts"
import { asFloat } from "./quantization.ts"

function pool(node: NodeLowering, kernel: typeof maxPool): void {
  if (node.node.output[1] && node.graph.isUsed(node.node.output[1])) throw unsupported("its indices are used")
  const x = node.input(0)
  const size = node.ints("kernel_shape", [])
  const rest = { ceil: node.int("ceil_mode", 0) === 1, includePad: node.int("count_include_pad", 0) === 1 }
  // Numbers of 8 bits are exact as float32.
  const isWhole = /^u?int8$/.test(node.graph.dtype(node.node.input[0]!))
  const numbers = isWhole ? asFloat(node, x) : x
  const pooled = size.length === 3 ? pooledTwice(node, kernel, numbers, size, rest) : node.run(kernel, [asImages(node, numbers)], { ...windowOf(node, size, x.shape), ...rest }) // biome-ignore format: a choice
  const result = isWhole ? node.run(cast, [pooled], { to: x.dtype }) : pooled
  node.set(0, node.reshaped(result, node.outputShape()))
}

/** Over [n, c, d, h, w]: a window's largest number is that of the largest of its planes, and its mean, padded or not, that of their means. */
function pooledTwice(
  node: NodeLowering,
  kernel: typeof maxPool,
  x: Value,
  size: readonly number[],
  rest: { ceil: boolean; includePad: boolean },
): Value {
  const [n, c, depth, height, width] = x.shape as [number, number, number, number, number]
  const window = windowAlong(node, size, x.shape)
  const planes = node.run(kernel, [node.reshaped(x, [n, c * depth, height, width])], { ...window([1, 2]), ...rest })
  const lines = node.reshaped(planes, [n, c, depth, planes.shape[2]! * planes.shape[3]!])
  return node.run(kernel, [lines], { ...window([0, undefined]), ...rest })
}

/** Over all pixels of each channel: `reduced` takes rows of them. */
function globalPool(node: NodeLowering, reduced: (rows: Value) => Value): void {
  const { shape } = node.input(0)
  const rows = node.reshaped(node.input(0), [shape[0]!, shape[1]!, product(shape.slice(2))])
  node.set(0, node.reshaped(reduced(rows), [shape[0]!, shape[1]!, ...shape.slice(2).map(() => 1)]))
}

/** x to the power of `exponent`, x 0 or above. */
const power = (node: NodeLowering, x: Value, exponent: number) =>
  exponent === 1 ? x : node.run(pow, [x, node.graph.constant([], Float32Array.of(exponent))])
const powers = (node: NodeLowering, x: Value, p: number) =>
  p === 2 ? node.run(mul, [x, x]) : power(node, node.run(abs, [x]), p)

/** The pth root of the sum of |x|^p over each window: as many times their mean as it has places, padding, which is 0, among them. */
function lpPool(node: NodeLowering): void {
  const x = asImages(node, node.input(0))
  const p = node.int("p", 2)
  const window = windowOf(node, node.ints("kernel_shape", []), node.input(0).shape)
  const shape = asImages(node, { ...x, shape: node.outputShape() }).shape
  const [top, left] = window.pads
  // A last window that ends beyond the padding: so much more of it.
  const end = (axis: 0 | 1) => {
    const reach = (shape[axis + 2]! - 1) * window.strides[axis] + (window.size[axis] - 1) * window.dilations[axis] + 1
    return Math.max(reach - x.shape[axis + 2]! - window.pads[axis], 0)
  }
  const attributes = { ...window, pads: [top, left, end(0), end(1)] as const, includePad: true }
  const means = node.run(averagePool, [powers(node, x, p)], attributes)
  const places = node.graph.constant([], Float32Array.of(product(window.size)))
  const root = power(node, node.run(mul, [means, places]), 1 / p)
  node.set(0, node.reshaped(root, node.outputShape()))
}

export const pools = [
  defineLowering("MaxPool", (node) => pool(node, maxPool)),
  defineLowering("AveragePool", (node) => pool(node, averagePool)),
  defineLowering("LpPool", lpPool),
  defineLowering("GlobalAveragePool", (node) => globalPool(node, (rows) => node.run(reduceMean, [rows]))),
  defineLowering("GlobalMaxPool", (node) => globalPool(node, (rows) => node.run(reduceMax, [rows]))),
  defineLowering("GlobalLpPool", (node) => {
    const p = node.int("p", 2)
    globalPool(node, (rows) =>
      p === 2 ? node.run(reduceL2, [rows]) : power(node, node.run(reduceSum, [powers(node, rows, p)]), 1 / p),
    )
  }),
]
