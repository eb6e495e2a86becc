import type { Fill, KernelCase, Shape } from "../../define-kernel.ts"
import { exact } from "../../tolerance.ts"
import type { KvAppendAttributes, KvAppendProblem } from "./kv-append.ts"

type Case = KernelCase<KvAppendProblem, KvAppendAttributes, "flat">

/** `sequences`: for each the tokens it has, then its pages. */
const of = (name: string, x: Shape, cache: Shape, sequences: number[][], rest: Partial<Case> = {}): Case => ({
  name,
  shapes: [x, [sequences.length, sequences[0]?.length ?? 1]],
  dtype: ["float32", "int32"],
  fill: [
    { kind: "uniform", low: -1, high: 1 },
    { kind: "values", values: sequences.flat() },
  ],
  attributes: { cache, dtype: "float32" },
  tolerance: exact,
  ...rest,
})

/** As float16, of numbers that it holds: a conversion to it rounds as the device pleases. */
const halves = (name: string, x: Shape, cache: Shape, sequences: number[][]): Case => {
  const one = of(`${name}, as float16`, x, cache, sequences, { attributes: { cache, dtype: "float16" } })
  return { ...one, fill: [{ kind: "values", values: [1.5, -2, 0.25, 1024, -7, 3.125, 0] }, (one.fill as Fill[])[1]!] }
}

export const cases: Case[] = [
  of("one number", [1, 1, 1, 1], [1, 1, 1, 1], [[0, 0]]),
  of("no tokens", [1, 2, 0, 3], [2, 2, 4, 3], [[0, 1]]),
  of("a token each, of two sequences", [2, 3, 1, 5], [6, 3, 4, 5], [[6, 4, 2, 0], [3, 5, 1, 3]]), // biome-ignore format: a case
  of("tokens over the end of a page", [2, 3, 6, 5], [7, 3, 4, 5], [[2, 4, 2, 0], [3, 5, 1, 3]]), // biome-ignore format: a case
  of("tokens that find no page", [2, 2, 5, 3], [5, 2, 4, 3], [[5, 2, 0], [3, 1, 4]]), // biome-ignore format: a case
  of("pages that the cache does not have", [1, 2, 3, 2], [2, 2, 1, 2], [[0, 2, 1, -1]]),
  halves("a token each, of two sequences", [2, 3, 1, 6], [6, 3, 4, 6], [[6, 4, 2, 0], [3, 5, 1, 3]]), // biome-ignore format: a case
  halves("tokens over the end of a page", [2, 3, 6, 4], [7, 3, 4, 4], [[2, 4, 2, 0], [3, 5, 1, 3]]), // biome-ignore format: a case
  of("no page at all", [1, 1, 2, 3], [1, 1, 4, 3], [[0]]),
  of("over 65,535 workgroups", [1, 1, 65_537, 4], [1, 1, 65_540, 4], [[1, 0]], { tuning: { WG: 4 }, large: true }),
]
