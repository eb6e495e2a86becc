import type { NodeContext } from "../context.ts"
import { type Equation, parseEquation } from "../einsum.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, INT32, type Shape, type Value, value } from "../value.ts"

/** numpy's matmul: the last two dimensions multiply, those before broadcast, a vector is a row or a column. */
function multiplied(node: NodeContext, a: Value, b: Value): Shape {
  if (!node.isRank(a, 1) || !node.isRank(b, 1)) return null
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape
  const [k1, k2] = [left.at(-1)!, right.at(-2)!]
  if (k1 !== null && k2 !== null && k1 !== k2)
    throw node.refusal(`inner dimensions that are equal, not ${k1} and ${k2}`)
  const out: Dim[] = [...node.broadcast(left.slice(0, -2), right.slice(0, -2))!]
  if (a.shape.length > 1) out.push(left.at(-2)!)
  if (b.shape.length > 1) out.push(right.at(-1)!)
  return out
}

/** Two operations for each element of the inner dimension, `k` long, and each output element. */
const dotFlops = (out: Shape, k: Dim | undefined): number | null => {
  const n = elems(out)
  return n === null || k == null ? null : 2 * n * k
}

function gemm(node: NodeContext): Value {
  const [a, b] = [node.input(0), node.input(1)]
  if (!node.isRank(a, 2, 2) || !node.isRank(b, 2, 2)) return value(a.elem, [null, null])
  const pick = (shape: readonly Dim[], flipped: boolean) => (flipped ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!])
  const [m, k1] = pick(a.shape, node.int("transA", 0) !== 0) as [Dim, Dim]
  const [k2, n] = pick(b.shape, node.int("transB", 0) !== 0) as [Dim, Dim]
  if (k1 !== null && k2 !== null && k1 !== k2)
    throw node.refusal(`inner dimensions that are equal, not ${k1} and ${k2}`)
  return value(a.elem, [m, n])
}

function equation(node: NodeContext): Equation | null {
  if (node.inputs.some((v) => !v?.shape)) return null
  const ranks = node.inputs.map((v) => v!.shape!.length)
  return parseEquation(node.string("equation", ""), ranks, (expected) => node.refusal(expected))
}

function einsumDims(node: NodeContext, { inputs }: Equation): Map<string, Dim> {
  const dims = new Map<string, Dim>()
  inputs.forEach((term, i) => {
    term.forEach((label, k) => {
      const [have, d] = [dims.get(label), node.input(i).shape![k]!]
      if (have === undefined || have === null || have === 1) dims.set(label, d)
      else if (d !== null && d !== 1 && d !== have)
        throw node.refusal(`equal dimensions for ${label}, not ${have} and ${d}`)
    })
  })
  return dims
}

export const multiplication: readonly OperatorDefinition[] = [
  defineOperator({
    names: "MatMul",
    infer: (node) => [value(node.input(0).elem, multiplied(node, node.input(0), node.input(1)))],
    flops: (node, [y]) => dotFlops(y?.shape ?? null, node.input(0).shape?.at(-1)),
  }),
  defineOperator({
    names: "MatMulInteger",
    infer: (node) => [value(INT32, multiplied(node, node.input(0), node.input(1)))],
    flops: (node, [y]) => dotFlops(y?.shape ?? null, node.input(0).shape?.at(-1)),
  }),
  defineOperator({
    names: "QLinearMatMul",
    infer: (node) => [value(node.input(7).elem, multiplied(node, node.input(0), node.input(3)))],
    flops: (node, [y]) => dotFlops(y?.shape ?? null, node.input(0).shape?.at(-1)),
  }),
  defineOperator({
    names: "Gemm",
    infer: (node) => [gemm(node)],
    flops(node, [y]) {
      const k = node.input(0).shape?.[node.int("transA", 0) !== 0 ? 0 : 1]
      const [dots, bias] = [dotFlops(y?.shape ?? null, k), elems(y?.shape ?? null)]
      return dots === null || bias === null ? null : dots + (node.inputs[2] ? bias : 0)
    },
  }),
  // Against [N, K] in packed bits.
  defineOperator({
    names: "MatMulNBits",
    domain: "com.microsoft",
    infer(node) {
      const { elem, shape } = node.input(0)
      if (shape && shape.at(-1) !== null && shape.at(-1) !== node.int("K", 0))
        throw node.refusal(`an input 0 with ${node.int("K", 0)} columns`)
      return [value(elem, shape && [...shape.slice(0, -1), node.int("N", 0)])]
    },
    flops: (node, [y]) => dotFlops(y?.shape ?? null, node.int("K", 0)),
  }),
  defineOperator({
    names: "Einsum",
    infer(node) {
      const eq = equation(node)
      if (!eq) return [node.like(null)]
      const dims = einsumDims(node, eq)
      return [
        node.like(
          eq.output.map((label) => {
            const d = dims.get(label)
            if (d === undefined) throw node.refusal(`only labels of the inputs in the output, not ${label}`)
            return d
          }),
        ),
      ]
    },
    // One multiplication for each further operand and one addition, for every combination of all labels.
    flops(node) {
      const eq = equation(node)
      const n = eq && elems([...einsumDims(node, eq).values()])
      return n == null ? null : Math.max(1, node.inputs.length) * n
    },
  }),
]
