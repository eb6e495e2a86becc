import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { linesAlong } from "../../shapes.ts"
import { isByFours } from "../../walk.ts"
import { cases } from "./cases.ts"
import { reference, sumOfTaps } from "./reference.ts"

export interface ResampleAttributes {
  /** From the end where it is below 0. */
  axis: number
}
export interface ResampleProblem {
  shape: Shape
  outer: number
  inner: number
  /** Elements along the axis: of x, and of the result. */
  size: number
  count: number
  taps: number
}

/**
 * x float32 [a…, size, b…], indices int32 and weights float32 [count, taps] → [a…, count, b…]: element j along the axis is the sum of those at indices[j], times
 * weights[j]. Indices are from 0 to size − 1. Interpolation of any kind, an axis at a time.
 */
export const resample = defineKernel<ResampleProblem, ResampleAttributes, "flat">({
  name: "resample",
  inputs: [float32("x"), { name: "indices", dtypes: ["int32"] }, float32("weights")],
  defaults: { axis: -1 },
  algorithms: {
    flat: defineAlgorithm<ResampleProblem, (typeof wgsl)["ops/resample/resample.wgsl"]>(
      wgsl["ops/resample/resample.wgsl"],
      {
        config: ({ outer, inner }) => ({ FOUR: isByFours(inner), LINES: isByFours(outer) }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch: ({ shape, outer, count, inner, size, taps }, { WG }) => {
          const each = isByFours(inner) ? 4 : 1
          const total = elems(shape) / each / (isByFours(outer) ? 4 : 1)
          return {
            workgroups: Math.ceil(total / WG!),
            params: { elems: total, count, inner: inner / each, size, taps },
          }
        },
      },
    ),
  },
  problem([x, indices, weights], { axis }) {
    const { axis: at, cols, inner } = linesAlong("resample", x!.shape, axis)
    const outer = elems(x!.shape.slice(0, at))
    const [count, taps] = indices!.shape
    if (indices!.shape.length !== 2 || weights!.shape.join() !== indices!.shape.join())
      throw fail("IPFA_INPUT_SHAPE", {
        message: `resample takes indices and weights as [count, taps], not as [${indices!.shape}] and [${weights!.shape}].`,
        data: { path: "indices", expected: "[count, taps]" },
      })
    return { shape: x!.shape.with(at, count!), outer, inner, size: cols, count: count!, taps: taps! }
  },
  output: ({ shape }) => ({ dtype: "float32", shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases: cases.map((one) => ({ ...one, tolerance: sumOfTaps })),
})
