import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { type Lines, linesAlong } from "../../shapes.ts"
import { keptOf, type SortAttributes } from "../sort/sort.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface SortMergeAttributes extends SortAttributes {
  /** How many elements a run has, but for the last of a line. */
  size: number
}
export interface SortMergeProblem extends Lines, Omit<SortMergeAttributes, "axis"> {
  dtype: GpuDtype
  shape: Shape
  /** Elements of the runs, and of the result, along the axis. */
  length: number
  total: number
}

/** Elements that an invocation writes. */
const UNIT = 16

/** x [a…, cols, b…], runs int32 [a…, length, b…] as `sort` gives them → int32 [a…, total, b…]: each two neighbours merged, the first `count` of them. */
export const sortMerge = defineKernel<SortMergeProblem, SortMergeAttributes, "flat">({
  name: "sort-merge",
  inputs: [
    { name: "x", dtypes: ["float32", "int32", "uint32"] },
    { name: "runs", dtypes: ["int32"] },
  ],
  defaults: { axis: -1, count: 1, least: false, size: 1 },
  algorithms: {
    flat: defineAlgorithm<SortMergeProblem, (typeof wgsl)["ops/sort-merge/sort-merge.wgsl"]>(
      wgsl["ops/sort-merge/sort-merge.wgsl"],
      {
        config: ({ dtype, least }) => ({ T: dtype, OP: least ? "min" : "max" }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch({ rows, cols, inner, length, total, size, count }, { WG }) {
          const kept = Math.min(count, 2 * size)
          const pairs = Math.ceil(length / (2 * size))
          const units = rows * pairs * Math.ceil(kept / UNIT)
          const params = { units, pairs, size, kept, cols, length, total, inner }
          return { workgroups: Math.ceil(units / WG!), params }
        },
      },
    ),
  },
  problem([x, runs], { axis, count, size, ...rest }) {
    const lines = linesAlong("sort-merge", x!.shape, axis)
    const length = runs!.shape[lines.axis] ?? 0
    if (runs!.shape.join() !== x!.shape.with(lines.axis, length).join())
      throw fail("IPFA_INPUT_SHAPE", {
        message: `sort-merge takes runs of x [${x!.shape}] along axis ${lines.axis}, not [${runs!.shape}].`,
        data: { path: "runs" },
      })
    for (const [path, value] of Object.entries({ count, size }))
      if (!Number.isInteger(value) || value < 1)
        throw fail("IPFA_INPUT_INVALID", {
          message: `sort-merge takes a ${path} from 1 on, not ${value}.`,
          data: { path, expected: "1 or more" },
        })
    const total = keptOf(length, 2 * size, count)
    const shape = x!.shape.with(lines.axis, total)
    return { dtype: x!.dtype, shape, length, total, count, size, ...rest, ...lines }
  },
  output: ({ shape }) => ({ dtype: "int32", shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
