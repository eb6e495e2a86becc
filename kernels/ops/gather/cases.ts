import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { GatherAttributes, GatherProblem } from "./gather.ts"

type Case = KernelCase<GatherProblem, GatherAttributes, "flat">

const of = (name: string, x: Shape, indices: Shape, axis: number, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [x, indices],
  dtype: ["float32", "int32"],
  fill: [
    { kind: "uniform", low: 1, high: 2 },
    { kind: "integers", low: -x[axis]!, high: x[axis]! - 1 },
  ],
  attributes: { axis },
  tolerance: exact,
  ...rest,
})

export const rowCases: Case[] = [
  of("one element", [1], [1], 0),
  of("a scalar index", [5, 3], [], 0),
  of("no elements", [0, 3], [0], 0),
  of("no indices", [4, 3], [0], 0),
  of("rows", [7, 9], [13], 0),
  of("columns", [7, 9], [13], 1),
  of("rows by fours, one workgroup and more", [7, 12], [23], 0),
  of("by fours along the middle axis, outside at both ends", [2, 3, 8], [6], 1, {
    fill: [
      { kind: "uniform", low: 1, high: 2 },
      { kind: "values", values: [3, -4, 2, -3, 100, -100] },
    ],
  }),
  of("the middle axis, by a table", [3, 5, 4], [2, 6], 1),
  of("one workgroup and one", [70], [65], 0),
  of("outside, at both ends", [3, 4], [6], 0, {
    fill: [
      { kind: "uniform", low: 1, high: 2 },
      { kind: "values", values: [3, -4, 2, -3, 100, -100] },
    ],
  }),
  of("unsigned numbers", [5, 2], [7], 0, {
    dtype: ["uint32", "int32"],
    fill: [
      { kind: "integers", low: 0, high: 2 ** 32 - 1 },
      { kind: "integers", low: -5, high: 4 },
    ],
  }),
  of("over 65,535 workgroups", [9, 1], [65_537 * 4 + 1], 0, { tuning: { WG: 4 }, large: true }),
]

export const elementCases: Case[] = [
  of("one element", [1], [1], 0),
  of("no elements", [0, 3], [0, 3], 0),
  of("none of them", [4, 3], [0, 3], 0),
  of("along rows", [7, 9], [7, 4], 1),
  of("along columns, more than there are", [7, 9], [13, 9], 0),
  of("along the middle axis", [3, 5, 4], [3, 6, 4], 1),
  of("outside, at both ends", [3, 2], [3, 2], 0, {
    fill: [
      { kind: "uniform", low: 1, high: 2 },
      { kind: "values", values: [2, -3, 3, -4, 100, -100] },
    ],
  }),
  of("unsigned numbers", [5, 2], [7, 2], 0, {
    dtype: ["uint32", "int32"],
    fill: [
      { kind: "integers", low: 0, high: 2 ** 32 - 1 },
      { kind: "integers", low: -5, high: 4 },
    ],
  }),
  of("over 65,535 workgroups", [9, 1], [65_537 * 4 + 1, 1], 0, { tuning: { WG: 4 }, large: true }),
]
