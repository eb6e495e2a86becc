import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { type Lines, linesAlong } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface SortAttributes {
  /** From the end where it is below 0. */
  axis: number
  /** How many are wanted of each run. */
  count: number
  /** The least first, not the largest. */
  least: boolean
}
export interface SortProblem extends Lines, Omit<SortAttributes, "axis"> {
  dtype: GpuDtype
  shape: Shape
  /** Elements of each run but the last of a line, and how many of them there are. */
  run: number
  runs: number
  /** Elements of the result along the axis. */
  total: number
}

/** Elements that one workgroup puts in order. */
export const RUN = 256
/** The quads that its memory has. */
const QUADS = RUN / 4

/**
 * x of any dtype [a…, cols, b…] → int32 [a…, total, b…], where along the axis lies each run of 256 elements in order, the first `count` of it; of equal ones the first goes first, and
 * NaN are as the largest. A line of up to 256 is then sorted; of a longer one `sortMerge` merges the runs.
 */
export const sort = defineKernel<SortProblem, SortAttributes, "runs">({
  name: "sort",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: { axis: -1, count: RUN, least: false },
  algorithms: {
    runs: defineAlgorithm<SortProblem, (typeof wgsl)["ops/sort/sort.wgsl"]>(wgsl["ops/sort/sort.wgsl"], {
      config: ({ dtype, least }) => ({ T: dtype, OP: least ? "min" : "max" }),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: QUADS * 16 }),
      dispatch({ rows, cols, inner, runs, count, total }, { WG }) {
        const segments = rows * runs
        const quads = Math.ceil(Math.min(Math.max(cols, 1), RUN) / 4)
        // As many as keep the invocations busy, and there is room for.
        const each = Math.max(1, Math.floor(Math.min(WG!, QUADS) / quads))
        return {
          workgroups: total === 0 ? 0 : Math.ceil(segments / each),
          params: { segments, each, runs, quads, kept: Math.min(count, RUN), cols, total, inner },
        }
      },
    }),
  },
  problem([x], { axis, count, ...rest }) {
    const lines = linesAlong("sort", x!.shape, axis)
    if (!Number.isInteger(count) || count < 0)
      throw fail("IPFA_INPUT_INVALID", {
        message: `sort takes a count from 0 on, not ${count}.`,
        data: { path: "count", expected: "0 or more" },
      })
    const runs = Math.ceil(lines.cols / RUN)
    const total = keptOf(lines.cols, RUN, count)
    return { dtype: x!.dtype, shape: x!.shape.with(lines.axis, total), run: RUN, runs, total, count, ...rest, ...lines }
  },
  output: ({ shape }) => ({ dtype: "int32", shape }),
  plan: () => ({ algorithm: "runs" }),
  reference,
  cases,
})

/** How many are left of `cols` elements where of each `run` of them there are at most `count`. */
export function keptOf(cols: number, run: number, count: number): number {
  return Math.floor(cols / run) * Math.min(count, run) + Math.min(count, cols % run)
}
