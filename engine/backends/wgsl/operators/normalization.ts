import { add, copy, div, mul, permuted, reduceMean, softmax, sqrt, sub, wholeView } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"

/** (x − mean) / √(variance + eps) along the last axis. */
function standardized(node: NodeLowering, rows: Value, eps: number): Value {
  const centred = node.run(sub, [rows, node.run(reduceMean, [rows])])
  const variance = node.run(reduceMean, [node.run(mul, [centred, centred])])
  const shifted = node.run(add, [variance, node.graph.constant([], Float32Array.of(eps))])
  return node.run(div, [centred, node.run(sqrt, [shifted])])
}

/** [c] as [c, 1, 1, …], to go with [n, c, …]. */
const perChannel = (node: NodeLowering, value: Value, rank: number) =>
  node.reshaped(value, [value.shape[0]!, ...new Array<number>(rank - 2).fill(1)])

export const normalizations = [
  defineLowering("Softmax", (node) => {
    const x = node.input(0)
    const rank = x.shape.length
    const axis = node.axis(node.int("axis", node.opset < 13 ? 1 : -1), rank)
    // Before opset 13 all axes from this one on are one.
    if (node.opset < 13) {
      const cols = x.shape.slice(axis).reduce((n, dim) => n * dim, 1)
      const rows = x.shape.slice(0, axis).reduce((n, dim) => n * dim, 1)
      return node.set(0, node.reshaped(node.run(softmax, [node.reshaped(x, [rows, cols])]), x.shape))
    }
    if (axis === rank - 1) return node.set(0, node.run(softmax, [x]))
    // Its axis and the last change places, and back.
    const order = x.shape.map((_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i))
    const turned = node.run(copy, [x], { from: permuted(wholeView(x.shape), order) })
    const result = node.run(softmax, [turned])
    node.set(0, node.run(copy, [result], { from: permuted(wholeView(result.shape), order) }))
  }),

  defineLowering("BatchNormalization", (node) => {
    const rank = node.input(0).shape.length
    const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => node.input(i)) as [Value, Value, Value, Value]
    const eps = node.graph.constant([], Float32Array.of(node.float("epsilon", 1e-5)))
    const factor = node.run(div, [scale, node.run(sqrt, [node.run(add, [variance, eps])])])
    const moved = node.run(sub, [shift, node.run(mul, [mean, factor])])
    const scaled = node.run(mul, [node.input(0), perChannel(node, factor, rank)])
    node.set(0, node.run(add, [scaled, perChannel(node, moved, rank)]))
  }),

  defineLowering("InstanceNormalization", (node) => {
    const { shape } = node.input(0)
    const pixels = shape.slice(2).reduce((n, dim) => n * dim, 1)
    const rows = node.reshaped(node.input(0), [shape[0]!, shape[1]!, pixels])
    const even = node.reshaped(standardized(node, rows, node.float("epsilon", 1e-5)), shape)
    const scaled = node.run(mul, [even, perChannel(node, node.input(1), shape.length)])
    node.set(0, node.run(add, [scaled, perChannel(node, node.input(2), shape.length)]))
  }),

  defineLowering("LayerNormalization", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", -1), x.shape.length)
    const cols = x.shape.slice(axis).reduce((n, dim) => n * dim, 1)
    const rows = node.reshaped(x, [...x.shape.slice(0, axis), cols])
    const even = node.reshaped(standardized(node, rows, node.float("epsilon", 1e-5)), x.shape)
    const scaled = node.run(mul, [even, node.input(1)])
    node.set(0, node.has(2) ? node.run(add, [scaled, node.input(2)]) : scaled)
  }),
]
