import type { KernelCase, Shape } from "../../define-kernel.ts"
import type { AttentionMergeProblem } from "./attention-merge.ts"
import { mergeError } from "./reference.ts"

type Case = KernelCase<AttentionMergeProblem, Record<string, never>, "flat">

const of = (name: string, x: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [x],
  fill: { kind: "uniform", low: 0.5, high: 4 },
  tolerance: mergeError,
  ...rest,
})

export const cases: Case[] = [
  of("one number", [1, 1, 1, 1, 3]),
  of("nothing", [2, 1, 0, 3, 5]),
  of("two splits", [2, 2, 3, 2, 7]),
  of("five splits", [5, 1, 3, 5, 6]),
  of("a split that saw nothing", [2, 1, 1, 1, 4], {
    fill: { kind: "values", values: [3, -2, 1.5, 2, 0, 0, -3e38, 0] },
  }),
  of("scores that would overflow, small sums", [2, 1, 1, 2, 3], {
    // Of the second split: 300 is larger than all else by more than e^x has room for.
    fill: { kind: "values", values: [1, -200, 0.25, 2, -200, 0.25, 3, 300, 0.25, 4, 100, 0.25] },
  }),
  of("none saw anything", [2, 1, 1, 1, 3], { fill: { kind: "values", values: [0, -3e38, 0] } }),
  of("over 65,535 workgroups", [1, 1, 1, 65_537, 6], { tuning: { WG: 4 }, large: true }),
]
