import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface GatherAttributes {
  /** Of x, from 0. */
  axis: number
}
export interface GatherProblem {
  dtype: GpuDtype
  shape: Shape
  outer: number
  /** Elements of x along the axis. */
  size: number
  inner: number
  /** How many indices there are. */
  count: number
}

/** x of any dtype [a…, size, b…], indices int32 [i…] → [a…, i…, b…] */
export const gather = defineKernel<GatherProblem, GatherAttributes, "flat">({
  name: "gather",
  inputs: [
    { name: "x", dtypes: ["float32", "int32", "uint32"] },
    { name: "indices", dtypes: ["int32"] },
  ],
  defaults: { axis: 0 },
  algorithms: {
    flat: defineAlgorithm<GatherProblem, (typeof wgsl)["ops/gather/gather.wgsl"]>(wgsl["ops/gather/gather.wgsl"], {
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch: ({ shape, inner, count, size }, { WG }) => {
        const total = elems(shape)
        return { workgroups: Math.ceil(total / WG!), params: { elems: total, inner, count, size } }
      },
    }),
  },
  problem([x, indices], { axis }) {
    const { dtype, shape } = x!
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
      throw fail("IPFA_INPUT_INVALID", {
        message: `gather: [${shape}] has no axis ${axis}.`,
        data: { path: "axis", expected: `0 to ${shape.length - 1}` },
      })
    const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)]
    return {
      dtype,
      shape: [...before, ...indices!.shape, ...after],
      outer: elems(before),
      size: shape[axis]!,
      inner: elems(after),
      count: elems(indices!.shape),
    }
  },
  output: ({ dtype, shape }) => ({ dtype, shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
