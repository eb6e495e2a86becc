import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { CumSumAttributes, CumSumProblem } from "./cum-sum.ts"
import { sumError } from "./reference.ts"

type Case = KernelCase<CumSumProblem, CumSumAttributes, "line">

const of = (
  name: string,
  shape: Shape,
  attributes: Partial<CumSumAttributes> = {},
  rest: Partial<Case> = {},
): Case => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -3, high: 5 },
  attributes: { axis: -1, exclusive: false, reverse: false, ...attributes },
  tolerance: sumError,
  ...rest,
})

export const cases: Case[] = [
  of("one element", [1]),
  of("nothing", [0, 3]),
  of("no columns", [3, 0]),
  of("narrow", [3, 5]),
  of("one workgroup and one", [2, 65]),
  of("wide", [2, 1000]),
  of("without the element itself", [2, 130], { exclusive: true }),
  of("from the last on", [2, 130], { reverse: true }),
  of("both", [2, 130], { exclusive: true, reverse: true }),
  of("along the middle axis", [2, 70, 3], { axis: 1 }),
  of("whole numbers", [3, 70], {}, { dtype: "int32", fill: { kind: "integers", low: -900, high: 900 }, tolerance: exact }), // biome-ignore format: a case is a line
  of("unsigned numbers", [3, 70], {}, { dtype: "uint32", fill: { kind: "integers", low: 0, high: 900 }, tolerance: exact }), // biome-ignore format: a case is a line
  of("a workgroup of three", [3, 10], {}, { tuning: { WG: 3 } }),
  of("over 65,535 workgroups", [65_537, 3], {}, { tuning: { WG: 2 }, large: true }),
]
