import { add, less, mul, places, reduceSum, where, wholeView } from "../../../../kernels/index.ts"
import type { NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { wordsOf } from "../tensors.ts"

export const product = (dims: readonly number[]) => dims.reduce((n, dim) => n * dim, 1)
export const whole = (node: NodeLowering, shape: readonly number[], numbers: readonly number[]) =>
  node.graph.constant(shape, wordsOf("int32", numbers))

/** Indices that count from the end where they are below 0, counted from the front; `sizes` go with them by broadcasting. */
export function fromFront(node: NodeLowering, indices: Value, sizes: Value): Value {
  const isBelow = node.run(less, [indices, whole(node, [], [0])])
  return node.run(where, [isBelow, node.run(add, [indices, sizes]), indices])
}

/** Where in a tensor of `shape` lies what `indices`, from 0 on, say along `axis`, all else being where it is in `indices`. */
export function placesAlong(node: NodeLowering, shape: readonly number[], indices: Value, axis: number): Value {
  const { strides } = wholeView(shape)
  const others = { ...wholeView(indices.shape), strides: strides.with(axis, 0) }
  const stride = strides[axis]!
  const steps = stride === 1 ? indices : node.run(mul, [indices, whole(node, [], [stride])])
  return node.run(add, [steps, whole(node, indices.shape, places(others))])
}

/** Tuples of indices [..., depth] into axes of these sizes, each as the number of the slice that it names: [..., 1]. */
export function slicesOf(node: NodeLowering, tuples: Value, sizes: readonly number[]): Value {
  const depth = sizes.length
  const front = fromFront(node, tuples, whole(node, [depth], sizes))
  return node.run(reduceSum, [node.run(mul, [front, whole(node, [depth], wholeView(sizes).strides)])])
}
