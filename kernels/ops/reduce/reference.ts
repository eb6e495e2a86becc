import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { ReduceOp, ReduceProblem } from "./reduce.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

const rowsOf =
  (f: (row: Float64Array) => number) =>
  ([x]: Inputs, { rows, cols }: ReduceProblem): Float64Array =>
    Float64Array.from({ length: rows }, (_, row) =>
      f(Float64Array.from({ length: cols }, (_, i) => x![row * cols + i]!)),
    )

const sum = (row: Float64Array) => row.reduce((total, value) => total + value, 0)

export const references: Record<ReduceOp, (inputs: Inputs, problem: ReduceProblem) => Float64Array> = {
  sum: rowsOf(sum),
  mean: rowsOf((row) => sum(row) / row.length),
  max: rowsOf((row) => Math.max(...row)),
  min: rowsOf((row) => Math.min(...row)),
}

const sizes = rowsOf((row) => sum(row.map(Math.abs)))

/** In any order of summation a term meets at most `cols` roundings. */
export const sumError: Tolerance<ReduceProblem> = {
  formula: "γ(cols)·Σ|x| + TINY",
  bounds: (inputs, problem) => sizes(inputs, problem).map((size) => gamma(problem.cols) * size + TINY),
}

/** A sum, then a division (2.5 ULP). */
export const meanError: Tolerance<ReduceProblem> = {
  formula: "1.01·(γ(cols) + 2.5·ULP)·mean of |x| + TINY",
  bounds: (inputs, problem) =>
    sizes(inputs, problem).map((size) => (1.01 * (gamma(problem.cols) + 2.5 * ULP) * size) / problem.cols + TINY),
}
