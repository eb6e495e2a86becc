import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { WhereProblem } from "./where.ts"

type Case = KernelCase<WhereProblem, Record<string, never>, "flat">

const of = (name: string, condition: Shape, a: Shape, b: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [condition, a, b],
  dtype: ["uint32", "float32", "float32"],
  fill: [
    { kind: "integers", low: 0, high: 1 },
    { kind: "uniform", low: 1, high: 2 },
    { kind: "uniform", low: -2, high: -1 },
  ],
  tolerance: exact,
  ...rest,
})

export const cases: Case[] = [
  of("one element", [1], [1], [1]),
  of("nothing", [0, 3], [0, 3], [1]),
  of("one workgroup and one", [65], [65], [65]),
  of("a scalar instead", [7, 9], [7, 9], []),
  of("one condition a row", [6, 1], [6, 5], [5]),
  of("six axes: the condition's", [2, 1, 3, 1, 2, 1], [1, 4, 1, 5, 1, 3], [1]),
  of("six axes: a's", [1, 4, 1, 5, 1, 3], [2, 1, 3, 1, 2, 1], [1]),
  of("six axes: b's", [1, 4, 1, 5, 1, 3], [1], [2, 1, 3, 1, 2, 1]),
  of("six axes: b's others", [2, 1, 3, 1, 2, 1], [1], [1, 4, 1, 5, 1, 3]),
  of("fours, one workgroup and one", [65, 4], [65, 4], [65, 4]),
  of("fours, one condition a row", [6, 1], [6, 8], [8]),
  of("fours, one a for each row", [8], [6, 1], [6, 8]),
  of("fours, one b for each row", [6, 8], [8], [6, 1]),
  of("fours, six axes", [2, 1, 3, 1, 2, 4], [1, 4, 1, 5, 1, 4], []),
  of("fours, six axes, a still along the last", [1, 4, 1, 5, 1, 8], [2, 1, 3, 1, 2, 1], [1]),
  of("any word is a yes", [40], [40], [40], {
    fill: [
      { kind: "values", values: [0, 2, 2 ** 31, 0, 2 ** 32 - 1] },
      { kind: "uniform", low: 1, high: 2 },
      { kind: "uniform", low: -2, high: -1 },
    ],
  }),
  of("whole numbers", [9], [9], [9], {
    dtype: ["uint32", "int32", "int32"],
    fill: [
      { kind: "integers", low: 0, high: 1 },
      { kind: "integers", low: 0, high: 2 ** 31 - 1 },
      { kind: "integers", low: -(2 ** 31), high: -1 },
    ],
  }),
  of("over 65,535 workgroups", [65_537 * 4 + 1], [1], [1], { tuning: { WG: 4 }, large: true }),
]
