import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape, type TensorType } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { broadcast, broadcastShape, type View, viewOf, wholeView } from "../../view.ts"
import { strideParams, walk, walkConfig, walkParams, walkRefusal } from "../../walk.ts"
import { casesOf } from "./cases.ts"
import { references } from "./reference.ts"

export type ArithmeticOp = "add" | "sub" | "mul" | "div" | "max" | "min" | "pow" | "prelu" | "remainder" | "modulo"
export type ComparisonOp = "equal" | "less" | "greater" | "less-or-equal" | "greater-or-equal"
export type BinaryOp = ArithmeticOp | ComparisonOp
export interface BinaryProblem {
  dtype: GpuDtype
  shape: Shape
  a: View
  b: View
}

const walked = ({ shape, a, b }: BinaryProblem) => walk([wholeView(shape), a, b])

/** a ∘ b of one dtype, broadcast by NumPy's rules; of a comparison the result is uint32, 1 or 0. */
function binary(op: BinaryOp, dtypes: readonly GpuDtype[], compares: boolean) {
  return defineKernel<BinaryProblem, Record<string, never>, "flat">({
    name: op === "max" || op === "min" ? `${op}imum` : op,
    inputs: [
      { name: "a", dtypes, strided: () => true },
      { name: "b", dtypes, strided: () => true },
    ],
    defaults: {},
    algorithms: {
      flat: defineAlgorithm<BinaryProblem, (typeof wgsl)["ops/binary/binary.wgsl"]>(wgsl["ops/binary/binary.wgsl"], {
        config: (problem) => ({
          OP: op.replaceAll("-", "_"),
          T: problem.dtype,
          COMPARES: compares,
          ...walkConfig(walked(problem), ["A", "B"]),
        }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        refuses: (problem) => walkRefusal(walked(problem)),
        dispatch(problem, { WG }) {
          const way = walked(problem)
          const params = {
            ...walkParams(way),
            ...strideParams("a", way.views[1]!),
            ...strideParams("b", way.views[2]!),
          }
          return { workgroups: Math.ceil(params.elems / WG!), params }
        },
      }),
    },
    problem(inputs) {
      const [a, b] = inputs as [TensorType, TensorType]
      if (a.dtype !== b.dtype)
        throw fail("IPFA_INPUT_INVALID", {
          message: `${op} takes two tensors of one dtype, not ${a.dtype} and ${b.dtype}.`,
          data: { path: "b", expected: a.dtype },
        })
      const shape = broadcastShape([a.shape, b.shape])
      elems(shape)
      return {
        dtype: a.dtype,
        shape,
        a: broadcast(viewOf(a), shape),
        b: broadcast(viewOf(b), shape),
      }
    },
    output: ({ dtype, shape }) => ({ dtype: compares ? "uint32" : dtype, shape }),
    plan: () => ({ algorithm: "flat" }),
    reference: references[op],
    cases: casesOf(op),
  })
}

const arithmetic = (op: ArithmeticOp, dtypes: readonly GpuDtype[] = ["float32", "int32", "uint32"]) =>
  binary(op, dtypes, false)
const comparison = (op: ComparisonOp) => binary(op, ["float32", "int32", "uint32"], true)

export const add = arithmetic("add")
export const sub = arithmetic("sub")
export const mul = arithmetic("mul")
export const div = arithmetic("div")
/** The larger of two. */
export const maximum = arithmetic("max")
/** The smaller of two. */
export const minimum = arithmetic("min")
/** Of a base below 0 only whole exponents; finite results. */
export const pow = arithmetic("pow", ["float32"])
/** a from 0 on, a · b below. */
export const prelu = arithmetic("prelu")
/** What is left of whole numbers after a division, with the sign of the first. */
export const remainder = arithmetic("remainder", ["int32", "uint32"])
/** The same with the sign of the second, as Python's % is. */
export const modulo = arithmetic("modulo", ["int32", "uint32"])
export const equal = comparison("equal")
export const less = comparison("less")
export const greater = comparison("greater")
export const lessOrEqual = comparison("less-or-equal")
export const greaterOrEqual = comparison("greater-or-equal")
