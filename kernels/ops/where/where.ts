import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape, type TensorType } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { broadcast, broadcastShape, type View, viewOf, wholeView } from "../../view.ts"
import { strideParams, walk, walkConfig, walkParams, walkRefusal } from "../../walk.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface WhereProblem {
  dtype: GpuDtype
  shape: Shape
  /** Of the condition, a and b, broadcast. */
  views: readonly [View, View, View]
}

const walked = ({ shape, views }: WhereProblem) => walk([wholeView(shape), ...views])
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
      config: (problem) => walkConfig(walked(problem), ["CONDITION", "A", "B"]),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      refuses: (problem) => walkRefusal(walked(problem)),
      dispatch(problem, { WG }) {
        const way = walked(problem)
        const [, c, a, b] = way.views
        const params = { ...walkParams(way), ...strideParams("c", c!), ...strideParams("a", a!), ...strideParams("b", b!) } // biome-ignore format: the params
        return { workgroups: Math.ceil(params.elems / WG!), params }
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
