import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { ConvTranspose2dAttributes, ConvTranspose2dProblem } from "./conv-transpose2d.ts"
import { sumOfTaps } from "./reference.ts"

type Case = KernelCase<ConvTranspose2dProblem, ConvTranspose2dAttributes, "direct">

const of = (
  name: string,
  x: Shape,
  w: Shape,
  attributes: Partial<ConvTranspose2dAttributes> = {},
  rest: Partial<Case> = {},
): Case => ({
  name,
  shapes: [x, w, [w[1]! * (attributes.group ?? 1)]],
  fill: { kind: "uniform", low: -1, high: 1 },
  attributes: attributes as ConvTranspose2dAttributes,
  tolerance: sumOfTaps,
  ...rest,
})

export const cases: Case[] = [
  of("one of all", [1, 1, 1, 1], [1, 1, 1, 1]),
  of("no images", [0, 2, 3, 3], [2, 2, 1, 1]),
  of("without a bias", [1, 2, 3, 4], [2, 3, 3, 2], {}, { shapes: [[1, 2, 3, 4], [2, 3, 3, 2], undefined] }),
  of("whole numbers", [2, 3, 4, 3], [3, 2, 2, 3], {}, { fill: { kind: "integers", low: -8, high: 8 }, tolerance: exact }), // biome-ignore format: a case is a line
  of("doubled", [2, 3, 4, 5], [3, 2, 2, 2], { strides: [2, 2] }),
  of("strided, padded unevenly", [1, 2, 4, 3], [2, 3, 3, 4], { strides: [3, 2], pads: [1, 0, 2, 1] }),
  of("padded at the end", [1, 2, 3, 3], [2, 2, 3, 3], { strides: [3, 2], outputPadding: [2, 1] }),
  of("dilated", [1, 2, 4, 3], [2, 2, 3, 2], { dilations: [2, 3], pads: [1, 2, 0, 1] }),
  of("in groups", [2, 6, 3, 2], [6, 2, 2, 3], { group: 2, strides: [2, 1] }),
  of("over 65,535 workgroups", [1, 1, 257, 1025], [1, 1, 1, 1], {}, { tuning: { WG: 4 }, large: true }),
]
