import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { asRows, isPowerOfTwo } from "../../shapes.ts"
import { extremeCases, meanCases, sumCases } from "./cases.ts"
import { references } from "./reference.ts"

export type ReduceOp = "sum" | "mean" | "max" | "min"
export interface ReduceProblem {
  shape: Shape
  rows: number
  cols: number
}

/** float32 [..., cols] → [..., 1]: along the last axis. Finite inputs; a row of no columns has a sum, 0, and nothing else. */
function reduce(op: ReduceOp) {
  const isExtreme = op === "max" || op === "min"
  return defineKernel<ReduceProblem, Record<string, never>, "row">({
    name: `reduce-${op}`,
    inputs: [float32("x")],
    defaults: {},
    algorithms: {
      row: defineAlgorithm<ReduceProblem, (typeof wgsl)["ops/reduce/reduce.wgsl"]>(wgsl["ops/reduce/reduce.wgsl"], {
        config: () => ({ OP: op, REDUCE_SUM: !isExtreme, REDUCE_MAX: isExtreme }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
        refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
        dispatch: ({ rows, cols }) => ({ workgroups: rows, params: { rows, cols } }),
      }),
    },
    problem([x]) {
      const { rows, cols } = asRows(`reduce-${op}`, x!.shape)
      if (cols === 0 && op !== "sum")
        throw fail("IPFA_INPUT_SHAPE", { message: `Nothing has no ${op}: x is [${x!.shape}].`, data: { path: "x" } })
      return { shape: [...x!.shape.slice(0, -1), 1], rows, cols }
    },
    output: ({ shape }) => ({ dtype: "float32", shape }),
    plan: () => ({ algorithm: "row" }),
    reference: references[op],
    cases: op === "sum" ? sumCases : op === "mean" ? meanCases : extremeCases,
  })
}

export const reduceSum = reduce("sum")
export const reduceMean = reduce("mean")
export const reduceMax = reduce("max")
export const reduceMin = reduce("min")
