import { fail } from "../../../protocol/errors/error.ts"
import {
  defineAlgorithm,
  defineKernel,
  type GpuDtype,
  type Input,
  type Shape,
  type TensorType,
} from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { isByFours } from "../../walk.ts"
import { elementCases, rowCases } from "./cases.ts"
import { elementsReference, rowsReference } from "./reference.ts"

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
  /** How many are picked along it. */
  count: number
}

const inputs: readonly Input[] = [
  { name: "x", dtypes: ["float32", "int32", "uint32"] },
  { name: "indices", dtypes: ["int32"] },
]
/** `EACH`: an element has an index of its own. */
const flat = (EACH: boolean) => {
  const isFour = ({ inner }: GatherProblem) => !EACH && isByFours(inner)
  return defineAlgorithm<GatherProblem, (typeof wgsl)["ops/gather/gather.wgsl"]>(wgsl["ops/gather/gather.wgsl"], {
    config: (problem) => ({ EACH, FOUR: isFour(problem) }),
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
    dispatch: (problem, { WG }) => {
      const { shape, inner, count, size } = problem
      const each = isFour(problem) ? 4 : 1
      const total = elems(shape) / each
      return { workgroups: Math.ceil(total / WG!), params: { elems: total, inner: inner / each, count, size } }
    },
  })
}
const output = ({ dtype, shape }: GatherProblem) => ({ dtype, shape })

/** x's axes before `axis`, its own size, and those behind it. */
function around(op: string, { shape }: TensorType, axis: number): { before: Shape; size: number; after: Shape } {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
    throw fail("IPFA_INPUT_INVALID", {
      message: `${op}: [${shape}] has no axis ${axis}.`,
      data: { path: "axis", expected: `0 to ${shape.length - 1}` },
    })
  return { before: shape.slice(0, axis), size: shape[axis]!, after: shape.slice(axis + 1) }
}

/** x of any dtype [a…, size, b…], indices int32 [i…] → [a…, i…, b…] */
export const gather = defineKernel<GatherProblem, GatherAttributes, "flat">({
  name: "gather",
  inputs,
  defaults: { axis: 0 },
  algorithms: { flat: flat(false) },
  problem([x, indices], { axis }) {
    const { before, size, after } = around("gather", x!, axis)
    return {
      dtype: x!.dtype,
      shape: [...before, ...indices!.shape, ...after],
      outer: elems(before),
      size,
      inner: elems(after),
      count: elems(indices!.shape),
    }
  },
  output,
  plan: () => ({ algorithm: "flat" }),
  reference: rowsReference,
  cases: rowCases,
})

/** x of any dtype [a…, size, b…], indices int32 [a…, count, b…] → [a…, count, b…]: along `axis` each index picks from its own line of x. */
export const gatherElements = defineKernel<GatherProblem, GatherAttributes, "flat">({
  name: "gather-elements",
  inputs,
  defaults: { axis: 0 },
  algorithms: { flat: flat(true) },
  problem([x, indices], { axis }) {
    const { before, size, after } = around("gather-elements", x!, axis)
    const { shape } = indices!
    const count = shape[axis] ?? 0
    if (shape.join() !== x!.shape.with(axis, count).join())
      throw fail("IPFA_INPUT_SHAPE", {
        message: `gather-elements takes lines of indices along axis ${axis} of x [${x!.shape}], not [${shape}].`,
        data: { path: "indices" },
      })
    return { dtype: x!.dtype, shape, outer: elems(before), size, inner: elems(after), count }
  },
  output,
  plan: () => ({ algorithm: "flat" }),
  reference: elementsReference,
  cases: elementCases,
})
