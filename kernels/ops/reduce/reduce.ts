import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type GpuDtype, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { isPowerOfTwo, type Lines, linesAlong } from "../../shapes.ts"
import { casesOf } from "./cases.ts"
import { references } from "./reference.ts"

export type ReduceOp = "sum" | "mean" | "prod" | "max" | "min" | "l1" | "l2" | "sum-square" | "log-sum" | "log-sum-exp"
export interface ReduceAttributes {
  /** From the end where it is below 0. */
  axis: number
}
export interface ReduceProblem extends Lines {
  dtype: GpuDtype
  shape: Shape
}

interface Recipe {
  /** What of each element is added up. */
  term?: "value" | "size" | "square" | "power"
  result: "sum" | "mean" | "root" | "log" | "log_and_most" | "product" | "most" | "least"
  dtypes: readonly GpuDtype[]
}
const numbers = ["float32", "int32", "uint32"] as const
const fractions = ["float32"] as const
const recipes: Record<ReduceOp, Recipe> = {
  sum: { term: "value", result: "sum", dtypes: numbers },
  mean: { term: "value", result: "mean", dtypes: fractions },
  prod: { result: "product", dtypes: numbers },
  max: { result: "most", dtypes: numbers },
  min: { result: "least", dtypes: numbers },
  l1: { term: "size", result: "sum", dtypes: numbers },
  l2: { term: "square", result: "root", dtypes: fractions },
  "sum-square": { term: "square", result: "sum", dtypes: numbers },
  "log-sum": { term: "value", result: "log", dtypes: fractions },
  "log-sum-exp": { term: "power", result: "log_and_most", dtypes: fractions },
}

/** x [a…, cols, b…] → [a…, 1, b…], along one axis. Finite inputs; a line of no elements has a sum, 0, and a product, 1, and nothing else. */
function reduce(op: ReduceOp) {
  const { term, result, dtypes } = recipes[op]
  const config = {
    OP: op.replaceAll("-", "_"),
    TERM: term ?? "none",
    RESULT: result,
    REDUCE_SUM: term !== undefined,
    REDUCE_PROD: result === "product",
    REDUCE_MAX: ["most", "least", "log_and_most"].includes(result),
  }
  return defineKernel<ReduceProblem, ReduceAttributes, "line">({
    name: `reduce-${op}`,
    inputs: [{ name: "x", dtypes }],
    defaults: { axis: -1 },
    algorithms: {
      line: defineAlgorithm<ReduceProblem, (typeof wgsl)["ops/reduce/reduce.wgsl"]>(wgsl["ops/reduce/reduce.wgsl"], {
        config: ({ dtype }) => ({ ...config, T: dtype }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
        refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
        dispatch: ({ rows, cols, inner }) => ({ workgroups: rows, params: { rows, cols, inner } }),
      }),
    },
    problem([x], { axis }) {
      const lines = linesAlong(`reduce-${op}`, x!.shape, axis)
      if (lines.cols === 0 && !["sum", "product"].includes(result))
        throw fail("IPFA_INPUT_SHAPE", { message: `Nothing has no ${op}: x is [${x!.shape}].`, data: { path: "x" } })
      return { dtype: x!.dtype, shape: x!.shape.with(lines.axis, 1), ...lines }
    },
    output: ({ dtype, shape }) => ({ dtype, shape }),
    plan: () => ({ algorithm: "line" }),
    reference: references[op],
    cases: casesOf(op, dtypes),
  })
}

export const reduceSum = reduce("sum")
export const reduceMean = reduce("mean")
export const reduceProd = reduce("prod")
export const reduceMax = reduce("max")
export const reduceMin = reduce("min")
/** The sum of the sizes. */
export const reduceL1 = reduce("l1")
/** The root of the sum of the squares. */
export const reduceL2 = reduce("l2")
export const reduceSumSquare = reduce("sum-square")
/** The logarithm of the sum, which must be above 0. */
export const reduceLogSum = reduce("log-sum")
/** The logarithm of the sum of eˣ, the largest x taken out first. */
export const reduceLogSumExp = reduce("log-sum-exp")
