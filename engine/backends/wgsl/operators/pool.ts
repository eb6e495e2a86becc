import { averagePool, cast, maxPool, reduceMax, reduceMean } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import { unsupported } from "../unsupported.ts"
import { asImages, windowOf } from "./convolution.ts"

function pool(node: NodeLowering, kernel: typeof maxPool): void {
  if (node.node.output[1] && node.graph.isUsed(node.node.output[1])) throw unsupported("its indices are used")
  const x = node.input(0)
  const attributes = {
    ...windowOf(node, node.ints("kernel_shape", []), x.shape),
    ceil: node.int("ceil_mode", 0) === 1,
    includePad: node.int("count_include_pad", 0) === 1,
  }
  const images = asImages(node, x)
  // Numbers of 8 bits are exact as float32.
  const isWhole = /^u?int8$/.test(node.graph.dtype(node.node.input[0]!))
  const pooled = node.run(kernel, [isWhole ? node.run(cast, [images], { to: "float32" }) : images], attributes)
  const result = isWhole ? node.run(cast, [pooled], { to: x.dtype }) : pooled
  const shape = x.shape.length === 3 ? [result.shape[0]!, result.shape[1]!, result.shape[3]!] : result.shape
  node.set(0, node.reshaped(result, shape))
}

function globalPool(node: NodeLowering, kernel: typeof reduceMean): void {
  const { shape } = node.input(0)
  const pixels = shape.slice(2).reduce((product, dim) => product * dim, 1)
  const rows = node.reshaped(node.input(0), [shape[0]!, shape[1]!, pixels])
  node.set(0, node.reshaped(node.run(kernel, [rows]), [shape[0]!, shape[1]!, ...shape.slice(2).map(() => 1)]))
}

export const pools = [
  defineLowering("MaxPool", (node) => pool(node, maxPool)),
  defineLowering("AveragePool", (node) => pool(node, averagePool)),
  defineLowering("GlobalAveragePool", (node) => globalPool(node, reduceMean)),
  defineLowering("GlobalMaxPool", (node) => globalPool(node, reduceMax)),
]
