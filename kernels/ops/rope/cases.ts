import type { KernelCase, Shape } from "../../define-kernel.ts"
import { ropeError } from "./reference.ts"
import type { RopeAttributes, RopeProblem } from "./rope.ts"

type Case = KernelCase<RopeProblem, RopeAttributes, "flat">

const heads: RopeAttributes = { headsFirst: true, interleaved: false, wide: false }

/** Tables of `rows` positions; `positions` is the shape of theirs. */
const of = (
  name: string,
  x: Shape,
  table: Shape,
  positions: Shape | undefined,
  attributes: RopeAttributes,
  rest: Partial<Case> = {},
): Case => ({
  name,
  shapes: [x, table, table, positions],
  dtype: ["float32", "float32", "float32", "int32"],
  fill: [
    { kind: "uniform", low: -3, high: 3 },
    { kind: "uniform", low: -1, high: 1 },
    { kind: "uniform", low: -1, high: 1 },
    { kind: "integers", low: 0, high: table[0]! - 1 - (positions?.length === 1 ? x[2]! : 0) },
  ],
  attributes,
  tolerance: ropeError,
  ...rest,
})

export const cases: Case[] = [
  of("one pair", [1, 1, 1, 2], [1, 1], undefined, heads),
  of("one number, not turned", [1, 1, 1, 1], [1, 0], undefined, heads),
  of("nothing", [2, 0, 3, 4], [9, 2], [2, 3], heads),
  of("a position each, heads first", [2, 3, 5, 8], [11, 4], [2, 5], heads),
  of("a position each, tokens first", [2, 5, 3, 8], [11, 4], [2, 5], { ...heads, headsFirst: false }),
  of("interleaved", [2, 3, 5, 8], [11, 4], [2, 5], { ...heads, interleaved: true }),
  of("part of a head", [2, 3, 5, 10], [11, 3], [2, 5], heads),
  of("part of a head, interleaved", [2, 3, 5, 10], [11, 3], [2, 5], { ...heads, interleaved: true }),
  of("from a first position on", [2, 3, 5, 6], [11, 3], [1], heads),
  of("from a first position on, tokens first", [1, 4, 4, 6], [11, 3], [1], { ...heads, headsFirst: false }),
  of("a row of the tables for each token", [2, 3, 5, 4], [10, 2], undefined, heads),
  of("fours, part of a head", [2, 3, 5, 20], [11, 8], [2, 5], heads),
  of("fours, tokens first, from a first position on", [1, 4, 4, 20], [11, 8], [1], { ...heads, headsFirst: false }), // biome-ignore format: a case is a line
  of("fours, part of a head, interleaved", [2, 3, 5, 20], [11, 8], [2, 5], { ...heads, interleaved: true }),
  of("a column for each number", [2, 3, 5, 8], [11, 8], [2, 5], { ...heads, wide: true }),
  of("a column for each number, part of a head", [2, 3, 5, 10], [10, 6], undefined, { ...heads, wide: true }),
  of("a column for each number, interleaved", [2, 3, 5, 8], [11, 8], [2, 5], { ...heads, interleaved: true, wide: true }), // biome-ignore format: a case is a line
  of("over 65,535 workgroups", [1, 1, 65_537, 4], [3, 2], [1, 65_537], heads, { tuning: { WG: 4 }, large: true }),
]
