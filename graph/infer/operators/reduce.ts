import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { elems, INT64, type Shape, value } from "../value.ts"
import { axesOf } from "./layout.ts"

/** `shape` without `axes`, or with 1 there. */
function without(shape: readonly (number | null)[], axes: ReadonlySet<number>, keep: boolean): Shape {
  return keep ? shape.map((d, i) => (axes.has(i) ? 1 : d)) : shape.filter((_, i) => !axes.has(i))
}

function reduced(node: NodeContext, axesByInputSince: number): Shape {
  const { shape } = node.input(0)
  if (!shape) return null
  const keep = node.int("keepdims", 1) !== 0
  const axes = axesOf(node, axesByInputSince)
  if (axes === null) return keep ? shape.map(() => null) : null
  if (!axes || axes.length === 0) {
    if (node.int("noop_with_empty_axes", 0) !== 0) return shape
    return without(shape, new Set(shape.keys()), keep)
  }
  return without(shape, new Set(axes.map((a) => node.axis(a, shape.length))), keep)
}

const perInput = (n: number) => (node: NodeContext) => {
  const count = elems(node.input(0).shape)
  return count === null ? null : n * count
}

/** `n` operations for each element that goes in. */
const reduction = (names: string[], n: number, axesByInputSince = 18): OperatorDefinition =>
  defineOperator({
    names,
    infer(node) {
      const x = node.input(0)
      const shape = reduced(node, axesByInputSince)
      const product = names[0] === "ReduceProd" && x.data && shape?.length === 0 ? [times(x.data)] : undefined
      return [value(x.elem, shape, product)]
    },
    flops: perInput(n),
  })

/** Sizes are multiplied this way on their way to a Reshape. */
function times(data: readonly (number | null)[]): number | null {
  return data.reduce((a, b) => (a === null || b === null ? null : a * b), 1)
}

export const reductions: readonly OperatorDefinition[] = [
  reduction(["ReduceProd"], 1),
  reduction(["ReduceSum"], 1, 13),
  reduction(["ReduceMean", "ReduceMax", "ReduceMin"], 1),
  reduction(["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceSumSquare"], 2),
  reduction(["ReduceLogSumExp"], 4),
  defineOperator({
    names: ["ArgMax", "ArgMin"],
    infer(node) {
      const { shape } = node.input(0)
      if (!shape) return [value(INT64, null)]
      const axis = node.axis(node.int("axis", 0), shape.length)
      return [value(INT64, without(shape, new Set([axis]), node.int("keepdims", 1) !== 0))]
    },
    flops: perInput(1),
  }),
  defineOperator({
    names: ["CumSum", "CumProd"],
    infer: (node) => [value(node.input(0).elem, node.input(0).shape)],
    flops: perInput(1),
  }),
]
