import type { KernelCase, Shape } from "../../define-kernel.ts"
import type { GatedProblem } from "./gated.ts"
import { gatedError } from "./reference.ts"

type Case = KernelCase<GatedProblem, object, "flat">

const of = (name: string, gate: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [gate, gate],
  fill: { kind: "uniform", low: -5, high: 5 },
  tolerance: gatedError,
  ...rest,
})

export const gatedCases = (name: string): Case[] => [
  of("one element", [1]),
  of("nothing", [3, 0]),
  of("one workgroup and one", [5, 13]),
  of("fused", [2, 3, 22], { shapes: [[2, 3, 22], undefined] }),
  ...(name === "geglu"
    ? [
        of("by tanh", [5, 13], { attributes: { approximate: "tanh" } }),
        of("by tanh, far from zero", [70], {
          attributes: { approximate: "tanh" },
          fill: [{ kind: "uniform", low: -40, high: 40 }, { kind: "constant", value: 1 }], // biome-ignore format: one fill an input
        }),
      ]
    : [of("over 65,535 workgroups", [65_537 * 4 + 1], { tuning: { WG: 4 }, large: true })]),
  of("far from zero", [70], {
    fill: [{ kind: "uniform", low: -100, high: 100 }, { kind: "constant", value: 1 }], // biome-ignore format: one fill an input
  }),
]
