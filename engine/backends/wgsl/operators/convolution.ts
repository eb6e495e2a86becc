import {
  type Conv2dAttributes,
  conv2d,
  convTranspose2d,
  elems,
  packedConv2d,
  type Shape,
  type Words,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { following, followingBias } from "./following.ts"
import { packedMatrix } from "./packed.ts"

type Pair = [number, number]
type Four = [number, number, number, number]

/** The window of a Conv or a pool over [n, c, h, w] or, with a height of 1, [n, c, l]. */
export function windowOf(node: NodeLowering, size: readonly number[], input: Shape) {
  if (size.length !== 1 && size.length !== 2) throw unsupported(`its window has ${size.length} axes`)
  const window = windowAlong(node, size, input)
  return size.length === 1 ? window([undefined, 0]) : window([0, 1])
}

/** The node's window over [n, c, …] along two of the axes behind the channels; undefined is one of one element. */
export function windowAlong(node: NodeLowering, size: readonly number[], input: Shape) {
  const ones = size.map(() => 1)
  const [strides, dilations] = [node.ints("strides", ones), node.ints("dilations", ones)]
  const pads = padsOf(node, size, strides, dilations, input.slice(2))
  return ([y, x]: readonly [number | undefined, number | undefined]) => {
    const pair = (list: readonly number[], filler: number): Pair => [
      y === undefined ? filler : list[y]!,
      x === undefined ? filler : list[x]!,
    ]
    const both: Four = [...pair(pads, 0), ...pair(pads.slice(size.length), 0)]
    return { size: pair(size, 1), strides: pair(strides, 1), dilations: pair(dilations, 1), pads: both }
  }
}

function padsOf(
  node: NodeLowering,
  size: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
  input: Shape,
): number[] {
  const auto = node.text("auto_pad", "NOTSET")
  if (auto === "NOTSET") return node.ints("pads", new Array(2 * size.length).fill(0))
  if (auto === "VALID") return new Array(2 * size.length).fill(0)
  // So many that there is an output for each stride of the input; an odd one lies at the end, or at the beginning.
  const whole = size.map((n, axis) => {
    const reach = (n - 1) * dilations[axis]! + 1
    return Math.max((Math.ceil(input[axis]! / strides[axis]!) - 1) * strides[axis]! + reach - input[axis]!, 0)
  })
  const less = whole.map((n) => Math.floor(n / 2))
  const more = whole.map((n) => Math.ceil(n / 2))
  return auto === "SAME_UPPER" ? [...less, ...more] : [...more, ...less]
}

/** [n, c, l] with a height of 1. */
export function asImages(node: NodeLowering, value: Value): Value {
  const { shape } = value
  return shape.length === 3 ? node.reshaped(value, [shape[0]!, shape[1]!, 1, shape[2]!]) : value
}

/** Given, or as many as bring a result of the sizes `whole`, with its output padding, to what is wanted; none where it is to be longer. */
function transposedPads(node: NodeLowering, whole: readonly number[]): number[] {
  const auto = node.text("auto_pad", "NOTSET")
  const none = new Array<number>(2 * whole.length).fill(0)
  if (auto === "VALID") return none
  if (auto === "NOTSET" && !node.ints("output_shape")) return node.ints("pads", none)
  const extra = node.ints("output_padding", none)
  const wanted = node.outputShape().slice(2)
  const surplus = whole.map((size, i) => Math.max(size + extra[i]! - wanted[i]!, 0))
  const less = surplus.map((n) => Math.floor(n / 2))
  const more = surplus.map((n) => Math.ceil(n / 2))
  return auto === "SAME_UPPER" ? [...less, ...more] : [...more, ...less]
}

interface Weights {
  w: Value
  bias: Value | undefined
  output: string
}

/** A BatchNormalization of stored parameters that follows is folded into stored weights: w·s and (bias − mean)·s + shift. */
function withFollowingNorm(node: NodeLowering): Weights {
  const { graph } = node
  const output = node.node.output[0]!
  const next = graph.soleUser(output)
  const plain = (): Weights => {
    const w = node.input(1)
    const shift = node.has(2) ? undefined : followingBias(node, output, w.shape[0]!, 1 - w.shape.length)
    return { w, bias: shift?.bias ?? node.optional(2), output: shift?.output ?? output }
  }
  if (next?.opType !== "BatchNormalization" || next.input[0] !== output) return plain()
  const norm = new NodeLowering(next, graph)
  // In training it goes by the batch, not by what is stored.
  if (norm.int("training_mode", 0) === 1) return plain()
  const parts = [...next.input.slice(1, 5), node.node.input[1]!].map((name) => graph.stored(name))
  const bias = node.has(2) ? graph.stored(node.node.input[2]!) : undefined
  if (parts.some((part) => !part) || (node.has(2) && !bias)) return plain()
  const [scale, shift, mean, variance, weights] = parts as { shape: number[]; data: Words }[]
  const eps = norm.float("epsilon", 1e-5)
  const outs = weights!.shape[0]!
  const each = weights!.data.length / outs
  const factors = Float32Array.from(variance!.data, (value, i) => scale!.data[i]! / Math.sqrt(value + eps))
  const folded = Float32Array.from(weights!.data, (value, i) => value * factors[Math.floor(i / each)]!)
  const moved = Float32Array.from(factors, (factor, i) => {
    return ((bias?.data[i] ?? 0) - mean!.data[i]!) * factor + shift!.data[i]!
  })
  graph.done.add(next)
  return {
    w: graph.constant(weights!.shape, folded),
    bias: graph.constant([outs], moved),
    output: next.output[0]!,
  }
}

/** x with the weights w, by the node's own window. */
export function convolved(
  node: NodeLowering,
  x: Value,
  w: Value,
  bias?: Value,
  residual?: Value,
  attributes: Partial<Conv2dAttributes> = {},
): Value {
  const { size: _, ...window } = windowOf(node, w.shape.slice(2), x.shape)
  const [images, weights] = [asImages(node, x), asImages(node, w)]
  const whole = { ...window, group: node.int("group", 1), ...attributes }
  const packed = packedWindows(node, weights, whole.group)
  const inputs = [images, packed?.w ?? weights, bias, residual && asImages(node, residual)]
  const result = packed
    ? node.run(packedConv2d, inputs, { ...whole, ...packed.attributes })
    : node.run(conv2d, inputs, whole)
  return x.shape.length === 3 ? node.reshaped(result, result.shape.toSpliced(2, 1)) : result
}

/** Stored weights of few bits as they are; undefined where float32 takes no more, or where a group has fewer outputs than are made at once, which would be mostly padding. */
function packedWindows(node: NodeLowering, weights: Value, group: number) {
  const [outs, ...taps] = weights.shape as [number, number, number, number]
  const found = outs / group < 4 ? undefined : packedMatrix(node, weights, wholeView([outs, elems(taps)]))
  return found && { w: found.w, attributes: { format: found.attributes.format, shape: [outs, ...taps] as const } }
}

export const convolutions = [
  defineLowering("Conv", (node) => {
    const { w, bias, output } = withFollowingNorm(node)
    const next = following(node, output, node.outputShape())
    node.setAs(next.output, convolved(node, node.input(0), w, bias, next.residual, next.attributes))
  }),

  defineLowering("ConvTranspose", (node) => {
    const [x, w] = [node.input(0), node.input(1)]
    const shape = node.outputShape()
    const axes = w.shape.length - 2
    if (axes !== 1 && axes !== 2) throw unsupported(`its window has ${axes} axes`)
    const list = (name: string, filler: number) => node.ints(name, new Array<number>(axes).fill(filler))
    const [strides, dilations] = [list("strides", 1), list("dilations", 1)]
    // How long the result is before padding takes from it.
    const whole = strides.map((stride, i) => (x.shape[i + 2]! - 1) * stride + (w.shape[i + 2]! - 1) * dilations[i]! + 1)
    const pads = transposedPads(node, whole)
    const outputPadding = whole.map((size, i) => shape[i + 2]! - (size - pads[i]! - pads[i + axes]!))
    const plane = (values: readonly number[], filler: number): Pair =>
      axes === 1 ? [filler, values[0]!] : [values[0]!, values[1]!]
    const result = node.run(convTranspose2d, [asImages(node, x), asImages(node, w), node.optional(2)], {
      strides: plane(strides, 1),
      dilations: plane(dilations, 1),
      pads: [...plane(pads.slice(0, axes), 0), ...plane(pads.slice(axes), 0)] as Four,
      outputPadding: plane(outputPadding, 0),
      group: node.int("group", 1),
    })
    node.set(0, node.reshaped(result, shape))
  }),
]
