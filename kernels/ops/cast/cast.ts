import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface CastAttributes {
  to: GpuDtype
  /** All but 0 become 1. */
  truth: boolean
}
export interface CastProblem extends CastAttributes {
  from: GpuDtype
  shape: Shape
}

/** x of any shape and dtype → the same numbers as `to`, towards 0 where that has whole numbers only; those that it can't hold come out as its nearest. */
export const cast = defineKernel<CastProblem, CastAttributes, "flat">({
  name: "cast",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: { to: "float32", truth: false },
  algorithms: {
    flat: defineAlgorithm<CastProblem, (typeof wgsl)["ops/cast/cast.wgsl"]>(wgsl["ops/cast/cast.wgsl"], {
      config: ({ from, to, truth }) => ({ FROM: from, TO: to, TRUTH: truth }),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch: ({ shape }, { WG }) => {
        const count = elems(shape)
        return { workgroups: Math.ceil(count / WG!), params: { elems: count } }
      },
    }),
  },
  problem: ([x], { to, truth }) => ({ from: x!.dtype, shape: x!.shape, to, truth }),
  output: ({ to, shape }) => ({ dtype: to, shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
