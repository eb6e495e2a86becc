import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { drawnWords, type Headers } from "../../packed/drawn.ts"
import { bitWidths, type GroupFormat, ggufFormats, layoutOf, type PackedFormat } from "../../packed/format.ts"
import { exact } from "../../tolerance.ts"
import type { Conv2dAttributes } from "../conv2d/conv2d.ts"
import type { PackedConv2dAttributes, PackedConv2dProblem } from "./packed-conv2d.ts"
import { sumOfPackedTaps } from "./reference.ts"

type Case = KernelCase<PackedConv2dProblem, PackedConv2dAttributes, "blocked">

interface Given extends Headers {
  format?: PackedFormat
  attributes?: Partial<Conv2dAttributes>
  bias?: boolean
  /** Of y's shape. */
  residual?: Shape
  fractions?: boolean
}

function of(
  name: string,
  x: Shape,
  shape: PackedConv2dAttributes["shape"],
  { format = "q4g32", attributes, bias = false, residual, fractions = false, ...headers }: Given = {},
  rest: Partial<Case> = {},
): Case {
  const [outs, ...window] = shape
  const full = `${format}, ${name}`
  const words = drawnWords(full, format, [outs, elems(window)], headers)
  const most = layoutOf(format).block > 128 ? 2 : 8
  const numbers: Fill = fractions ? { kind: "uniform", low: -1, high: 1 } : { kind: "integers", low: -most, high: most }
  return {
    name: full,
    shapes: [x, [words.length], bias ? [outs] : undefined, residual],
    dtype: ["float32", "uint32", "float32", "float32"],
    fill: [numbers, { kind: "values", values: words }, numbers, numbers],
    attributes: { ...attributes, format, shape } as PackedConv2dAttributes,
    // Whole and half numbers below 2^23: float32 holds every partial sum.
    tolerance: fractions ? sumOfPackedTaps : exact,
    ...rest,
  }
}

const formats: readonly PackedFormat[] = [
  ...ggufFormats.toReversed(),
  ...bitWidths.map((bits): GroupFormat => `q${bits}g32`),
  "q8g128f",
]
const small = { scales: [0.003, -0.7, 0.01], zeros: [0.02, 3.1], fractions: true }

/** The first catch most, so that a wrong variant is held against few. */
export const cases: Case[] = [
  of("3×3, padded, a bias", [2, 3, 6, 5], [5, 3, 3, 3], { attributes: { pads: [1, 1, 1, 1] }, bias: true }),
  of("in groups of more than two blocks", [2, 6, 3, 9], [18, 3, 1, 2], { attributes: { group: 2, pads: [0, 1, 0, 0] } }), // biome-ignore format: a case is a line
  ...formats.map((format) => {
    const channels = layoutOf(format).block > 128 ? 300 : 70
    const shapes = [[2, channels, 1, 5], [6, channels, 1, 1]] as const // biome-ignore format: a line
    return of("pixels only, a ragged end, zero points", ...shapes, { format, zeros: [0, 3, 1] })
  }),
  of("pixels only, whole blocks", [2, 64, 2, 2], [8, 64, 1, 1], { format: "q8g32", bias: true }),
  of("one channel and one pixel over two blocks", [1, 9, 1, 9], [9, 9, 1, 1]),
  of("subnormal and negative halves", [1, 96, 1, 2], [4, 96, 1, 1], { scales: [2 ** -24, -(2 ** -15), 3 * 2 ** -16] }),
  of("whole eights of taps", [1, 4, 5, 9], [4, 4, 2, 3], { format: "q8g32" }),
  of("padded unevenly", [1, 2, 5, 4], [4, 2, 3, 2], { attributes: { pads: [2, 0, 1, 3] } }),
  of("strided", [1, 2, 9, 8], [4, 2, 3, 3], { attributes: { strides: [2, 3], pads: [0, 1, 1, 0] } }),
  of("pixels only, strided", [1, 9, 5, 7], [3, 9, 1, 1], { attributes: { strides: [2, 3] } }),
  of("dilated", [1, 2, 9, 8], [3, 2, 3, 2], { attributes: { dilations: [2, 3], pads: [1, 2, 0, 1] } }),
  of("depthwise", [2, 3, 4, 10], [6, 1, 3, 3], { attributes: { group: 3, pads: [1, 1, 1, 1] } }),
  of("clipped, then a residual", [2, 2, 3, 5], [5, 2, 1, 1], { attributes: { activation: { low: -20, high: 50 } }, residual: [2, 5, 3, 5] }), // biome-ignore format: a case is a line
  of("a residual, then clipped", [2, 2, 3, 5], [5, 2, 1, 1], { attributes: { activation: { low: -20 }, residualFirst: true }, residual: [2, 5, 3, 5] }), // biome-ignore format: a case is a line
  of("a residual, then leaky", [2, 2, 3, 5], [5, 2, 1, 1], { attributes: { activation: { slope: 0.25 }, residualFirst: true }, residual: [2, 5, 3, 5] }), // biome-ignore format: a case is a line
  of("fractions, pixels only", [1, 70, 3, 3], [5, 70, 1, 1], { format: "q4g64", ...small, bias: true }),
  of("fractions, their sigmoid", [1, 9, 5, 4], [5, 9, 3, 3], { format: "Q5_1", ...small, attributes: { activation: "sigmoid" } }), // biome-ignore format: a case is a line
  of("fractions, silu and a residual", [1, 9, 5, 4], [5, 9, 3, 3], { ...small, attributes: { activation: "silu" }, residual: [1, 5, 3, 2] }), // biome-ignore format: a case is a line
  of("one of all", [1, 1, 1, 1], [1, 1, 1, 1]),
  of("no images", [0, 2, 3, 3], [2, 2, 1, 1]),
  of("over 65,535 workgroups", [1, 1, 1, 262_153], [1, 1, 1, 1], {}, { tuning: { WG: 1 }, large: true }),
]
