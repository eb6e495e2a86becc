import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { ArgAttributes, ArgProblem } from "./arg.ts"

type Case = KernelCase<ArgProblem, ArgAttributes, "line">

const uniform: Fill = { kind: "uniform", low: -5, high: 5 }
/** So few values that many are equal. */
const few: Fill = { kind: "integers", low: 0, high: 2 }
/** `value` at `index` among −200 in the one case, 200 in the other. */
const tower = (index: number, value: number): Fill => ({
  kind: "values",
  values: Array.from({ length: 70 }, (_, i) => (i === index ? value : -value)),
})

/** The cases of one op. */
export function casesOf(op: "max" | "min"): Case[] {
  const of = (name: string, shape: Shape, fill: Fill, rest: Partial<Case> = {}): Case => ({
    name,
    shapes: [shape],
    fill,
    attributes: { axis: -1, last: false },
    tolerance: exact,
    ...rest,
  })
  const most = op === "max" ? 200 : -200
  return [
    of("one element", [1], uniform),
    of("one column", [5, 1], uniform),
    of("no rows", [0, 7], uniform),
    of("one workgroup wide and one", [3, 65], uniform),
    of("narrow", [9, 5], uniform),
    of("wide", [2, 1000], uniform),
    of("the first of equal ones", [4, 150], few),
    of("the last of equal ones", [4, 150], few, { attributes: { axis: -1, last: true } }),
    of("the first of equal ones, few at a time", [4, 150], few, { tuning: { WG: 4 } }),
    of("the last of equal ones, few at a time", [4, 150], few, {
      attributes: { axis: -1, last: true },
      tuning: { WG: 4 },
    }),
    of("in the last stride, few at a time", [1, 70], tower(69, most), { tuning: { WG: 4 } }),
    of("all equal, the last", [2, 70], { kind: "constant", value: 3 }, { attributes: { axis: -1, last: true } }),
    of("in the first stride", [1, 70], tower(21, most)),
    of("in the second stride", [1, 70], tower(69, most)),
    of("along the middle axis", [2, 70, 5], uniform, { attributes: { axis: 1, last: false } }),
    of("whole numbers", [3, 130], { kind: "integers", low: -(2 ** 31), high: 2 ** 31 - 1 }, { dtype: "int32" }),
    of("unsigned numbers", [3, 130], { kind: "integers", low: 0, high: 2 ** 32 - 1 }, { dtype: "uint32" }),
    of("a workgroup of one", [3, 9], uniform, { tuning: { WG: 1 } }),
    ...(op === "max" ? [of("over 65,535 workgroups", [65_537, 3], uniform, { tuning: { WG: 2 }, large: true })] : []),
  ]
}
