import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { type Lines, linesAlong } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface CumSumAttributes {
  /** From the end where it is below 0. */
  axis: number
  /** Each sum leaves its own element out. */
  exclusive: boolean
  /** The sums go from the last element to the first. */
  reverse: boolean
}
export interface CumSumProblem extends Lines {
  dtype: GpuDtype
  shape: Shape
  exclusive: boolean
  reverse: boolean
}

/** x of any dtype and shape → the running sums along one axis, of x's shape */
export const cumSum = defineKernel<CumSumProblem, CumSumAttributes, "line">({
  name: "cum-sum",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: { axis: -1, exclusive: false, reverse: false },
  algorithms: {
    line: defineAlgorithm<CumSumProblem, (typeof wgsl)["ops/cum-sum/cum-sum.wgsl"]>(wgsl["ops/cum-sum/cum-sum.wgsl"], {
      config: ({ dtype, exclusive, reverse }) => ({ T: dtype, EXCLUSIVE: exclusive, REVERSE: reverse }),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
      dispatch: ({ rows, cols, inner }) => ({ workgroups: cols === 0 ? 0 : rows, params: { rows, cols, inner } }),
    }),
  },
  problem: ([x], { axis, exclusive, reverse }) => ({
    dtype: x!.dtype,
    shape: x!.shape,
    exclusive,
    reverse,
    ...linesAlong("cum-sum", x!.shape, axis),
  }),
  output: ({ dtype, shape }) => ({ dtype, shape }),
  plan: () => ({ algorithm: "line" }),
  reference,
  cases,
})
