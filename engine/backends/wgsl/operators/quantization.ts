import { add, cast, clip, div, mul, type Rounding, round, roundTo, sub } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"

/** The numbers that a quantized dtype holds. */
const ranges: Record<string, { low: number; high: number }> = {
  uint8: { low: 0, high: 255 },
  int8: { low: -128, high: 127 },
  uint16: { low: 0, high: 65_535 },
  int16: { low: -32_768, high: 32_767 },
}

/** A scale or zero point, float32, for each element of `axis` of a tensor of `rank`; or one for all. */
function along(node: NodeLowering, value: Value, rank: number): Value {
  if (node.int("block_size", 0) !== 0) throw unsupported("its scales are for blocks")
  const number = value.dtype === "float32" ? value : node.run(cast, [value], { to: "float32" })
  const count = value.shape.reduce((n, dim) => n * dim, 1)
  if (count === 1) return node.reshaped(number, [])
  const axis = node.axis(node.int("axis", 1), rank)
  return node.reshaped(
    number,
    Array.from({ length: rank }, (_, i) => (i === axis ? count : 1)),
  )
}

/** Whether the zero points of input 2 are all 0, or none are given. */
function isCentred(node: NodeLowering): boolean {
  if (!node.has(2)) return true
  const points = node.graph.known(node.node.input[2]!) ?? node.graph.stored(node.node.input[2]!)?.data
  return points !== undefined && Array.from(points).every((point) => point === 0)
}

/** The one number that input `i` stores; 0 where it is left out, undefined where it is more or computed. */
function storedNumber(node: NodeLowering, i: number): number | undefined {
  if (!node.has(i)) return 0
  const data = node.graph.stored(node.node.input[i]!)?.data
  return data?.length === 1 ? data[0] : undefined
}

/** Stored numbers of few bits as float32, made before they are uploaded: 4 bytes an element on the device, and nothing to compute. */
function storedDequantized(node: NodeLowering): Value | undefined {
  const [x, scale] = [node.graph.stored(node.node.input[0]!), node.graph.stored(node.node.input[1]!)]
  const points = node.has(2) ? node.graph.stored(node.node.input[2]!) : undefined
  if (!x || !scale || (node.has(2) && !points) || node.int("block_size", 0) !== 0) return undefined
  const rank = x.shape.length
  const axis = node.axis(node.int("axis", 1), rank)
  const inner = x.shape.slice(axis + 1).reduce((n, dim) => n * dim, 1)
  const count = scale.data.length
  const of = (i: number) => (count === 1 ? 0 : Math.floor(i / inner) % count)
  const values = Float32Array.from(x.data, (value, i) => (value - (points?.data[of(i)] ?? 0)) * scale.data[of(i)]!)
  return node.graph.constant(x.shape, values)
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

export const quantizations = [
  defineLowering("QuantizeLinear", (node) => {
    const type = node.graph.dtype(node.node.output[0]!)
    const range = ranges[type]
    if (!range) throw unsupported(`it makes ${type}`)
    const x = node.input(0)
    const both = followingDequantize(node)
    if (both) return node.graph.set(both.output, node.run(roundTo, [x], both.attributes))
    const rank = x.shape.length
    const steps = node.run(round, [node.run(div, [x, along(node, node.input(1), rank)])])
    const moved = isCentred(node) ? steps : node.run(add, [steps, along(node, node.input(2), rank)])
    node.set(0, node.run(cast, [node.run(clip, [moved], range)], { to: "int32" }))
  }),

  defineLowering("DequantizeLinear", (node) => {
    const stored = storedDequantized(node)
    if (stored) return node.set(0, stored)
    const x = node.run(cast, [node.input(0)], { to: "float32" })
    const rank = x.shape.length
    const centred = isCentred(node) ? x : node.run(sub, [x, along(node, node.input(2), rank)])
    node.set(0, node.run(mul, [centred, along(node, node.input(1), rank)]))
  }),
]
