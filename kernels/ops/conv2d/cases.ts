import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { exact } from "../../tolerance.ts"
import type { Conv2dAlgorithm, Conv2dAttributes, Conv2dProblem } from "./conv2d.ts"
import { sumOfTaps } from "./reference.ts"

type Case = KernelCase<Conv2dProblem, Conv2dAttributes, Conv2dAlgorithm>

const uniform: Fill = { kind: "uniform", low: -1, high: 1 }
// |Σ| ≤ taps·64 stays below 2^24: float32 holds every partial sum
const integers: Fill = { kind: "integers", low: -8, high: 8 }

interface Given {
  bias?: boolean
  /** Of y's shape. */
  residual?: Shape
  /** Where whole numbers don't come out as such. */
  fractionsOnly?: boolean
}

/** One problem by each algorithm that takes it and with blocks of either size, of whole numbers (which forgive nothing) and, once by each, of fractions. */
function both(
  name: string,
  x: Shape,
  w: Shape,
  attributes: Partial<Conv2dAttributes> = {},
  { bias = true, residual, fractionsOnly = false }: Given = {},
): Case[] {
  const of = { shapes: [x, w, bias ? [w[0]!] : undefined, residual], attributes: attributes as Conv2dAttributes }
  const moves = ["strides", "pads", "dilations", "group"].some((name) => name in attributes)
  const isPointwise = elems(w.slice(2)) === 1 && !moves
  const isDepthwise = x[1] === (attributes.group ?? 1)
  const algorithms = [
    "direct" as const,
    "blocked" as const,
    ...(isPointwise ? ["pointwise" as const] : []),
    ...(isPointwise && x[1]! % 4 === 0 && x[1]! > 0 ? ["pointwise-vec4" as const] : []),
    ...(isDepthwise ? ["depthwise" as const] : []),
  ]
  return algorithms.flatMap((algorithm) => {
    const whole = { ...of, fill: integers, algorithm, tolerance: exact }
    return [
      ...(fractionsOnly ? [] : [{ name: `${algorithm}, ${name}, integers`, ...whole }]),
      ...(fractionsOnly || algorithm === "direct"
        ? []
        : [{ name: `${algorithm}, ${name}, large blocks`, ...whole, tuning: { SIDE: 2 } }]),
      { name: `${algorithm}, ${name}, fractions`, ...of, fill: uniform, algorithm, tolerance: sumOfTaps },
    ]
  })
}

/** As both, by what reads channels four at a time alone. */
const byFours = (name: string, ...rest: [x: Shape, w: Shape, attributes?: Partial<Conv2dAttributes>, given?: Given]) =>
  both(name, ...rest).filter(({ algorithm }) => algorithm === "pointwise-vec4")

export const cases: Case[] = [
  ...both("one of all", [1, 1, 1, 1], [1, 1, 1, 1]),
  ...both("no images", [0, 2, 3, 3], [2, 2, 1, 1]),
  ...both("without a bias", [1, 2, 4, 4], [3, 2, 3, 3], {}, { bias: false }),
  ...both("pixels only", [2, 3, 5, 7], [6, 3, 1, 1]),
  ...both("a whole block", [2, 3, 2, 2], [4, 3, 1, 1]),
  ...both("pixels only, in fours", [2, 8, 2, 6], [5, 8, 1, 1]),
  ...both(
    "fours, clipped, then a residual",
    [2, 4, 4, 5],
    [9, 4, 1, 1],
    { activation: { low: -20 } },
    { residual: [2, 9, 4, 5] },
  ),
  ...byFours("one pixel over fours", [2, 8, 3, 7], [9, 8, 1, 1]),
  ...byFours(
    "two pixels over fours, clipped, then a residual",
    [2, 8, 2, 7],
    [5, 8, 1, 1],
    { activation: { low: -20 } },
    { residual: [2, 5, 2, 7] },
  ),
  ...byFours("three pixels over fours", [3, 12, 1, 11], [6, 12, 1, 1]),
  ...byFours("one pixel, and one four of channels", [2, 4, 1, 1], [4, 4, 1, 1]),
  ...byFours("two pixels, and one four of channels", [2, 4, 2, 1], [3, 4, 1, 1]),
  ...byFours("three pixels, and one four of channels", [2, 4, 1, 3], [8, 4, 1, 1], {}, { bias: false }),
  ...both("one channel and one pixel over two blocks", [1, 2, 1, 9], [9, 2, 1, 1]),
  ...both("one channel and one pixel over a block", [1, 2, 5, 1], [5, 2, 1, 1]),
  ...both(
    "pixels only, clipped, no bias",
    [2, 5, 3, 3],
    [3, 5, 1, 1],
    { activation: { low: -30, high: 50 } },
    { bias: false },
  ),
  ...both("3×3, padded", [2, 3, 6, 5], [5, 3, 3, 3], { pads: [1, 1, 1, 1] }),
  ...both("padded unevenly", [1, 2, 5, 4], [4, 2, 3, 2], { pads: [2, 0, 1, 3] }),
  ...both("strided", [1, 2, 9, 8], [4, 2, 3, 3], { strides: [2, 3], pads: [0, 1, 1, 0] }),
  ...both("dilated", [1, 2, 9, 8], [3, 2, 3, 2], { dilations: [2, 3], pads: [1, 2, 0, 1] }),
  ...both("clipped", [1, 3, 4, 4], [4, 3, 2, 2], { activation: { low: -3, high: 6 } }),
  ...both("in groups", [2, 6, 4, 3], [4, 3, 2, 2], { group: 2 }),
  ...both("in groups of more than two blocks", [2, 4, 3, 9], [18, 2, 1, 2], { group: 2, pads: [0, 1, 0, 0] }),
  ...both("depthwise", [2, 3, 4, 10], [3, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1], dilations: [1, 2] }),
  ...both("depthwise, two outputs a channel", [1, 3, 5, 4], [6, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }),
  ...both(
    "clipped, then a residual",
    [2, 2, 3, 5],
    [5, 2, 1, 1],
    { activation: { low: -20 } },
    { residual: [2, 5, 3, 5] },
  ),
  ...both(
    "a residual, then clipped",
    [2, 2, 3, 5],
    [5, 2, 1, 1],
    { activation: { low: -20 }, residualFirst: true },
    { residual: [2, 5, 3, 5] },
  ),
  ...both("leaky", [1, 3, 4, 4], [4, 3, 2, 2], { activation: { slope: 0.25 } }),
  ...both("its sigmoid", [1, 3, 4, 4], [4, 3, 2, 2], { activation: "sigmoid" }, { fractionsOnly: true }),
  ...both("its hard-swish", [1, 3, 4, 4], [4, 3, 2, 2], { activation: "hard-swish" }, { fractionsOnly: true }),
  ...both(
    "silu and a residual",
    [1, 3, 4, 4],
    [4, 3, 2, 2],
    { activation: "silu" },
    { residual: [1, 4, 3, 3], fractionsOnly: true },
  ),
  { name: "direct over 65,535 workgroups", shapes: [[1, 1, 257, 1025], [1, 1, 1, 1], undefined], fill: integers, algorithm: "direct", tuning: { WG: 4 }, tolerance: exact, large: true }, // biome-ignore format: a case is a line
  { name: "pointwise over 65,535 workgroups", shapes: [[1, 1, 1, 262_153], [1, 1, 1, 1], undefined], fill: integers, algorithm: "pointwise", tuning: { WG: 1 }, tolerance: exact, large: true }, // biome-ignore format: a case is a line
  { name: "blocked over 65,535 workgroups", shapes: [[1, 1, 1, 262_153], [1, 1, 1, 1], undefined], fill: integers, algorithm: "blocked", tuning: { WG: 1 }, tolerance: exact, large: true }, // biome-ignore format: a case is a line
  { name: "depthwise over 65,535 workgroups", shapes: [[1, 1, 1, 262_153], [1, 1, 1, 1], undefined], fill: integers, algorithm: "depthwise", tuning: { WG: 1 }, tolerance: exact, large: true }, // biome-ignore format: a case is a line
]
