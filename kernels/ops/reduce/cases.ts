import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { ReduceProblem } from "./reduce.ts"
import { meanError, sumError } from "./reference.ts"

type Case = KernelCase<ReduceProblem, Record<string, never>, "row">

const of = (name: string, shape: Shape, rest: Partial<Case> = {}) => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -5, high: 5 } as Fill,
  ...rest,
})
const around = (low: number, high: number): Fill => ({ kind: "uniform", low, high })

const common = [
  of("one element", [1]),
  of("one column", [5, 1]),
  of("no rows", [0, 7]),
  of("one workgroup wide", [3, 64]),
  of("one workgroup wide less one", [3, 63]),
  of("one workgroup wide and one", [3, 65]),
  of("three axes", [2, 3, 10]),
  of("wide", [2, 1000]),
  of("all above zero", [3, 70], { fill: around(2, 9) }),
  of("all below zero", [3, 70], { fill: around(-9, -2) }),
  of("a workgroup of one", [3, 9], { tuning: { WG: 1 } }),
  of("over 65,535 workgroups", [65_537, 3], { tuning: { WG: 2 }, large: true }),
]

export const sumCases: Case[] = [
  ...common.map((one) => ({ ...one, tolerance: sumError })),
  of("no columns", [4, 0], { tolerance: exact }) as Case,
  of("whole numbers", [3, 130], { fill: { kind: "integers", low: -50, high: 50 }, tolerance: exact }) as Case,
]
export const meanCases: Case[] = common.map((one) => ({ ...one, tolerance: meanError }))
export const extremeCases: Case[] = common.map((one) => ({ ...one, tolerance: exact }))
