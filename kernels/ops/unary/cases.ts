import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { chosen, geluErf, geluTanh } from "./reference.ts"
import type { GeluAttributes, UnaryProblem } from "./unary.ts"

type Case<A> = Omit<KernelCase<UnaryProblem<A>, A, "flat">, "tolerance">

const uniform: Fill = { kind: "uniform", low: -4, high: 4 }
const of = <A>(name: string, shape: Shape, rest: Partial<Case<A>> = {}): Case<A> => ({
  name,
  shapes: [shape],
  fill: uniform,
  ...rest,
})

const sizes = <A>(): Case<A>[] => [
  of("one element", [1]),
  of("a scalar", []),
  of("nothing", [2, 0]),
  of("one workgroup", [64]),
  of("one workgroup less one", [63]),
  of("one workgroup and one", [65]),
  of("three axes", [3, 5, 7]),
  of("far from zero", [300], { fill: { kind: "uniform", low: -40, high: 40 } }),
  of("around zero", [200], { fill: { kind: "uniform", low: -1e-3, high: 1e-3 } }),
  of("landmarks", [12], {
    fill: { kind: "values", values: [0, 1, -1, 0.5, -0.5, 6, -6, 1e4, -1e4, 1e-20, 1e30, -1e30] },
  }),
  of("over 65,535 workgroups", [65_537 * 16 + 1], { tuning: { WG: 16 }, large: true }),
]

export const reluCases: KernelCase<UnaryProblem<Record<string, never>>, Record<string, never>, "flat">[] = sizes<
  Record<string, never>
>().map((one) => ({ ...one, tolerance: chosen }))

export const geluCases: KernelCase<UnaryProblem<GeluAttributes>, GeluAttributes, "flat">[] = sizes<GeluAttributes>()
  .filter((one) => !one.large)
  .flatMap((one) => [
    { ...one, name: `${one.name}, by erf`, attributes: { approximate: "none" }, tolerance: geluErf },
    { ...one, name: `${one.name}, by tanh`, attributes: { approximate: "tanh" }, tolerance: geluTanh },
  ])
