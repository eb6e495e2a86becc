import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { SortAttributes, SortProblem } from "./sort.ts"

type Case = KernelCase<SortProblem, SortAttributes, "runs">

const of = (name: string, shape: Shape, attributes: Partial<SortAttributes> = {}, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -5, high: 5 },
  attributes: { axis: -1, count: 256, least: false, ...attributes },
  tolerance: exact,
  ...rest,
})
/** So few values that many are equal. */
const few: Fill = { kind: "integers", low: 0, high: 2 }
/** Numbers that are no ordinary ones, of either sign. */
const odd: Fill = { kind: "values", values: [0, -0, NaN, 1, Infinity, -1, NaN, -0, -Infinity, 0, -3e38, 3e38, 1e-45] }
const signed = { dtype: "int32", fill: { kind: "integers", low: -(2 ** 31), high: 2 ** 31 - 1 } } as const
const unsigned = { dtype: "uint32", fill: { kind: "integers", low: 0, high: 2 ** 32 - 1 } } as const

export const cases: Case[] = [
  of("one element", [1]),
  of("rows of one element", [70, 1]),
  of("nothing", [0, 3]),
  of("lines of nothing", [3, 0]),
  of("none of them", [3, 4], { count: 0 }),
  of("some", [3, 20], { count: 5 }),
  of("the least", [3, 21], { count: 5, least: true }),
  of("more than a run", [2, 519]),
  of("some of each run", [2, 519], { count: 9, least: true }),
  of("equal ones", [3, 70], {}, { fill: few }),
  of("equal ones, the least", [3, 271], { least: true }, { fill: few }),
  of("lines in parts of a workgroup", [9, 86], { count: 86 }),
  of("along the middle axis", [2, 9, 5], { axis: 1, count: 3 }),
  of("along the first axis", [300, 2, 3], { axis: 0 }),
  of("NaN, infinities and zeros of either sign", [2, 39], {}, { fill: odd }),
  of("NaN, infinities and zeros of either sign, the least", [2, 39], { least: true }, { fill: odd }),
  of("whole numbers", [3, 30], {}, signed),
  of("whole numbers, the least", [3, 30], { least: true }, signed),
  of("unsigned numbers", [3, 30], {}, unsigned),
  of("a workgroup of four", [3, 300], {}, { tuning: { WG: 4 } }),
  of("over 65,535 workgroups", [65_537, 2], {}, { tuning: { WG: 1 }, large: true }),
]
