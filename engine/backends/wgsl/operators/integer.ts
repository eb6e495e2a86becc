import { add, cast, div, mul, remainder, sub } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { convolved } from "./convolution.ts"
import { product, whole } from "./indices.ts"
import { matrixProduct } from "./matmul.ts"
import { asFloat, isCentred, quantized } from "./quantization.ts"

/** What float32 holds of whole numbers, and the largest distance of an 8-bit number from its zero point. */
const HELD = 2 ** 24
const MOST = 255

/**
 * Sums of `terms` products of 8-bit numbers with `factor`, whole numbers too, right to the last bit: `sums` computes them in float32, which holds them where one of the
 * factors has few enough bits, so the other is taken in parts of so many.
 */
function exactSums(node: NodeLowering, terms: number, factor: Value, sums: (part: Value) => Value): Value {
  const bits = Math.min(Math.floor(Math.log2(HELD / (MOST * terms) + 1)), 8)
  if (bits < 1) throw unsupported(`its sums have ${terms} terms`)
  const base = whole(node, [], [2 ** bits])
  let [rest, total]: [Value, Value | undefined] = [factor, undefined]
  for (let shift = 0; shift < 8; shift += bits) {
    // Both keep the sign of what is divided.
    const part = bits === 8 ? rest : node.run(remainder, [rest, base])
    if (shift + bits < 8) rest = node.run(div, [rest, base])
    const sum = node.run(cast, [sums(asFloat(node, part))], { to: "int32" })
    const scaled = shift === 0 ? sum : node.run(mul, [sum, whole(node, [], [2 ** shift])])
    total = total ? node.run(add, [total, scaled]) : scaled
  }
  return total!
}

/** Input `i` less its zero points, input `point`: one, or for each element of `axis` one, counted from the end. */
function centred(node: NodeLowering, i: number, point: number, axis: number): Value {
  const x = node.input(i)
  return isCentred(node, point) ? x : node.run(sub, [x, along(node, node.input(point), axis)])
}

/** One number, or one for each element of `axis`, counted from the end; what has more axes is as it is to be. */
function along(node: NodeLowering, value: Value, axis: number): Value {
  if (product(value.shape) === 1) return node.reshaped(value, [])
  return value.shape.length > 1 ? value : node.reshaped(value, [value.shape[0]!, ...new Array(-1 - axis).fill(1)])
}

/** Inputs a and b and their zero points by number; rows of a and columns of b have a zero point each. */
function matrixSums(node: NodeLowering, [a, b]: [number, number], [zeroA, zeroB]: [number, number]): Value {
  const left = asFloat(node, centred(node, a, zeroA, -2))
  const right = centred(node, b, zeroB, -1)
  const sums = exactSums(node, left.shape.at(-1)!, right, (part) => matrixProduct(node, left, part))
  return node.reshaped(sums, node.outputShape())
}

/** Inputs x and w and their zero points by number; an output channel has a zero point. Padding is at x's zero point. */
function windowSums(node: NodeLowering, [x, w]: [number, number], [zeroX, zeroW]: [number, number]): Value {
  const image = asFloat(node, centred(node, x, zeroX, -1))
  const weights = centred(node, w, zeroW, 1 - node.input(w).shape.length)
  return exactSums(node, product(weights.shape.slice(1)), weights, (part) => convolved(node, image, part))
}

/** Whole sums of products, quantized: times the scales of both factors, `axes` theirs, over that of the result. Inputs by number. */
function requantized(node: NodeLowering, sums: Value, scales: Record<"a" | "b" | "y", number>, axes: [number, number]) {
  const scale = (i: number, axis: number) => along(node, node.input(i), axis)
  const both = node.run(mul, [scale(scales.a, axes[0]), scale(scales.b, axes[1])])
  const factor = node.run(div, [both, scale(scales.y, -1)])
  const point = isCentred(node, scales.y + 1) ? undefined : along(node, node.input(scales.y + 1), -1)
  node.set(0, quantized(node, node.run(mul, [asFloat(node, sums), factor]), point))
}

export const integers = [
  defineLowering("MatMulInteger", (node) => node.set(0, matrixSums(node, [0, 1], [2, 3]))),
  defineLowering("ConvInteger", (node) => node.set(0, windowSums(node, [0, 1], [2, 3]))),
  defineLowering("QLinearMatMul", (node) => {
    requantized(node, matrixSums(node, [0, 3], [2, 5]), { a: 1, b: 4, y: 6 }, [-2, -1])
  }),
  defineLowering("QLinearConv", (node) => {
    const channel = 1 - node.input(3).shape.length
    const sums = windowSums(node, [0, 3], [2, 5])
    const moved = node.has(8) ? node.run(add, [sums, along(node, node.input(8), channel)]) : sums
    requantized(node, moved, { a: 1, b: 4, y: 6 }, [-1, channel])
  }),
]
