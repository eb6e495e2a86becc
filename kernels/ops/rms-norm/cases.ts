import type { KernelCase, Shape } from "../../define-kernel.ts"
import { rmsNormError } from "./reference.ts"
import type { RmsNormAttributes, RmsNormProblem } from "./rms-norm.ts"

type Case = KernelCase<RmsNormProblem, RmsNormAttributes, "row">

const of = (name: string, x: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [x, [x.at(-1)!]],
  fill: [
    { kind: "uniform", low: -3, high: 3 },
    { kind: "uniform", low: 0.5, high: 1.5 },
  ],
  tolerance: rmsNormError,
  ...rest,
})

export const cases: Case[] = [
  of("one element", [1]),
  of("one column", [5, 1]),
  of("no rows", [0, 7]),
  of("no columns", [7, 0]),
  of("one workgroup wide", [3, 64]),
  of("one workgroup wide less one", [3, 63]),
  of("one workgroup wide and one", [3, 65]),
  of("three axes", [2, 3, 10]),
  of("wide", [2, 1000]),
  of("zeros", [2, 70], { fill: [{ kind: "constant", value: 0 }, { kind: "constant", value: 1 }] }), // biome-ignore format: one fill an input
  of("eps outweighs the row", [3, 20], {
    fill: [
      { kind: "uniform", low: -1e-3, high: 1e-3 },
      { kind: "uniform", low: -2, high: 2 },
    ],
    attributes: { eps: 0.1 },
  }),
  of("a workgroup of one", [3, 9], { tuning: { WG: 1 } }),
  of("over 65,535 workgroups", [65_537, 3], { tuning: { WG: 2 }, large: true }),
]
