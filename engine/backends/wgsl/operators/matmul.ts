import {
  type Activation,
  add,
  broadcast,
  broadcastShape,
  copy,
  matmul,
  mul,
  type Shape,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { followingActivation, followingBias } from "./convolution.ts"
import { writtenAttention } from "./written-attention.ts"

/** A scalar as a constant. */
const scalar = (node: NodeLowering, value: number) => node.graph.constant([], Float32Array.of(value))

/** `value` with these axes in front of its matrices, repeated where they are more. */
function withBatch(node: NodeLowering, value: Value, batch: Shape): Value {
  const own = value.shape.slice(0, -2)
  if (own.every((dim) => dim === 1) || own.join() === batch.join()) return value
  const shape = [...batch, ...value.shape.slice(-2)]
  return node.run(copy, [value], { from: broadcast(wholeView(value.shape), shape) })
}

/** a · b + bias as MatMul has it, but for the axes that a vector leaves out of the result. */
export function matrixProduct(node: NodeLowering, a: Value, b: Value, bias?: Value, activation?: Activation): Value {
  // A vector is a row on the left and a column on the right.
  const left = a.shape.length === 1 ? node.reshaped(a, [1, a.shape[0]!]) : a
  const right = b.shape.length === 1 ? node.reshaped(b, [b.shape[0]!, 1]) : b
  const [own, other] = [left.shape.slice(0, -2), right.shape.slice(0, -2)]
  const attributes = activation && { activation }
  // Where one side has no batches, the rows of the other are one long matrix: nothing else is needed for it.
  if (other.length === 0 && left.shape.length > 2) {
    const [rows, cols] = [left.shape.slice(0, -1), right.shape[1]!]
    const flat = node.reshaped(left, [rows.reduce((n, dim) => n * dim, 1), left.shape.at(-1)!])
    return node.reshaped(node.run(matmul, [flat, right, bias], attributes), [...rows, cols])
  }
  const batch = broadcastShape([own, other])
  return node.run(matmul, [withBatch(node, left, batch), withBatch(node, right, batch), bias], attributes)
}

export const multiplications = [
  defineLowering("Gemm", (node) => {
    const [alpha, beta] = [node.float("alpha", 1), node.float("beta", 1)]
    const [a, b] = [node.input(0), node.input(1)]
    const transpose = { transposeA: node.int("transA", 0) === 1, transposeB: node.int("transB", 0) === 1 }
    const c = node.optional(2)
    const cols = transpose.transposeB ? b.shape[0]! : b.shape[1]!
    const isRow =
      c && alpha === 1 && beta === 1 && c.shape.length > 0 && c.shape.reduce((n, dim) => n * dim, 1) === cols
    const bias = isRow && c.shape.at(-1) === cols ? node.reshaped(c, [cols]) : undefined
    const output = node.node.output[0]!
    const next = alpha === 1 && (!c || bias) ? followingActivation(node, output) : undefined
    let result = node.run(matmul, [a, b, bias], { ...transpose, ...(next && { activation: next.activation }) })
    if (alpha !== 1) result = node.run(mul, [result, scalar(node, alpha)])
    if (c && !bias) {
      const shift = beta === 1 ? c : node.run(mul, [c, scalar(node, beta)])
      result = node.run(add, [result, shift])
    }
    node.setAs(next?.output ?? output, result)
  }),

  defineLowering("MatMul", (node) => {
    const attention = writtenAttention(node)
    if (attention) return node.set(0, attention)
    const [a, b] = [node.input(0), node.input(1)]
    const output = node.node.output[0]!
    const shift = b.shape.length > 1 ? followingBias(node, output, b.shape.at(-1)!, -1) : undefined
    const next = followingActivation(node, shift?.output ?? output)
    const result = matrixProduct(node, a, b, shift?.bias, next?.activation)
    node.setAs(next?.output ?? shift?.output ?? output, result)
  }),
]
