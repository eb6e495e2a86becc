import { add, lineStarts, modulo, mul, reduceSum, wholeView } from "../../../../kernels/index.ts"
import type { NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { wordsOf } from "../tensors.ts"

export const product = (dims: readonly number[]) => dims.reduce((n, dim) => n * dim, 1)
export const whole = (node: NodeLowering, shape: readonly number[], numbers: readonly number[]) =>
  node.graph.constant(shape, wordsOf("int32", numbers))

/** Where in a tensor of `shape` lies what `indices` say along `axis`, all else being where it is in `indices`. One below 0 counts from the end. */
export function placesAlong(node: NodeLowering, shape: readonly number[], indices: Value, axis: number): Value {
  const stride = wholeView(shape).strides[axis]!
  const front = node.run(modulo, [indices, whole(node, [], [shape[axis]!])])
  const steps = stride === 1 ? front : node.run(mul, [front, whole(node, [], [stride])])
  const lines = lineStarts(shape, indices.shape, axis)
  return node.run(add, [steps, whole(node, lines.shape, lines.starts)])
}

/** Tuples of indices [..., depth] into axes of these sizes, each as the elements before the slice that it names, where the axes have these strides: [..., 1]. */
export function startsOf(
  node: NodeLowering,
  tuples: Value,
  sizes: readonly number[],
  strides: readonly number[],
): Value {
  const depth = sizes.length
  const front = node.run(modulo, [tuples, whole(node, [depth], sizes)])
  return node.run(reduceSum, [node.run(mul, [front, whole(node, [depth], strides)])])
}
