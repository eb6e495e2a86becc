import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { reach, type View, wholeView } from "../../view.ts"
import { strideParams, walk, walkConfig, walkParams, walkRefusal } from "../../walk.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface CopyAttributes {
  /** What is read of x; all of it unless given. */
  from: View | undefined
  /** Where it is written, a view of the same shape; all of y unless given. */
  to: View | undefined
  /** y's shape; that of `from` unless given. What `to` leaves out of y stays as it is, which in a new tensor is 0. */
  shape: Shape | undefined
}
export interface CopyProblem {
  dtype: GpuDtype
  shape: Shape
  from: View
  to: View
}

const walked = ({ from, to }: CopyProblem) => walk([to, from])

/** x of any shape and dtype → y of the same dtype: moves what `from` shows of x to where `to` shows in y, bit for bit. */
export const copy = defineKernel<CopyProblem, CopyAttributes, "strided">({
  name: "copy",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: { from: undefined, to: undefined, shape: undefined },
  algorithms: {
    strided: defineAlgorithm<CopyProblem, (typeof wgsl)["ops/copy/copy.wgsl"]>(wgsl["ops/copy/copy.wgsl"], {
      config: (problem) => walkConfig(walked(problem), ["X"]),
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      refuses: (problem) => walkRefusal(walked(problem)),
      dispatch(problem, { WG }) {
        const way = walked(problem)
        const [to, from] = way.views
        const offsets = { in_offset: from!.offset, out_offset: to!.offset }
        const params = { ...walkParams(way), ...offsets, ...strideParams("in", from!), ...strideParams("out", to!) }
        return { workgroups: Math.ceil(params.elems / WG!), params }
      },
    }),
  },
  problem([x], { from = wholeView(x!.shape), to, shape = from.shape }) {
    const target = to ?? wholeView(shape)
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", { message: `copy's ${path} is not ${expected}.`, data: { path, expected } })
    if (target.shape.join() !== from.shape.join()) throw refuse("to", `a view of [${from.shape}]`)
    within(from, elems(x!.shape), () => refuse("from", `within [${x!.shape}]`))
    within(target, elems(shape), () => refuse("to", `within [${shape}]`))
    return { dtype: x!.dtype, shape, from, to: target }
  },
  output: ({ dtype, shape }) => ({ dtype, shape }),
  isPartial: true,
  plan: () => ({ algorithm: "strided" }),
  reference,
  cases,
})

function within(view: View, count: number, refusal: () => Error): void {
  const places = reach(view)
  if (places && (places[0] < 0 || places[1] >= count)) throw refusal()
}
