import {
  add,
  cast,
  cumSum,
  equal,
  gather,
  less,
  maximum,
  mul,
  places,
  reduceSum,
  topK,
  where,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { wordsOf } from "../tensors.ts"

const product = (dims: readonly number[]) => dims.reduce((n, dim) => n * dim, 1)
const whole = (node: NodeLowering, shape: readonly number[], numbers: readonly number[]) =>
  node.graph.constant(shape, wordsOf("int32", numbers))

/** Indices that count from the end where they are below 0, counted from the front; `sizes` go with them by broadcasting. */
function fromFront(node: NodeLowering, indices: Value, sizes: Value): Value {
  const isBelow = node.run(less, [indices, whole(node, [], [0])])
  return node.run(where, [isBelow, node.run(add, [indices, sizes]), indices])
}

/** Of x the elements whose places along `axis` are `indices`, from 0 on, all else staying where it is in `indices`. */
function pickedAlong(node: NodeLowering, x: Value, indices: Value, axis: number): Value {
  const { strides } = wholeView(x.shape)
  const others = { ...wholeView(indices.shape), strides: strides.with(axis, 0) }
  const stride = strides[axis]!
  const steps = stride === 1 ? indices : node.run(mul, [indices, whole(node, [], [stride])])
  const flat = node.run(add, [steps, whole(node, indices.shape, places(others))])
  return node.run(gather, [node.reshaped(x, [product(x.shape)]), flat], { axis: 0 })
}

export const selections = [
  defineLowering("Gather", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", 0), x.shape.length)
    node.set(0, node.run(gather, [x, node.input(1)], { axis }))
  }),

  defineLowering("GatherElements", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", 0), x.shape.length)
    const indices = fromFront(node, node.input(1), whole(node, [], [x.shape[axis]!]))
    node.set(0, pickedAlong(node, x, indices, axis))
  }),

  // Each tuple of indices comes to one index of a slice: their sum, each times how many slices lie between its neighbours.
  defineLowering("GatherND", (node) => {
    const [x, indices] = [node.input(0), node.input(1)]
    const batch = node.int("batch_dims", 0)
    const depth = indices.shape.at(-1)!
    const sizes = x.shape.slice(batch, batch + depth)
    const slices = product(sizes)
    const front = fromFront(node, indices, whole(node, [depth], sizes))
    const tuples = node.run(mul, [front, whole(node, [depth], wholeView(sizes).strides)])
    const batches = product(x.shape.slice(0, batch))
    const sums = node.reshaped(node.run(reduceSum, [tuples]), [batches, product(indices.shape) / depth / batches])
    const starts = Array.from({ length: batches }, (_, i) => i * slices)
    const flat = batch === 0 ? sums : node.run(add, [sums, whole(node, [batches, 1], starts)])
    const rows = node.reshaped(x, [batches * slices, product(x.shape.slice(batch + depth))])
    node.set(0, node.reshaped(node.run(gather, [rows, flat], { axis: 0 }), node.outputShape()))
  }),

  defineLowering("TopK", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", -1), x.shape.length)
    const count = node.outputShape()[axis]!
    const indices = node.run(topK, [x], { axis, count, least: node.int("largest", 1) === 0 })
    node.set(0, pickedAlong(node, x, indices, axis))
    node.set(1, indices)
  }),

  defineLowering("CumSum", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.known(1)[0]!, x.shape.length)
    const attributes = { exclusive: node.int("exclusive", 0) === 1, reverse: node.int("reverse", 0) === 1 }
    node.set(0, node.run(cumSum, [x], { axis, ...attributes }))
  }),

  // Each index is held against all numbers below `depth`, and against those that count from the end.
  defineLowering("OneHot", (node) => {
    const shape = node.outputShape()
    const axis = node.axis(node.int("axis", -1), shape.length)
    const depth = shape[axis]!
    const given = node.input(0)
    const indices = given.dtype === "int32" ? given : node.run(cast, [given], { to: "int32" })
    const column = node.reshaped(indices, shape.with(axis, 1))
    const numbers = (from: number) => {
      const list = Array.from({ length: depth }, (_, i) => i + from)
      return node.graph.constant(
        shape.map((_, i) => (i === axis ? depth : 1)),
        wordsOf("int32", list),
      )
    }
    const isHot = node.run(maximum, [node.run(equal, [column, numbers(0)]), node.run(equal, [column, numbers(-depth)])])
    const values = node.input(2)
    const value = (i: number) => node.run(gather, [values, node.graph.constant([], wordsOf("int32", [i]))])
    node.set(0, node.run(where, [isHot, value(1), value(0)]))
  }),
]
