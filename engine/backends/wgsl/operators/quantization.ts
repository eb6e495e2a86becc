import { add, cast, clip, div, mul, round, sub } from "../../../../kernels/index.ts"
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

export const quantizations = [
  defineLowering("QuantizeLinear", (node) => {
    const type = node.graph.dtype(node.node.output[0]!)
    const range = ranges[type]
    if (!range) throw unsupported(`it makes ${type}`)
    const x = node.input(0)
    const rank = x.shape.length
    const steps = node.run(round, [node.run(div, [x, along(node, node.input(1), rank)])])
    const moved = isCentred(node) ? steps : node.run(add, [steps, along(node, node.input(2), rank)])
    node.set(0, node.run(cast, [node.run(clip, [moved], range)], { to: "int32" }))
  }),

  defineLowering("DequantizeLinear", (node) => {
    const x = node.run(cast, [node.input(0)], { to: "float32" })
    const rank = x.shape.length
    const centred = isCentred(node) ? x : node.run(sub, [x, along(node, node.input(2), rank)])
    node.set(0, node.run(mul, [centred, along(node, node.input(1), rank)]))
  }),
]
