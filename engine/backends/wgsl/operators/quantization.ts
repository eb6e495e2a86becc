import {
  add,
  cast,
  clip,
  div,
  equal,
  gather,
  maximum,
  minimum,
  mul,
  type Rounding,
  reduceMax,
  reduceMin,
  round,
  roundTo,
  type Shape,
  sub,
  where,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import type { Quantized } from "../quantized.ts"
import { unsupported } from "../unsupported.ts"
import { product, whole } from "./indices.ts"

/** The numbers that a quantized dtype holds. */
const ranges: Record<string, { low: number; high: number }> = {
  uint8: { low: 0, high: 255 },
  int8: { low: -128, high: 127 },
  uint16: { low: 0, high: 65_535 },
  int16: { low: -32_768, high: 32_767 },
}

/** A scale or zero point, float32, for each element of `axis` of a tensor of `shape`, or for so many in a row of each; or one for all. */
function along(node: NodeLowering, value: Value, shape: Shape): Value {
  const number = asFloat(node, value)
  const axis = node.axis(node.int("axis", 1), shape.length)
  const block = node.int("block_size", 0)
  if (block !== 0) {
    const blocks = Array.from({ length: shape[axis]! }, (_, i) => Math.floor(i / block))
    return node.run(gather, [number, whole(node, [blocks.length], blocks)], { axis })
  }
  const count = product(value.shape)
  if (count === 1) return node.reshaped(number, [])
  return node.reshaped(
    number,
    shape.map((_, i) => (i === axis ? count : 1)),
  )
}

/** Whether the zero points of an input are all 0, or none are given. */
export function isCentred(node: NodeLowering, input = 2): boolean {
  if (!node.has(input)) return true
  const name = node.node.input[input]!
  const points = node.graph.known(name) ?? node.graph.stored(name)?.data
  return points !== undefined && Array.from(points).every((point) => point === 0)
}

/** The one number that input `i` stores; 0 where it is left out, undefined where it is more or computed. */
function storedNumber(node: NodeLowering, i: number): number | undefined {
  if (!node.has(i)) return 0
  const data = node.graph.stored(node.node.input[i]!)?.data
  return data?.length === 1 ? data[0] : undefined
}

/** Widths of what is packed, and the distance by which signed ones are moved up, to begin with 0. */
const widths: Record<string, { bits: 4 | 8; top: number }> = {
  uint8: { bits: 8, top: 0 },
  int8: { bits: 8, top: 128 },
  uint4: { bits: 4, top: 0 },
  int4: { bits: 4, top: 8 },
}

/** A stored tensor's whole numbers; those of few bits from 0 up. */
function storedQuants({ graph }: NodeLowering, name: string): ArrayLike<number> | undefined {
  const width = widths[graph.dtype(name)]
  if (!width) return graph.stored(name)?.data
  const bytes = graph.storedBytes(name)
  if (!bytes || width.bits === 8) return bytes?.map((byte) => byte ^ width.top)
  return Uint8Array.from(
    { length: product(graph.shape(name)) },
    (_, i) => ((bytes[Math.floor(i / 2)]! >>> (4 * (i % 2))) & 15) ^ width.top,
  )
}

/** What a DequantizeLinear with a stored scale and zero point makes of the stored tensor `name`. */
export function storedQuantized(node: NodeLowering, name = node.node.input[0]!): Quantized | undefined {
  const { graph } = node
  const scale = graph.stored(node.node.input[1]!)
  const points = node.has(2) ? storedQuants(node, node.node.input[2]!) : []
  if (!graph.isStored(name) || !scale || !points) return undefined
  const { bits, top } = widths[graph.dtype(name)] ?? { bits: undefined, top: 0 }
  const shape = graph.shape(name)
  const axis = node.axis(node.int("axis", 1), shape.length)
  const [size, inner] = [shape[axis] ?? 1, product(shape.slice(axis + 1))]
  const block = node.int("block_size", 0)
  const blocks = Math.ceil(size / block)
  const groupOf = (i: number) => {
    if (scale.data.length === 1) return 0
    const along = Math.floor(i / inner) % size
    if (block === 0) return along
    return (Math.floor(i / (inner * size)) * blocks + Math.floor(along / block)) * inner + (i % inner)
  }
  const zeros = points.length > 0 ? points : new Uint8Array(scale.data.length).fill(top)
  return { bits, scales: scale.data, zeros, quants: () => storedQuants(node, name)!, groupOf }
}

/** A QuantizeLinear and the DequantizeLinear that alone uses it, with the same stored scale and zero point: numbers are rounded to those there are. */
function followingDequantize(node: NodeLowering): { attributes: Rounding; output: string } | undefined {
  const { graph } = node
  const output = node.node.output[0]!
  const next = graph.soleUser(output)
  const range = ranges[graph.dtype(output)]
  const same = next?.opType === "DequantizeLinear" && next.input[0] === output && [1, 2].every((i) => (next.input[i] ?? "") === (node.node.input[i] ?? "")) // biome-ignore format: a condition a line
  const [step, point] = [storedNumber(node, 1), storedNumber(node, 2)]
  if (!range || !same || step === undefined || point === undefined || step <= 0) return undefined
  graph.done.add(next)
  return { attributes: { step, low: range.low - point, high: range.high - point }, output: next.output[0]! }
}

/** The range of what the node makes. */
function rangeOf(node: NodeLowering): { low: number; high: number } {
  const type = node.graph.dtype(node.node.output[0]!)
  const range = ranges[type]
  if (!range) throw unsupported(`it makes ${type}`)
  return range
}

/** Numbers of steps, float32, as the quantized dtype that the node makes: rounded, moved by the zero points where there are some, and kept within its range. */
export function quantized(node: NodeLowering, steps: Value, points: Value | undefined): Value {
  const nearest = node.run(round, [steps])
  const moved = points ? node.run(add, [nearest, asFloat(node, points)]) : nearest
  return node.run(cast, [node.run(clip, [moved], rangeOf(node))], { to: "int32" })
}

export const asFloat = (node: NodeLowering, value: Value): Value =>
  value.dtype === "float32" ? value : node.run(cast, [value], { to: "float32" })

export const quantizations = [
  defineLowering("QuantizeLinear", (node) => {
    const x = node.input(0)
    const both = followingDequantize(node)
    if (both) return node.graph.set(both.output, node.run(roundTo, [x], both.attributes))
    const steps = node.run(div, [x, along(node, node.input(1), x.shape)])
    node.set(0, quantized(node, steps, isCentred(node) ? undefined : along(node, node.input(2), x.shape)))
  }),

  // A range that holds 0, of 255 steps.
  defineLowering("DynamicQuantizeLinear", (node) => {
    const x = node.input(0)
    const line = node.reshaped(x, [product(x.shape)])
    const number = (value: number) => node.graph.constant([], Float32Array.of(value))
    const low = node.reshaped(node.run(minimum, [node.run(reduceMin, [line]), number(0)]), [])
    const high = node.reshaped(node.run(maximum, [node.run(reduceMax, [line]), number(0)]), [])
    const steps = node.run(div, [node.run(sub, [high, low]), number(255)])
    const scale = node.run(where, [node.run(equal, [steps, number(0)]), number(1), steps])
    const point = quantized(node, node.run(div, [node.run(sub, [number(0), low]), scale]), undefined)
    node.set(0, quantized(node, node.run(div, [x, scale]), point))
    node.set(1, scale)
    node.set(2, point)
  }),

  defineLowering("DequantizeLinear", (node) => {
    const stored = storedQuantized(node)
    if (stored) return node.set(0, node.graph.dequantized(node.graph.shape(node.node.input[0]!), stored))
    const x = asFloat(node, node.input(0))
    const centred = isCentred(node) ? x : node.run(sub, [x, along(node, node.input(2), x.shape)])
    node.set(0, node.run(mul, [centred, along(node, node.input(1), x.shape)]))
  }),
]
