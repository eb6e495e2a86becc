import {
  type AnyKernel,
  abs,
  add,
  copy,
  exp,
  log,
  mul,
  permuted,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  sqrt,
  sub,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"

/** Of rows [..., cols] → [..., 1]. */
type Rows = (node: NodeLowering, rows: Value) => Value

const kernelOf =
  (kernel: AnyKernel): Rows =>
  (node, rows) =>
    node.run(kernel, [rows])
const squares: Rows = (node, rows) => node.run(reduceSum, [node.run(mul, [rows, rows])])
const logarithm =
  (of: Rows): Rows =>
  (node, rows) =>
    node.run(log, [of(node, rows)])
/** log Σ e^x, the largest x taken out first. */
const logSumExp: Rows = (node, rows) => {
  const top = node.run(reduceMax, [rows])
  const sum = node.run(reduceSum, [node.run(exp, [node.run(sub, [rows, top])])])
  return node.run(add, [node.run(log, [sum]), top])
}

/** `input`: the opset from which on the axes are an input. */
const reduction = (operator: string, compute: Rows, input: number) =>
  defineLowering(operator, (node) => {
    const x = node.input(0)
    const rank = x.shape.length
    const given = axesOf(node, input)
    if (given?.length === 0 && node.int("noop_with_empty_axes", 0) === 1) return node.set(0, x)
    const axes = (given?.length ? given : x.shape.map((_, axis) => axis)).map((axis) => node.axis(axis, rank))
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
    // The axes that go come last; they often are already.
    const order = [...kept, ...axes.toSorted((a, b) => a - b)]
    const isInOrder = order.every((axis, i) => axis === i)
    const turned = isInOrder ? x : node.run(copy, [x], { from: permuted(wholeView(x.shape), order) })
    const cols = axes.reduce((n, axis) => n * x.shape[axis]!, 1)
    const result = compute(node, node.reshaped(turned, [...kept.map((axis) => x.shape[axis]!), cols]))
    const shape =
      node.int("keepdims", 1) === 1
        ? x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim))
        : kept.map((axis) => x.shape[axis]!)
    node.set(0, node.reshaped(result, shape))
  })

function axesOf(node: NodeLowering, input: number): number[] | undefined {
  return node.opset < input ? node.ints("axes") : node.knownOr(1, undefined)
}

export const reductions = [
  reduction("ReduceSum", kernelOf(reduceSum), 13),
  reduction("ReduceMean", kernelOf(reduceMean), 18),
  reduction("ReduceMax", kernelOf(reduceMax), 18),
  reduction("ReduceMin", kernelOf(reduceMin), 18),
  reduction("ReduceL1", (node, rows) => node.run(reduceSum, [node.run(abs, [rows])]), 18),
  reduction("ReduceL2", (node, rows) => node.run(sqrt, [squares(node, rows)]), 18),
  reduction("ReduceSumSquare", squares, 18),
  reduction("ReduceLogSum", logarithm(kernelOf(reduceSum)), 18),
  reduction("ReduceLogSumExp", logSumExp, 18),
]
