import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import type { NormAttributes, NormProblem } from "./norm.ts"
import { normError } from "./reference.ts"

type Case = KernelCase<NormProblem, NormAttributes, "row">

const uniform = (low: number, high: number): Fill => ({ kind: "uniform", low, high })
const usual = [uniform(-3, 3), uniform(0.5, 1.5), uniform(-1, 1), uniform(-2, 2)]

/** The cases of one kernel. */
export function casesOf(name: "rms-norm" | "layer-norm"): Case[] {
  const of = (title: string, x: Shape, rest: Partial<Case> = {}): Case => ({
    name: title,
    shapes: [x, [x.at(-1)!]],
    fill: usual,
    tolerance: normError,
    ...rest,
  })
  const channels = (title: string, x: Shape, span: number, weights: number) =>
    of(title, x, { shapes: [x, [weights], [weights]], attributes: { eps: 1e-5, span } })
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
    of("zeros", [2, 70], { fill: [{ kind: "constant", value: 0 }, { kind: "constant", value: 1 }] }), // biome-ignore format: one fill an input
    of("eps outweighs the row", [3, 20], {
      fill: [uniform(-1e-3, 1e-3), uniform(-2, 2)],
      attributes: { eps: 0.1, span: undefined },
    }),
    of("a workgroup of one", [3, 9], { tuning: { WG: 1 } }),
    of("with a bias", [3, 70], { shapes: [[3, 70], [70], [70]] }),
    of("with a residual", [3, 70], { shapes: [[3, 70], [70], undefined, [3, 70]] }),
    of("with both", [2, 5, 7], { shapes: [[2, 5, 7], [7], [7], [2, 5, 7]] }),
    channels("a weight for each channel", [2, 3, 20], 20, 3),
    channels("two channels in a group", [2, 3, 10], 5, 6),
    ...(name === "layer-norm"
      ? [
          of("far from zero", [3, 70], { fill: [uniform(90, 110), uniform(0.5, 1.5)] }),
          of("over 65,535 workgroups", [65_537, 3], { tuning: { WG: 2 }, large: true }),
        ]
      : []),
  ]
}
