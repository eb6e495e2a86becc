import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { exact } from "../../tolerance.ts"
import type { Conv2dAlgorithm, Conv2dAttributes, Conv2dProblem } from "./conv2d.ts"
import { sumOfTaps } from "./reference.ts"

type Case = KernelCase<Conv2dProblem, Conv2dAttributes, Conv2dAlgorithm>

const uniform: Fill = { kind: "uniform", low: -1, high: 1 }
// |Σ| ≤ taps·64 stays below 2^24: float32 holds every partial sum
const integers: Fill = { kind: "integers", low: -8, high: 8 }

/** One problem by each algorithm that takes it, with whole numbers (which forgive nothing) and with fractions. */
function both(name: string, x: Shape, w: Shape, attributes: Partial<Conv2dAttributes> = {}, bias = true): Case[] {
  const shapes = [x, w, bias ? [w[0]!] : undefined]
  const full = attributes as Conv2dAttributes
  const pointwise = elems(w.slice(2)) === 1 && Object.keys(attributes).every((name) => name === "clip")
  return (["direct", "blocked", "pointwise"] as const)
    .filter((algorithm) => algorithm !== "blocked" || (attributes.group ?? 1) === 1)
    .filter((algorithm) => algorithm !== "pointwise" || pointwise)
    .flatMap((algorithm) => [
      {
        name: `${algorithm}, ${name}, integers`,
        shapes,
        fill: integers,
        algorithm,
        attributes: full,
        tolerance: exact,
      },
      { name: `${algorithm}, ${name}, fractions`, shapes, fill: uniform, algorithm, attributes: full, tolerance: sumOfTaps }, // biome-ignore format: a case is a line
    ])
}

export const cases: Case[] = [
  ...both("one of all", [1, 1, 1, 1], [1, 1, 1, 1]),
  ...both("no images", [0, 2, 3, 3], [2, 2, 1, 1]),
  ...both("without a bias", [1, 2, 4, 4], [3, 2, 3, 3], {}, false),
  ...both("pixels only", [2, 3, 5, 7], [6, 3, 1, 1]),
  ...both("a whole block", [1, 3, 2, 2], [4, 3, 1, 1]),
  ...both("one channel and one pixel over a block", [1, 2, 5, 1], [5, 2, 1, 1]),
  ...both("pixels only, clipped, no bias", [2, 5, 3, 3], [3, 5, 1, 1], { clip: { low: -30, high: 50 } }, false),
  ...both("3×3, padded", [2, 3, 6, 5], [5, 3, 3, 3], { pads: [1, 1, 1, 1] }),
  ...both("padded unevenly", [1, 2, 5, 4], [4, 2, 3, 2], { pads: [2, 0, 1, 3] }),
  ...both("strided", [1, 2, 9, 8], [4, 2, 3, 3], { strides: [2, 3], pads: [0, 1, 1, 0] }),
  ...both("dilated", [1, 2, 9, 8], [3, 2, 3, 2], { dilations: [2, 3], pads: [1, 2, 0, 1] }),
  ...both("clipped", [1, 3, 4, 4], [4, 3, 2, 2], { clip: { low: -3, high: 6 } }),
  ...both("in groups", [2, 6, 4, 3], [4, 3, 2, 2], { group: 2 }),
  ...both("depthwise, two outputs a channel", [1, 3, 5, 4], [6, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }),
  { name: "direct over 65,535 workgroups", shapes: [[1, 1, 257, 1025], [1, 1, 1, 1], undefined], fill: integers, algorithm: "direct", tuning: { WG: 4 }, tolerance: exact, large: true }, // biome-ignore format: a case is a line
  { name: "pointwise over 65,535 workgroups", shapes: [[1, 1, 1, 262_153], [1, 1, 1, 1], undefined], fill: integers, algorithm: "pointwise", tuning: { WG: 1 }, tolerance: exact, large: true }, // biome-ignore format: a case is a line
  { name: "blocked over 65,535 workgroups", shapes: [[1, 1, 1, 262_153], [1, 1, 1, 1], undefined], fill: integers, algorithm: "blocked", tuning: { WG: 1 }, tolerance: exact, large: true }, // biome-ignore format: a case is a line
]
