import {
  type AnyKernel,
  add,
  averagePool,
  div,
  layerNorm,
  logSoftmax,
  mul,
  pow,
  reciprocal,
  reduceMean,
  rmsNorm,
  type Shape,
  softmax,
  sqrt,
  sub,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"

const product = (dims: Shape) => dims.reduce((n, dim) => n * dim, 1)
const scalar = (node: NodeLowering, value: number) => node.graph.constant([], Float32Array.of(value))

/** [c] as [c, 1, 1, …], to go with [n, c, …]. */
const perChannel = (node: NodeLowering, value: Value, rank: number) =>
  node.reshaped(value, [value.shape[0]!, ...new Array<number>(rank - 2).fill(1)])

const softmaxOf = (operator: string, kernel: AnyKernel) =>
  defineLowering(operator, (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", node.opset < 13 ? 1 : -1), x.shape.length)
    if (node.opset >= 13) return node.set(0, node.run(kernel, [x], { axis }))
    // Before opset 13 all axes from this one on are one.
    const rows = node.reshaped(x, [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))])
    node.set(0, node.reshaped(node.run(kernel, [rows]), x.shape))
  })

/** `shape` without the axes of one element in front, by which broadcasting changes nothing. */
const ownAxes = (shape: Shape) => shape.join().replace(/^(1,)+/, "")

/** Weights that go with the normalized axes are the kernel's own; others are broadcast, and so multiplied and added apart. */
function normalized(node: NodeLowering, kernel: AnyKernel): void {
  const x = node.input(0)
  const axis = node.axis(node.int("axis", -1), x.shape.length)
  const even = x.shape.slice(axis)
  const cols = product(even)
  const inRows = (value: Value) => node.reshaped(value, [product(x.shape.slice(0, axis)), cols])
  const eps = node.float("epsilon", 1e-5)
  const [scale, bias] = [node.input(1), node.optional(2)]
  const isWhole = [scale, bias].every((value) => !value || ownAxes(value.shape) === ownAxes(even))
  if (isWhole) {
    const [w, b] = [scale, bias].map((value) => value && node.reshaped(value, [cols]))
    // A sum that nobody else wants is not computed apart.
    const isOwn = node.graph.soleUser(node.node.input[0]!) === node.node
    const [first, second] = (isOwn ? node.graph.sumOf(x) : undefined) ?? [x]
    const result = node.run(kernel, [inRows(first), w, b, second && inRows(second)], { eps })
    // Weights of more axes than x add some to what was fused.
    return node.set(0, node.reshaped(result, node.outputShape()))
  }
  const ones = node.graph.constant([cols], new Float32Array(cols).fill(1))
  const scaled = node.run(mul, [node.reshaped(node.run(kernel, [inRows(x), ones], { eps }), x.shape), scale])
  node.set(0, bias ? node.run(add, [scaled, bias]) : scaled)
}

/** The mean of each row, and 1 / √(variance + eps): what LayerNormalization gives besides, where it is asked for. */
function statistics(node: NodeLowering): void {
  const [mean, deviation] = [1, 2].map((i) => Boolean(node.node.output[i]) && node.graph.isUsed(node.node.output[i]!))
  if (!mean && !deviation) return
  const x = node.input(0)
  const axis = node.axis(node.int("axis", -1), x.shape.length)
  const rows = node.reshaped(x, [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))])
  const means = node.run(reduceMean, [rows])
  node.set(1, node.reshaped(means, node.outputShape(1)))
  if (!deviation) return
  const centred = node.run(sub, [rows, means])
  const variance = node.run(reduceMean, [node.run(mul, [centred, centred])])
  const root = node.run(sqrt, [node.run(add, [variance, scalar(node, node.float("epsilon", 1e-5))])])
  node.set(2, node.reshaped(node.run(reciprocal, [root]), node.outputShape(2)))
}

/** x [n, c, …] made even over all pixels of each of `groups` groups of channels, with a weight and a bias for each channel. */
function byGroups(node: NodeLowering, groups: number, w: Value, bias: Value): void {
  const { shape } = node.input(0)
  const pixels = product(shape.slice(2))
  const rows = node.reshaped(node.input(0), [shape[0]! * groups, (shape[1]! / groups) * pixels])
  const eps = node.float("epsilon", 1e-5)
  node.set(0, node.reshaped(node.run(layerNorm, [rows, w, bias], { eps, span: pixels }), shape))
}

/** Batch normalization as in training: by the batch's own mean and variance, with which the running ones are moved on. */
function trained(node: NodeLowering): void {
  const x = node.input(0)
  const rank = x.shape.length
  const keep = node.float("momentum", 0.9)
  const moved = (old: Value, now: Value) =>
    node.run(add, [node.run(mul, [old, scalar(node, keep)]), node.run(mul, [now, scalar(node, 1 - keep)])])
  const overAll = (value: Value) => {
    const planes = node.reshaped(value, [x.shape[0]!, x.shape[1]!, product(x.shape.slice(2))])
    const means = node.run(reduceMean, [node.run(reduceMean, [planes], { axis: 2 })], { axis: 0 })
    return node.reshaped(means, [x.shape[1]!])
  }
  const mean = overAll(x)
  const centred = node.run(sub, [x, perChannel(node, mean, rank)])
  const variance = overAll(node.run(mul, [centred, centred]))
  const root = node.run(sqrt, [node.run(add, [variance, scalar(node, node.float("epsilon", 1e-5))])])
  const factor = node.run(div, [node.input(1), root])
  const scaled = node.run(mul, [centred, perChannel(node, factor, rank)])
  node.set(0, node.run(add, [scaled, perChannel(node, node.input(2), rank)]))
  node.set(1, moved(node.input(3), mean))
  node.set(2, moved(node.input(4), variance))
}

export const normalizations = [
  softmaxOf("Softmax", softmax),
  softmaxOf("LogSoftmax", logSoftmax),

  defineLowering("BatchNormalization", (node) => {
    if (node.int("training_mode", 0) === 1) return trained(node)
    const rank = node.input(0).shape.length
    const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => node.input(i)) as [Value, Value, Value, Value]
    const eps = scalar(node, node.float("epsilon", 1e-5))
    const factor = node.run(div, [scale, node.run(sqrt, [node.run(add, [variance, eps])])])
    const moved = node.run(sub, [shift, node.run(mul, [mean, factor])])
    const scaled = node.run(mul, [node.input(0), perChannel(node, factor, rank)])
    node.set(0, node.run(add, [scaled, perChannel(node, moved, rank)]))
  }),

  defineLowering("InstanceNormalization", (node) => {
    byGroups(node, node.input(0).shape[1]!, node.input(1), node.input(2))
  }),

  defineLowering("GroupNormalization", (node) => {
    const groups = node.int("num_groups", 1)
    const channels = node.input(0).shape[1]!
    // Before opset 21 a weight is for a group.
    const each = (value: Value) => {
      if (value.shape[0] === channels) return value
      const column = node.reshaped(value, [groups, 1])
      const ones = node.graph.constant([1, channels / groups], new Float32Array(channels / groups).fill(1))
      return node.reshaped(node.run(mul, [column, ones]), [channels])
    }
    byGroups(node, groups, each(node.input(1)), each(node.input(2)))
  }),

  defineLowering("LayerNormalization", (node) => {
    normalized(node, layerNorm)
    statistics(node)
  }),
  defineLowering(["RMSNormalization", "SimplifiedLayerNormalization"], (node) => normalized(node, rmsNorm)),

  // x / (bias + alpha · mean of x² over `size` neighbouring channels)^beta
  defineLowering("LRN", (node) => {
    const x = node.input(0)
    const size = node.int("size", 1)
    const images = [x.shape[0]!, 1, x.shape[1]!, product(x.shape.slice(2))]
    const squares = node.reshaped(node.run(mul, [x, x]), images)
    const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)]
    const means = node.run(averagePool, [squares], { size: [size, 1], pads: [before, 0, after, 0], includePad: true })
    const shifted = node.run(add, [
      node.run(mul, [means, scalar(node, node.float("alpha", 1e-4))]),
      scalar(node, node.float("bias", 1)),
    ])
    const scale = node.run(pow, [node.reshaped(shifted, x.shape), scalar(node, node.float("beta", 0.75))])
    node.set(0, node.run(div, [x, scale]))
  }),
]
