import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { TransposeAlgorithm, TransposeProblem } from "./transpose.ts"

type Case = KernelCase<TransposeProblem, Record<string, never>, TransposeAlgorithm>

const of = (name: string, shape: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -1, high: 1 },
  tolerance: exact,
  ...rest,
})
/** By either algorithm. */
const both = (name: string, shape: Shape, rest: Partial<Case> = {}): Case[] =>
  (["tiled", "blocked"] as const).map((algorithm) => of(`${algorithm}, ${name}`, shape, { algorithm, ...rest }))

export const cases: Case[] = [
  ...both("one element", [1, 1]),
  ...both("a row", [1, 40]),
  ...both("a column", [40, 1]),
  ...both("no rows", [0, 4]),
  ...both("no columns", [4, 0]),
  ...both("one tile", [16, 16]),
  ...both("one tile less one", [15, 15]),
  ...both("one tile and one", [17, 17]),
  ...both("six tiles, ragged", [33, 30]),
  ...both("six tiles, the width whole", [33, 32]),
  ...both("whole fours, more than a workgroup of them", [36, 32]),
  ...both("whole numbers", [20, 35], {
    dtype: "int32",
    fill: { kind: "integers", low: -(2 ** 31), high: 2 ** 31 - 1 },
  }),
  ...both("unsigned numbers", [9, 5], { dtype: "uint32", fill: { kind: "integers", low: 0, high: 2 ** 32 - 1 } }),
  of("tiled over 65,535 workgroups", [257, 1025], { algorithm: "tiled", tuning: { TILE: 2 }, large: true }),
  of("blocked over 65,535 workgroups", [1, 262_145], { algorithm: "blocked", tuning: { WG: 1 }, large: true }),
]
