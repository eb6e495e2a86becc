import type { KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { TransposeProblem } from "./transpose.ts"

type Case = KernelCase<TransposeProblem, Record<string, never>, "tiled">

const of = (name: string, shape: Shape, rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [shape],
  fill: { kind: "uniform", low: -1, high: 1 },
  tolerance: exact,
  ...rest,
})

export const cases: Case[] = [
  of("one element", [1, 1]),
  of("a row", [1, 40]),
  of("a column", [40, 1]),
  of("no rows", [0, 4]),
  of("no columns", [4, 0]),
  of("one tile", [16, 16]),
  of("one tile less one", [15, 15]),
  of("one tile and one", [17, 17]),
  of("six tiles, ragged", [33, 30]),
  of("six tiles, the width whole", [33, 32]),
  of("whole numbers", [20, 35], { dtype: "int32", fill: { kind: "integers", low: -(2 ** 31), high: 2 ** 31 - 1 } }),
  of("unsigned numbers", [9, 5], { dtype: "uint32", fill: { kind: "integers", low: 0, high: 2 ** 32 - 1 } }),
  of("over 65,535 workgroups", [257, 1025], { tuning: { TILE: 2 }, large: true }),
]
