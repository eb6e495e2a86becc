import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { GridSampleAttributes, GridSampleProblem } from "./grid-sample.ts"
import { placeError } from "./reference.ts"

type Case = KernelCase<GridSampleProblem, GridSampleAttributes, "flat">

/** `far`: how far from the middle of the image places lie, whose edges are at 1. */
const of = (
  name: string,
  x: Shape,
  output: Shape,
  attributes: Partial<GridSampleAttributes>,
  far = 1.3,
  rest: Partial<Case> = {},
): Case => ({
  // biome-ignore format: a function's head
  name,
  shapes: [x, [x[0]!, ...output, 2]],
  fill: [
    { kind: "uniform", low: -3, high: 3 },
    { kind: "uniform", low: -far, high: far },
  ],
  attributes: attributes as GridSampleAttributes,
  tolerance: attributes.mode === "nearest" ? exact : placeError,
  ...rest,
})

/** Every mode with every padding. */
const each = (["nearest", "linear", "cubic"] as const).flatMap((mode) =>
  (["zeros", "border", "reflection"] as const).flatMap((padding) =>
    [false, true].map((align) =>
      of(`${mode}, ${padding}${align ? ", aligned" : ""}`, [2, 3, 4, 5], [7, 6], { mode, padding, align }, 4),
    ),
  ),
)

export const cases: Case[] = [
  of("one pixel", [1, 1, 1, 1], [1, 1], {}),
  of("one pixel, reflected", [1, 2, 1, 1], [3, 3], { padding: "reflection", align: true, mode: "nearest" }),
  of("no images", [0, 2, 4, 4], [3, 3], {}),
  of("of an image of nothing", [1, 1, 0, 4], [0, 3], {}),
  of("one workgroup and one", [1, 1, 9, 8], [5, 13], {}, 1),
  ...each,
  of("over 65,535 workgroups", [1, 1, 3, 3], [257, 1025], {}, 1, { tuning: { WG: 4 }, large: true }),
]
