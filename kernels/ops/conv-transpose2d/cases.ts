import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { ConvTranspose2dAlgorithm, ConvTranspose2dAttributes, ConvTranspose2dProblem } from "./conv-transpose2d.ts"
import { sumOfTaps } from "./reference.ts"

type Case = KernelCase<ConvTranspose2dProblem, ConvTranspose2dAttributes, ConvTranspose2dAlgorithm>

const both = (
  name: string,
  x: Shape,
  w: Shape,
  attributes: Partial<ConvTranspose2dAttributes> = {},
  rest: Partial<Case> = {},
): Case[] =>
  (["direct", "blocked"] as const).map((algorithm) => ({
    name: `${algorithm}, ${name}`,
    shapes: [x, w, [w[1]! * (attributes.group ?? 1)]],
    fill: { kind: "uniform", low: -1, high: 1 },
    attributes: attributes as ConvTranspose2dAttributes,
    algorithm,
    tolerance: sumOfTaps,
    ...rest,
  }))

export const cases: Case[] = [
  ...both("one of all", [1, 1, 1, 1], [1, 1, 1, 1]),
  ...both("no images", [0, 2, 3, 3], [2, 2, 1, 1]),
  ...both("without a bias", [1, 2, 3, 4], [2, 3, 3, 2], {}, { shapes: [[1, 2, 3, 4], [2, 3, 3, 2], undefined] }),
  ...both("whole numbers", [2, 3, 4, 3], [3, 2, 2, 3], {}, { fill: { kind: "integers", low: -8, high: 8 }, tolerance: exact }), // biome-ignore format: a case is a line
  ...both("doubled", [2, 3, 4, 5], [3, 2, 2, 2], { strides: [2, 2] }),
  ...both("doubled, over two blocks of either kind", [2, 3, 4, 9], [3, 6, 2, 2], { strides: [2, 2] }),
  ...both("doubled, a block behind the row", [1, 2, 2, 5], [2, 3, 2, 1], { strides: [2, 2] }),
  ...both("strided, padded unevenly", [1, 2, 4, 3], [2, 3, 3, 4], { strides: [3, 2], pads: [1, 0, 2, 1] }),
  ...both("padded, so that a block begins before the image", [1, 2, 3, 7], [2, 3, 2, 5], { strides: [1, 3], pads: [0, 4, 0, 1] }), // biome-ignore format: a case is a line
  ...both("padded at the end", [1, 2, 3, 3], [2, 2, 3, 3], { strides: [3, 2], outputPadding: [2, 1] }),
  ...both("dilated", [1, 2, 4, 3], [2, 2, 3, 2], { dilations: [2, 3], pads: [1, 2, 0, 1] }),
  ...both("in groups", [2, 6, 3, 2], [6, 2, 2, 3], { group: 2, strides: [2, 1] }),
  ...both("in groups of more than a block", [2, 4, 3, 5], [4, 5, 2, 3], { group: 2, strides: [2, 3] }),
  ...both("over 65,535 workgroups", [1, 1, 257, 1025], [1, 1, 1, 1], {}, { tuning: { WG: 1 }, large: true }),
]
