import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { PhiloxProblem } from "./philox.ts"

type Case = KernelCase<PhiloxProblem, Record<string, never>, "flat">

const of = (name: string, counter: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [counter, [3], [2]],
  dtype: "uint32",
  fill: { kind: "integers", low: 0, high: 2 ** 32 - 1 },
  tolerance: exact,
  ...rest,
})

export const cases: Case[] = [
  of("no counters", [0]),
  of("one counter", [1]),
  of("all words 0", [1], { fill: { kind: "constant", value: 0 } }),
  of("all words the largest", [1], { fill: { kind: "constant", value: 2 ** 32 - 1 } }),
  of("two workgroups and two", [10, 13]),
  of("over 65,535 workgroups", [65_537], { tuning: { WG: 1 }, large: true }),
]
