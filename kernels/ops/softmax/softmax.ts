import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { asRows, isPowerOfTwo } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface SoftmaxProblem {
  shape: Shape
  rows: number
  cols: number
}

/** float32 [..., cols] → the same shape; each row along the last axis sums to 1. Finite inputs. */
export const softmax = defineKernel<SoftmaxProblem, Record<string, never>, "row">({
  name: "softmax",
  inputs: [float32("x")],
  defaults: {},
  algorithms: {
    row: defineAlgorithm<SoftmaxProblem, (typeof wgsl)["ops/softmax/softmax.wgsl"]>(wgsl["ops/softmax/softmax.wgsl"], {
      config: () => ({ REDUCE_SUM: true, REDUCE_MAX: true }),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
      refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
      dispatch: ({ rows, cols }) => ({ workgroups: cols === 0 ? 0 : rows, params: { rows, cols } }),
    }),
  },
  problem: ([x]) => ({ shape: x!.shape, ...asRows("softmax", x!.shape) }),
  output: ({ shape }) => ({ dtype: "float32", shape }),
  plan: () => ({ algorithm: "row" }),
  reference,
  cases,
})
