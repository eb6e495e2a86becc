import {
  add,
  broadcast,
  broadcastShape,
  copy,
  elems,
  type MatmulAttributes,
  matmul,
  mul,
  packedMatmul,
  permuted,
  type Shape,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { following, followingActivation, followingBias, followingProduct } from "./following.ts"
import { packedMatrix } from "./packed.ts"
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

/** What is done to a product before it is stored: see kernels/ops/matmul. */
interface Along {
  bias?: Value | undefined
  residual?: Value | undefined
  attributes?: Partial<MatmulAttributes>
}

/** a · b as kernels/ops/matmul has it; where b is one matrix that is stored in few bits, by the kernel that unpacks them. */
function multiplied(node: NodeLowering, a: Value, b: Value, { bias, residual, attributes = {} }: Along = {}): Value {
  const { transposeA, transposeB, ...epilogue } = attributes
  const packed = transposeA || b.shape.length !== 2 ? undefined : packedFactor(node, b, transposeB === true)
  return packed
    ? node.run(packedMatmul, [a, packed.w, bias, residual], { ...epilogue, ...packed.attributes })
    : node.run(matmul, [a, b, bias, residual], attributes)
}

/** The matrix `b`, or what it is transposed from, in few bits, each of its columns a row; undefined where it is not stored so, or float32 takes no more. */
function packedFactor(node: NodeLowering, b: Value, isTransposed: boolean) {
  const { source, view } = node.graph.viewed(b)
  return packedMatrix(node, source, isTransposed ? view : permuted(view, [1, 0]))
}

/** a · b as MatMul has it, but for the axes that a vector leaves out of the result. */
export function matrixProduct(
  node: NodeLowering,
  a: Value,
  b: Value,
  { bias, residual, attributes }: Along = {},
): Value {
  const like = (shape: Shape) => residual && node.reshaped(residual, shape)
  // A vector is a row on the left and a column on the right.
  const left = a.shape.length === 1 ? node.reshaped(a, [1, a.shape[0]!]) : a
  const right = b.shape.length === 1 ? node.reshaped(b, [b.shape[0]!, 1]) : b
  const [own, other] = [left.shape.slice(0, -2), right.shape.slice(0, -2)]
  // Where one side has no batches, the rows of the other are one long matrix: nothing else is needed for it.
  if (other.length === 0 && left.shape.length > 2) {
    const [rows, cols] = [left.shape.slice(0, -1), right.shape[1]!]
    const flat = node.reshaped(left, [rows.reduce((n, dim) => n * dim, 1), left.shape.at(-1)!])
    const added = like([flat.shape[0]!, cols])
    return node.reshaped(multiplied(node, flat, right, { bias, residual: added, attributes }), [...rows, cols])
  }
  const batch = broadcastShape([own, other])
  const added = like([...batch, left.shape.at(-2)!, right.shape.at(-1)!])
  const [lefts, rights] = [withBatch(node, left, batch), withBatch(node, right, batch)]
  return multiplied(node, lefts, rights, { bias, residual: added, attributes })
}

export const multiplications = [
  defineLowering("Gemm", (node) => {
    const [alpha, beta] = [node.float("alpha", 1), node.float("beta", 1)]
    const [a, b, c] = [node.input(0), node.input(1), node.optional(2)]
    const output = node.node.output[0]!
    const shape = node.outputShape()
    const cols = shape.at(-1)!
    // Of a stored one the multiple is made once, when the model is opened.
    const addend = c && beta !== 1 ? node.run(mul, [c, scalar(node, beta)]) : c
    const isRow = c?.shape.at(-1) === cols && elems(c.shape) === cols
    const isWhole = !isRow && c?.shape.join() === shape.join()
    const attributes = {
      transposeA: node.int("transA", 0) === 1,
      transposeB: node.int("transB", 0) === 1,
      ...(alpha !== 1 && { scale: alpha }),
    }
    if (addend && !isRow && !isWhole)
      return node.set(0, node.run(add, [multiplied(node, a, b, { attributes }), addend]))
    if (isWhole) {
      const next = followingActivation(node, output)
      const own = { ...attributes, residualFirst: true, ...(next && { activation: next.activation }) }
      const result = multiplied(node, a, b, { residual: addend, attributes: own })
      return node.setAs(next?.output ?? output, result)
    }
    const shift = c ? undefined : followingBias(node, output, cols, -1)
    const bias = addend ? node.reshaped(addend, [cols]) : shift?.bias
    const next = following(node, shift?.output ?? output, shape)
    const own = { ...attributes, ...next.attributes }
    node.setAs(next.output, multiplied(node, a, b, { bias, residual: next.residual, attributes: own }))
  }),

  defineLowering("MatMul", (node) => {
    const attention = writtenAttention(node)
    if (attention) return node.set(0, attention)
    const [a, b] = [node.input(0), node.input(1)]
    const next = followingProduct(node, b.shape.length > 1 ? b.shape.at(-1) : undefined)
    node.setAs(next.output, matrixProduct(node, a, b, next))
  }),
]
