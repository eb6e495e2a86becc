import type { Tolerance } from "../../define-kernel.ts"
import { lineReader } from "../../shapes.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { CumSumProblem } from "./cum-sum.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

export function reference([x]: Inputs, problem: CumSumProblem): Float64Array {
  const { rows, cols, exclusive, reverse } = problem
  const place = lineReader(problem)
  const y = new Float64Array(rows * cols)
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let i = 0; i < cols; i++) {
      const at = place(row, reverse ? cols - 1 - i : i)
      if (exclusive) y[at] = sum
      sum += x![at]!
      if (!exclusive) y[at] = sum
    }
  }
  return y
}

/** In whatever order the terms are added, each meets at most `cols` roundings. */
export const sumError: Tolerance<CumSumProblem> = {
  formula: "γ(cols)·Σ|x| so far + TINY",
  bounds: ([x], problem) =>
    reference([Array.from(x!, Math.abs)], problem).map((size) => gamma(problem.cols) * size + TINY),
}
