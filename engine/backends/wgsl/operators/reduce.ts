import { copy, permuted, reduceMax, reduceMean, reduceMin, reduceSum, wholeView } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"

/** `input`: the opset from which on the axes are an input. */
const reduction = (operator: string, kernel: typeof reduceSum, input: number) =>
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
    const result = node.run(kernel, [node.reshaped(turned, [...kept.map((axis) => x.shape[axis]!), cols])])
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
  reduction("ReduceSum", reduceSum, 13),
  reduction("ReduceMean", reduceMean, 18),
  reduction("ReduceMax", reduceMax, 18),
  reduction("ReduceMin", reduceMin, 18),
]
