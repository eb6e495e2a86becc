import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { exact, oneRounding } from "../../tolerance.ts"
import type { BinaryProblem } from "./binary.ts"

type Case = KernelCase<BinaryProblem, Record<string, never>, "flat">

const uniform: Fill = { kind: "uniform", low: -3, high: 3 }
const integers: Fill = { kind: "integers", low: -50, high: 50 }
const of = (name: string, a: Shape, b: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [a, b],
  fill: uniform,
  tolerance: oneRounding,
  ...rest,
})

/** Serve every binary op. */
export const cases: Case[] = [
  of("one element", [1], [1]),
  of("a scalar each", [], []),
  of("nothing", [0, 3], [0, 3]),
  of("nothing and a scalar", [4, 0], []),
  of("one workgroup", [64], [64]),
  of("one workgroup less one", [63], [63]),
  of("one workgroup and one", [65], [65]),
  of("three axes", [3, 5, 7], [3, 5, 7]),
  of("whole numbers", [130], [130], { fill: integers, tolerance: exact }),
  of("a scalar", [3, 70], [], { fill: [uniform, { kind: "constant", value: -1.75 }] }),
  of("one element as a scalar", [129], [1], { fill: integers, tolerance: exact }),
  of("large and small", [200], [200], { fill: { kind: "uniform", low: -1e18, high: 1e18 } }),
  of("over 65,535 workgroups", [65_537 * 16 + 1], [65_537 * 16 + 1], {
    fill: integers,
    tuning: { WG: 16 },
    tolerance: exact,
    large: true,
  }),
]
