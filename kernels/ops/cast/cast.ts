import { fail } from "../../../protocol/errors/error.ts"
import {
  defineAlgorithm,
  defineKernel,
  type GpuDtype,
  type Shape,
  type StoredDtype,
  type TensorType,
} from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { isByFours } from "../../walk.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface CastAttributes {
  /** float16 comes as words [⌈elements / 2⌉], two in each. */
  to: StoredDtype
  /** All but 0 become 1; not as float16. */
  truth: boolean
  /** float32 to float32 by way of int32: without what is behind the point. */
  whole: boolean
}
export interface CastProblem extends CastAttributes {
  from: GpuDtype
  shape: Shape
}

const outputOf = ({ to, shape }: CastProblem): TensorType =>
  to === "float16" ? { dtype: "uint32", shape: [Math.ceil(elems(shape) / 2)] } : { dtype: to, shape }

/** x of any shape and dtype → the same numbers as `to`, towards 0 where that has whole numbers only; those that it can't hold come out as its nearest, but those beyond float16's, which it may not be given. */
export const cast = defineKernel<CastProblem, CastAttributes, "flat">({
  name: "cast",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: { to: "float32", truth: false, whole: false },
  algorithms: {
    flat: defineAlgorithm<CastProblem, (typeof wgsl)["ops/cast/cast.wgsl"]>(wgsl["ops/cast/cast.wgsl"], {
      config: ({ from, to, truth, whole, shape }) => ({
        FROM: from,
        TO: to,
        TRUTH: truth,
        WHOLE: whole,
        FOUR: isByFours(elems(shape)),
      }),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch: (problem, { WG }) => {
        const count = elems(problem.shape)
        const made = isByFours(count) ? count / 4 : elems(outputOf(problem).shape)
        return { workgroups: Math.ceil(made / WG!), params: { elems: made, count } }
      },
    }),
  },
  problem([x], { to, truth, whole }) {
    if (truth && to === "float16")
      throw fail("IPFA_INPUT_INVALID", { message: "cast makes no float16 of truth.", data: { path: "truth" } })
    if (whole && (truth || to !== "float32" || x!.dtype !== "float32"))
      throw fail("IPFA_INPUT_INVALID", {
        message: "cast is whole from float32 to float32 only.",
        data: { path: "whole" },
      })
    return { from: x!.dtype, shape: x!.shape, to, truth, whole }
  },
  output: outputOf,
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
