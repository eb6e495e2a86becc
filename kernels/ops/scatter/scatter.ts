import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { type Lines, linesAlong } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface ScatterAttributes {
  /** y's. */
  shape: Shape
  /** Of the updates, from the end where it is below 0: only those of one line along it may go to one place. */
  axis: number
  /** How an update is joined with what is there; `none` puts it in its place. */
  reduction: "none" | "add" | "mul" | "min" | "max"
}
export interface ScatterProblem extends Lines {
  dtype: GpuDtype
  shape: Shape
  reduction: ScatterAttributes["reduction"]
}

const source = wgsl["ops/scatter/scatter.wgsl"]

/**
 * places int32 and updates of any dtype, of one shape → y of the updates' dtype: each update goes to its place, counted in y's elements. Run it into a tensor: all else
 * there stays, which in a new one is 0. A reduction takes as many comparisons an update as its line has updates, and its sums are the same in every run.
 */
export const scatter = defineKernel<ScatterProblem, ScatterAttributes, "flat">({
  name: "scatter",
  inputs: [
    { name: "places", dtypes: ["int32"] },
    { name: "updates", dtypes: ["float32", "int32", "uint32"] },
  ],
  defaults: { shape: [], axis: 0, reduction: "none" },
  algorithms: {
    flat: defineAlgorithm<ScatterProblem, typeof source>(source, {
      // Words that are only moved are moved as they are.
      config({ dtype, reduction }) {
        const joins = reduction !== "none"
        // Words that are only moved are moved as they are.
        return { T: joins ? dtype : "uint32", OP: reduction, JOINS: joins }
      },
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch({ shape, rows, cols, inner }, { WG }) {
        const updates = rows * cols
        return {
          workgroups: Math.ceil(updates / WG!),
          params: { elems: updates, cols, inner, size: elems(shape) },
        }
      },
    }),
  },
  problem([places, updates], { shape, axis, reduction }) {
    if (places!.shape.join() !== updates!.shape.join())
      throw fail("IPFA_INPUT_SHAPE", {
        message: `scatter takes a place for each update, not [${places!.shape}] for [${updates!.shape}].`,
        data: { path: "places", expected: `[${updates!.shape}]` },
      })
    return { dtype: updates!.dtype, shape, reduction, ...linesAlong("scatter", updates!.shape, axis) }
  },
  output: ({ dtype, shape }) => ({ dtype, shape }),
  isPartial: true,
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
