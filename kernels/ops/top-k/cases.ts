import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { TopKAttributes, TopKProblem } from "./top-k.ts"

type Case = KernelCase<TopKProblem, TopKAttributes, "flat">

const of = (name: string, shape: Shape, attributes: Partial<TopKAttributes>, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -5, high: 5 },
  attributes: { axis: -1, count: 1, least: false, ...attributes },
  tolerance: exact,
  ...rest,
})
/** So few values that many are equal. */
const few: Fill = { kind: "integers", low: 0, high: 2 }

export const cases: Case[] = [
  of("one element", [1], {}),
  of("nothing", [0, 3], { count: 2 }),
  of("none of them", [3, 4], { count: 0 }),
  of("some", [3, 20], { count: 4 }),
  of("all: sorted", [2, 70], { count: 70 }),
  of("the least", [3, 20], { count: 4, least: true }),
  of("equal ones", [3, 30], { count: 12 }, { fill: few }),
  of("equal ones, the least", [3, 30], { count: 12, least: true }, { fill: few }),
  of("along the middle axis", [2, 9, 5], { axis: 1, count: 3 }),
  of("along the first axis", [9, 2, 3], { axis: 0, count: 2 }),
  of("whole numbers", [3, 30], { count: 5 }, { dtype: "int32", fill: { kind: "integers", low: -(2 ** 31), high: 2 ** 31 - 1 } }), // biome-ignore format: a case is a line
  of("unsigned numbers", [3, 30], { count: 5 }, { dtype: "uint32", fill: { kind: "integers", low: 0, high: 2 ** 32 - 1 } }), // biome-ignore format: a case is a line
  of("over 65,535 workgroups", [65_537, 2], {}, { tuning: { WG: 2 }, large: true }),
]
