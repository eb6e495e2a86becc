import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { isPowerOfTwo, type Lines, linesAlong } from "../../shapes.ts"
import { casesOf } from "./cases.ts"
import { logReference, reference } from "./reference.ts"

export interface SoftmaxAttributes {
  /** From the end where it is below 0. */
  axis: number
}
export interface SoftmaxProblem extends Lines {
  shape: Shape
}

function softmaxKernel(name: "softmax" | "log-softmax") {
  const isLog = name === "log-softmax"
  return defineKernel<SoftmaxProblem, SoftmaxAttributes, "line">({
    name,
    inputs: [float32("x")],
    defaults: { axis: -1 },
    algorithms: {
      line: defineAlgorithm<SoftmaxProblem, (typeof wgsl)["ops/softmax/softmax.wgsl"]>(
        wgsl["ops/softmax/softmax.wgsl"],
        {
          config: () => ({ T: "float32", LOG: isLog, REDUCE_SUM: true, REDUCE_MAX: true }),
          workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
          refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
          dispatch: ({ rows, cols, inner }) => ({ workgroups: cols === 0 ? 0 : rows, params: { rows, cols, inner } }),
        },
      ),
    },
    problem: ([x], { axis }) => ({ shape: x!.shape, ...linesAlong(name, x!.shape, axis) }),
    output: ({ shape }) => ({ dtype: "float32", shape }),
    plan: () => ({ algorithm: "line" }),
    reference: isLog ? logReference : reference,
    cases: casesOf(name),
  })
}

/** float32 → the same shape; each line along the axis sums to 1. Finite inputs. */
export const softmax = softmaxKernel("softmax")
/** The logarithm of softmax. */
export const logSoftmax = softmaxKernel("log-softmax")
