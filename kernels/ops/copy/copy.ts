import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { collapsed, MOST_AXES, reach, sixAxes, type View, wholeView } from "../../view.ts"
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

/** x of any shape and dtype → y of the same dtype: moves what `from` shows of x to where `to` shows in y, bit for bit. */
export const copy = defineKernel<CopyProblem, CopyAttributes, "strided">({
  name: "copy",
  inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
  defaults: { from: undefined, to: undefined, shape: undefined },
  algorithms: {
    strided: defineAlgorithm<CopyProblem, (typeof wgsl)["ops/copy/copy.wgsl"]>(wgsl["ops/copy/copy.wgsl"], {
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      refuses: ({ from, to }) => {
        const axes = collapsed([from, to])[0]!.shape.length
        return axes > MOST_AXES ? `${axes} axes are more than ${MOST_AXES}` : undefined
      },
      dispatch(problem, { WG }) {
        const count = elems(problem.from.shape)
        const [from, to] = collapsed([problem.from, problem.to]) as [View, View]
        const [, dim1, dim2, dim3, dim4, dim5] = sixAxes(from.shape, 1)
        const [in0, in1, in2, in3, in4, in5] = sixAxes(from.strides, 0)
        const [out0, out1, out2, out3, out4, out5] = sixAxes(to.strides, 0)
        return {
          workgroups: Math.ceil(count / WG!),
          // biome-ignore format: a view a line
          params: {
            elems: count, dim1, dim2, dim3, dim4, dim5,
            in_offset: from.offset, in0, in1, in2, in3, in4, in5,
            out_offset: to.offset, out0, out1, out2, out3, out4, out5,
          },
        }
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
