import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { type Lines, linesAlong } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface TopKAttributes {
  /** From the end where it is below 0. */
  axis: number
  /** How many are wanted; with all that there are the line is sorted. */
  count: number
  /** The least, not the largest. */
  least: boolean
}
export interface TopKProblem extends Lines {
  dtype: GpuDtype
  shape: Shape
  count: number
  least: boolean
}

/**
 * x of any dtype [a…, cols, b…] → int32 [a…, count, b…]: where along the axis the largest lie, in order; of equal ones the first goes first. Finite inputs.
 * Takes cols² comparisons a line, all at once.
 */
export const topK = defineKernel<TopKProblem, TopKAttributes, "flat">({
  name: "top-k",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: { axis: -1, count: 1, least: false },
  algorithms: {
    flat: defineAlgorithm<TopKProblem, (typeof wgsl)["ops/top-k/top-k.wgsl"]>(wgsl["ops/top-k/top-k.wgsl"], {
      config: ({ dtype, least }) => ({ T: dtype, OP: least ? "min" : "max" }),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch: ({ rows, cols, inner, count }, { WG }) => ({
        workgroups: count === 0 ? 0 : Math.ceil((rows * cols) / WG!),
        params: { elems: rows * cols, cols, inner, count },
      }),
    }),
  },
  problem([x], { axis, count, least }) {
    const lines = linesAlong("top-k", x!.shape, axis)
    if (!Number.isInteger(count) || count < 0 || count > lines.cols)
      throw fail("IPFA_INPUT_INVALID", {
        message: `top-k takes a count from 0 to ${lines.cols}, not ${count}.`,
        data: { path: "count", expected: `0 to ${lines.cols}` },
      })
    return { dtype: x!.dtype, shape: x!.shape.with(lines.axis, count), count, least, ...lines }
  },
  output: ({ shape }) => ({ dtype: "int32", shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
