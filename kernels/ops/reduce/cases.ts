import type { Fill, GpuDtype, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { ReduceAttributes, ReduceOp, ReduceProblem } from "./reduce.ts"
import { tolerances } from "./reference.ts"

type Case = KernelCase<ReduceProblem, ReduceAttributes, "line">

const uniform = (low: number, high: number): Fill => ({ kind: "uniform", low, high })
/** Values around 1 of both signs, so that a long product neither vanishes nor overflows. */
const factors: Fill = { kind: "values", values: [1.25, -0.75, 1.5, 0.875, -1.125, 0.5, 1.75] }

/** The cases of one op. */
export function casesOf(op: ReduceOp, dtypes: readonly GpuDtype[]): Case[] {
  const usual = op === "prod" ? factors : op === "log-sum" ? uniform(0.01, 5) : uniform(-5, 5)
  const of = (name: string, shape: Shape, axis = -1, rest: Partial<Case> = {}): Case => ({
    name,
    shapes: [shape],
    fill: usual,
    attributes: { axis },
    tolerance: tolerances[op],
    ...rest,
  })
  const whole = (dtype: GpuDtype) =>
    of(dtype, [5, 67, 3], 1, {
      dtype,
      fill: op === "prod" ? { kind: "values", values: dtype === "int32" ? [1, -1, 1, 1, 2] : [1, 1, 3, 1, 1] } : { kind: "integers", low: dtype === "int32" ? -50 : 1, high: 50 }, // biome-ignore format: a case is a line
      tolerance: exact,
    })
  const isSigned = op !== "prod" && op !== "log-sum"
  return [
    of("one element", [1]),
    of("one column", [5, 1]),
    of("no rows", [0, 7]),
    of("one workgroup wide", [3, 64]),
    of("one workgroup wide less one", [3, 63]),
    of("one workgroup wide and one", [3, 65]),
    of("wide", [2, 1000], -1, op === "prod" ? { fill: uniform(0.97, 1.03) } : {}),
    of("along the middle axis", [2, 70, 5], 1),
    of("along the first axis", [9, 2, 3], 0),
    ...(isSigned
      ? [
          of("all above zero", [3, 70], -1, { fill: uniform(2, 9) }),
          of("all below zero", [3, 70], -1, { fill: uniform(-9, -2) }),
          of("whole numbers", [3, 130], -1, {
            fill: { kind: "integers", low: -50, high: 50 },
            ...(["sum", "l1", "sum-square"].includes(op) && { tolerance: exact }),
          }),
        ]
      : []),
    ...(op === "log-sum-exp"
      ? [of("would overflow without the largest", [3, 70], -1, { fill: uniform(300, 600) })]
      : []),
    ...(["sum", "prod", "l1", "sum-square"].includes(op) ? [of("no columns", [4, 0], -1, { tolerance: exact })] : []),
    ...dtypes.filter((dtype) => dtype !== "float32").map(whole),
    of("a workgroup of one", [3, 9], -1, { tuning: { WG: 1 } }),
    ...(op === "sum" ? [of("over 65,535 workgroups", [65_537, 3], -1, { tuning: { WG: 2 }, large: true })] : []),
  ]
}
