import type { Fill, GpuDtype, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import { joinError } from "./reference.ts"
import type { ScatterAttributes, ScatterProblem } from "./scatter.ts"

type Case = KernelCase<ScatterProblem, ScatterAttributes, "flat">

const of = (name: string, updates: Shape, places: number[], rest: Partial<ScatterAttributes>): Case => ({
  name,
  shapes: [updates, updates],
  dtype: ["int32", "float32"],
  fill: [
    { kind: "values", values: places },
    { kind: "uniform", low: 1, high: 2 },
  ],
  attributes: { shape: [12], axis: 0, reduction: "none", ...rest },
  tolerance: exact,
})
/** As `own`, with other numbers for updates. */
const joining = (own: Case, dtype: GpuDtype, numbers: Fill, tolerance: Case["tolerance"] = exact): Case => ({
  ...own,
  dtype: ["int32", dtype],
  fill: [(own.fill as readonly Fill[])[0]!, numbers],
  tolerance,
})

/** What a case's result holds before is -6·10^18 as float32: sums are of numbers of that size. */
const huge: Fill = { kind: "uniform", low: -8e18, high: 8e18 }
const small: Fill = { kind: "integers", low: -900, high: 900 }
const words: Fill = { kind: "integers", low: 0, high: 2 ** 32 - 1 }
const again = [3, 7, 3, 0, 7, 3, 11, 3]
/** Two places for each line of [2, 5, 3] along the middle axis, by turns. */
const byTurns = Array.from({ length: 30 }, (_, i) => 2 * (3 * Math.floor(i / 15) + (i % 3)) + (Math.floor(i / 3) % 2))
const mixed = (count: number) => Array.from({ length: count }, (_, i) => (i * 7) % count)

// biome-ignore format: a case is a line
export const cases: Case[] = [
  of("one element", [1], [0], { shape: [1] }),
  of("no updates", [0], [], {}),
  of("into nothing", [2], [0, 1], { shape: [0] }),
  of("some places", [2, 3], [11, 2, 5, 0, 7, 3], { shape: [3, 4] }),
  of("outside, at both ends", [6], [12, -1, 11, 0, 2 ** 31 - 1, -(2 ** 31)], {}),
  of("one workgroup and one", [65], mixed(65), { shape: [65] }),
  joining(of("unsigned numbers", [4], [3, 1, 0, 2], {}), "uint32", words),
  joining(of("sums at places that recur", [8], again, { reduction: "add" }), "float32", huge, joinError),
  joining(of("products", [8], again, { reduction: "mul" }), "float32", { kind: "uniform", low: 0.5, high: 2 }, joinError),
  joining(of("the least", [8], again, { reduction: "min" }), "float32", huge),
  joining(of("the largest", [8], again, { reduction: "max" }), "float32", huge),
  joining(of("lines along the middle axis", [2, 5, 3], byTurns, { axis: 1, reduction: "add" }), "float32", huge, joinError),
  joining(of("whole sums, and outside", [8], [3, 12, 3, -1, 7, 3, 12, 3], { reduction: "add" }), "int32", small),
  joining(of("whole products", [4], [1, 2, 1, 0], { reduction: "mul" }), "int32", { kind: "values", values: [1, -1, 1, 0] }),
  joining(of("the largest unsigned", [8], again, { reduction: "max" }), "uint32", words),
  { ...of("over 65,535 workgroups", [65_537 * 4 + 1], mixed(65_537 * 4 + 1), { shape: [65_537 * 4 + 1] }), tuning: { WG: 4 }, large: true },
]
