import {
  type AnyKernel,
  argMax,
  argMin,
  copy,
  permuted,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceSumSquare,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"

const product = (dims: readonly number[]) => dims.reduce((n, dim) => n * dim, 1)

/** `x` with `axes`, in order, as the middle one of three; moved to the end first where others lie between them. */
function asLines(node: NodeLowering, x: Value, axes: readonly number[]): Value {
  const [first, last] = [axes[0]!, axes.at(-1)!]
  const cols = product(axes.map((axis) => x.shape[axis]!))
  // Axes of one element may lie anywhere.
  const between = x.shape.slice(first, last + 1).filter((_, i) => !axes.includes(first + i))
  if (product(between) === 1)
    return node.reshaped(x, [product(x.shape.slice(0, first)), cols, product(x.shape.slice(last + 1))])
  const kept = [...x.shape.keys()].filter((axis) => !axes.includes(axis))
  const turned = node.run(copy, [x], { from: permuted(wholeView(x.shape), [...kept, ...axes]) })
  return node.reshaped(turned, [product(kept.map((axis) => x.shape[axis]!)), cols, 1])
}

/** `input`: the opset from which on the axes are an input. `none`: what a line of no elements comes to, where the kernel has no answer. */
const reduction = (operator: string, kernel: AnyKernel, input: number, none?: number) =>
  defineLowering(operator, (node) => {
    const x = node.input(0)
    const rank = x.shape.length
    const given = node.opset < input ? node.ints("axes") : node.knownOr(1, undefined)
    // No axes mean all, or none: then each element is a line of its own.
    const all = node.int("noop_with_empty_axes", 0) === 0
    const isReduced = (axis: number) => (given?.length ? given.some((one) => node.axis(one, rank) === axis) : all)
    const axes = [...x.shape.keys()].filter(isReduced)
    const shape = node.outputShape()
    if (none !== undefined && axes.some((axis) => x.shape[axis] === 0))
      return node.set(0, node.graph.constant(shape, new Float32Array(product(shape)).fill(none)))
    const lines = axes.length === 0 ? node.reshaped(x, [1, 1, product(x.shape)]) : asLines(node, x, axes)
    node.set(0, node.reshaped(node.run(kernel, [lines], { axis: 1 }), shape))
  })

const search = (operator: string, kernel: AnyKernel) =>
  defineLowering(operator, (node) => {
    const x = node.input(0)
    const attributes = {
      axis: node.axis(node.int("axis", 0), x.shape.length),
      last: node.int("select_last_index", 0) === 1,
    }
    node.set(0, node.reshaped(node.run(kernel, [x], attributes), node.outputShape()))
  })

export const reductions = [
  reduction("ReduceSum", reduceSum, 13),
  reduction("ReduceMean", reduceMean, 18),
  reduction("ReduceProd", reduceProd, 18),
  reduction("ReduceMax", reduceMax, 18),
  reduction("ReduceMin", reduceMin, 18),
  reduction("ReduceL1", reduceL1, 18),
  reduction("ReduceL2", reduceL2, 18),
  reduction("ReduceSumSquare", reduceSumSquare, 18),
  reduction("ReduceLogSum", reduceLogSum, 18, Number.NEGATIVE_INFINITY),
  reduction("ReduceLogSumExp", reduceLogSumExp, 18, Number.NEGATIVE_INFINITY),
  search("ArgMax", argMax),
  search("ArgMin", argMin),
]
