import type { KernelCase, Shape } from "../../define-kernel.ts"
import type { ResampleAttributes, ResampleProblem } from "./resample.ts"

type Case = Omit<KernelCase<ResampleProblem, ResampleAttributes, "flat">, "tolerance">

const of = (
  name: string,
  x: Shape,
  axis: number,
  table: readonly [count: number, taps: number],
  rest: Partial<Case> = {},
): Case => ({
  name,
  shapes: [x, table, table],
  dtype: ["float32", "int32", "float32"],
  fill: [
    { kind: "uniform", low: -3, high: 3 },
    { kind: "integers", low: 0, high: x[axis]! - 1 },
    { kind: "uniform", low: -1, high: 2 },
  ],
  attributes: { axis },
  ...rest,
})

export const cases: Case[] = [
  of("one element", [1], 0, [1, 1]),
  of("nothing", [0, 3], 1, [2, 2]),
  of("one tap", [2, 9], 1, [5, 1]),
  of("two taps, wider", [3, 7], 1, [20, 2]),
  of("four taps along the middle axis", [2, 6, 5], 1, [9, 4]),
  of("along the first axis", [5, 2, 3], 0, [4, 3]),
  of("by fours along the middle axis", [2, 6, 12], 1, [9, 4]),
  of("by fours, one workgroup and one", [3, 5, 4], 0, [13, 2]),
  of("four lines at once", [4, 7], 1, [5, 3]),
  of("eight lines, two axes behind", [2, 4, 3, 5], 2, [4, 2]),
  of("four lines by fours, one workgroup and one", [8, 5, 4], 1, [33, 2]),
  of("one workgroup and one", [5], 0, [65, 2]),
  of("over 65,535 workgroups", [9], 0, [65_537 * 4 + 1, 1], { tuning: { WG: 4 }, large: true }),
]
