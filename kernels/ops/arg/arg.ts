import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { isPowerOfTwo, type Lines, linesAlong } from "../../shapes.ts"
import { casesOf } from "./cases.ts"
import { references } from "./reference.ts"

export interface ArgAttributes {
  /** From the end where it is below 0. */
  axis: number
  /** Of equal elements the last counts, not the first. */
  last: boolean
}
export interface ArgProblem extends Lines {
  dtype: GpuDtype
  shape: Shape
  last: boolean
}

/** x of any dtype [a…, cols, b…] → int32 [a…, 1, b…]: where along the axis the largest or least element lies. Finite inputs. */
function arg(op: "max" | "min") {
  const name = `arg-${op}`
  return defineKernel<ArgProblem, ArgAttributes, "line">({
    name,
    inputs: [{ name: "x", dtypes: ["float32", "int32", "uint32"] }],
    defaults: { axis: -1, last: false },
    algorithms: {
      line: defineAlgorithm<ArgProblem, (typeof wgsl)["ops/arg/arg.wgsl"]>(wgsl["ops/arg/arg.wgsl"], {
        config: ({ dtype, last }) => ({ T: dtype, OP: op, LAST: last }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 8 }),
        refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
        dispatch: ({ rows, cols, inner }) => ({ workgroups: rows, params: { rows, cols, inner } }),
      }),
    },
    problem([x], { axis, last }) {
      const lines = linesAlong(name, x!.shape, axis)
      if (lines.cols === 0)
        throw fail("IPFA_INPUT_SHAPE", { message: `Nothing has no ${name}: x is [${x!.shape}].`, data: { path: "x" } })
      return { dtype: x!.dtype, shape: x!.shape.with(lines.axis, 1), last, ...lines }
    },
    output: ({ shape }) => ({ dtype: "int32", shape }),
    plan: () => ({ algorithm: "line" }),
    reference: references[op],
    cases: casesOf(op),
  })
}

export const argMax = arg("max")
export const argMin = arg("min")
