import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape, type TensorType } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { broadcast, broadcastShape, collapsed, MOST_AXES, sixAxes, type View, viewOf } from "../../view.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface WhereProblem {
  dtype: GpuDtype
  shape: Shape
  /** Of the condition, a and b, broadcast. */
  views: readonly [View, View, View]
}

const dtypes = ["float32", "int32", "uint32"] as const

/** condition uint32, a and b of one dtype, broadcast by NumPy's rules → a where the condition is not 0, else b */
export const where = defineKernel<WhereProblem, Record<string, never>, "flat">({
  name: "where",
  inputs: [
    { name: "condition", dtypes: ["uint32"], strided: () => true },
    { name: "a", dtypes, strided: () => true },
    { name: "b", dtypes, strided: () => true },
  ],
  defaults: {},
  algorithms: {
    flat: defineAlgorithm<WhereProblem, (typeof wgsl)["ops/where/where.wgsl"]>(wgsl["ops/where/where.wgsl"], {
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      refuses: ({ views }) => {
        const axes = collapsed(views)[0]!.shape.length
        return axes > MOST_AXES ? `${axes} axes are more than ${MOST_AXES}` : undefined
      },
      dispatch({ shape, views }, { WG }) {
        const count = elems(shape)
        const [c, a, b] = collapsed(views) as [View, View, View]
        const [, dim1, dim2, dim3, dim4, dim5] = sixAxes(c.shape, 1)
        const [c0, c1, c2, c3, c4, c5] = sixAxes(c.strides, 0)
        const [a0, a1, a2, a3, a4, a5] = sixAxes(a.strides, 0)
        const [b0, b1, b2, b3, b4, b5] = sixAxes(b.strides, 0)
        return {
          workgroups: Math.ceil(count / WG!),
          // biome-ignore format: an input a line
          params: {
            elems: count, dim1, dim2, dim3, dim4, dim5,
            c0, c1, c2, c3, c4, c5,
            a0, a1, a2, a3, a4, a5,
            b0, b1, b2, b3, b4, b5,
          },
        }
      },
    }),
  },
  problem(inputs) {
    const [condition, a, b] = inputs.map((input) => input!)
    if (a!.dtype !== b!.dtype)
      throw fail("IPFA_INPUT_INVALID", {
        message: `where takes a and b of one dtype, not ${a!.dtype} and ${b!.dtype}.`,
        data: { path: "b", expected: a!.dtype },
      })
    const shape = broadcastShape([condition!.shape, a!.shape, b!.shape])
    elems(shape)
    const view = (own: TensorType) => broadcast(viewOf(own), shape)
    return { dtype: a!.dtype, shape, views: [view(condition!), view(a!), view(b!)] }
  },
  output: ({ dtype, shape }) => ({ dtype, shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
