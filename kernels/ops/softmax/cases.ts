import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { logSoftmaxError, softmaxError } from "./reference.ts"
import type { SoftmaxAttributes, SoftmaxProblem } from "./softmax.ts"

type Case = KernelCase<SoftmaxProblem, SoftmaxAttributes, "line">

/** 300 at `index` among −200: a maximum that misses it overflows. */
const tower = (index: number): Fill => ({
  kind: "values",
  values: Array.from({ length: 66 }, (_, i) => (i === index ? 300 : -200)),
})

/** The cases of one kernel. */
export function casesOf(name: "softmax" | "log-softmax"): Case[] {
  const of = (title: string, shape: Shape, rest: Partial<Case> = {}): Case => ({
    name: title,
    shapes: [shape],
    fill: { kind: "uniform", low: -5, high: 5 },
    tolerance: name === "softmax" ? softmaxError : logSoftmaxError,
    ...rest,
  })
  return [
    of("one element", [1]),
    of("one column", [5, 1]),
    of("no rows", [0, 7]),
    of("no columns", [7, 0]),
    of("one workgroup wide", [3, 64]),
    of("one workgroup wide less one", [3, 63]),
    of("one workgroup wide and one", [3, 65]),
    of("three axes", [2, 3, 10]),
    of("wide", [2, 1000]),
    of("along the middle axis", [2, 70, 5], { attributes: { axis: 1 } }),
    of("along the first axis", [9, 2, 3], { attributes: { axis: 0 } }),
    of("would overflow without the maximum", [4, 130], { fill: { kind: "uniform", low: 500, high: 600 } }),
    of("all far below zero", [4, 130], { fill: { kind: "uniform", low: -600, high: -500 } }),
    of("one value towers in the first stride", [1, 66], { fill: tower(21) }),
    of("one value towers in the second stride", [1, 66], { fill: tower(65) }),
    of("rows far apart", [2, 3], { fill: { kind: "values", values: [0, 1, 2, 500, 501, 502] } }),
    of("all equal", [2, 96], { fill: { kind: "constant", value: 3.25 } }),
    of("a workgroup of one", [3, 9], { tuning: { WG: 1 } }),
    ...(name === "softmax" ? [of("over 65,535 workgroups", [65_537, 3], { tuning: { WG: 2 }, large: true })] : []),
  ]
}
