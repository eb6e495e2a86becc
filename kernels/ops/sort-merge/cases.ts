import type { KernelCase, Shape } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { lineReader, linesAlong } from "../../shapes.ts"
import { exact } from "../../tolerance.ts"
import { ordered } from "../sort/reference.ts"
import type { SortMergeAttributes, SortMergeProblem } from "./sort-merge.ts"

type Case = KernelCase<SortMergeProblem, SortMergeAttributes, "flat">
interface Given extends Partial<Omit<SortMergeAttributes, "size">> {
  size: number
  /** Elements of x that `size` are left of. */
  run?: number
  values?: readonly number[]
}

/** Numbers all over the place, some of them equal. */
const mixed = Array.from({ length: 997 }, (_, i) => ((i * 389) % 241) - 120)
/** So few that many are equal. */
const few = Array.from({ length: 997 }, (_, i) => (i * 389) % 3)
const odd = [0, -0, NaN, 1, Infinity, -1, NaN, -0, -Infinity, 0, -3e38, 3e38, 1e-45]

/** Runs of x of that shape, sorted, as `sort` and merges before leave them. */
function of(name: string, shape: Shape, given: Given, rest: Partial<Case> = {}): Case {
  const { size, run = size, values = mixed, ...others } = given
  const attributes = { axis: -1, count: 2 * size, least: false, ...others, size }
  const lines = linesAlong("sort-merge", shape, attributes.axis)
  const length = Math.floor(lines.cols / run) * size + Math.min(size, lines.cols % run)
  const runs = new Array<number>(lines.rows * length)
  const place = lineReader(lines)
  const target = lineReader({ ...lines, cols: length })
  for (let row = 0; row < lines.rows; row++) {
    const value = (i: number) => values[place(row, i) % values.length]!
    let at = 0
    for (let first = 0; first < lines.cols; first += run) {
      const all = Array.from({ length: Math.min(run, lines.cols - first) }, (_, i) => first + i)
      all.sort((a, b) => ordered(value(a), value(b), attributes.least))
      for (const i of all.slice(0, size)) runs[target(row, at++)] = i
    }
  }
  return {
    name,
    shapes: [shape, shape.with(lines.axis, length)],
    dtype: ["float32", "int32"],
    fill: [
      { kind: "values", values },
      { kind: "values", values: elems(shape) === 0 ? [0] : runs },
    ],
    attributes,
    tolerance: exact,
    ...rest,
  }
}

export const cases: Case[] = [
  of("one element", [1], { size: 1 }),
  of("nothing", [0, 3], { size: 1 }),
  of("single ones", [3, 7], { size: 1 }),
  of("two runs", [2, 40], { size: 20 }),
  of("runs that units fill", [2, 96], { size: 16 }),
  of("a run without a neighbour", [3, 117], { size: 39 }),
  of("a last run that is shorter", [3, 65], { size: 19 }),
  of("the least", [3, 91], { size: 23, least: true }),
  of("equal ones", [2, 83], { size: 30, values: few }),
  of("some of each pair", [3, 90], { size: 21, count: 25 }),
  of("runs of which some are there", [3, 90], { size: 5, run: 20, count: 5 }),
  of("along the middle axis", [2, 71, 3], { size: 18, axis: 1, count: 33 }),
  of("along the first axis", [41, 2, 2], { size: 18, axis: 0 }),
  of("NaN, infinities and zeros of either sign", [2, 39], { size: 20, values: odd }),
  of("NaN, infinities and zeros of either sign, the least", [2, 39], { size: 20, values: odd, least: true }),
  of("whole numbers", [3, 70], { size: 20 }, { dtype: ["int32", "int32"] }),
  of("unsigned numbers", [3, 70], { size: 20, values: few }, { dtype: ["uint32", "int32"] }),
  of("over 65,535 workgroups", [65_537, 4], { size: 2 }, { tuning: { WG: 1 }, large: true }),
]
