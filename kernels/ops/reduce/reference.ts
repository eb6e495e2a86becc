import type { Tolerance } from "../../define-kernel.ts"
import { lineReader } from "../../shapes.ts"
import { exact, gamma, TINY, ULP } from "../../tolerance.ts"
import type { ReduceOp, ReduceProblem } from "./reduce.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]
type Line = (line: Float64Array) => number

const lines =
  (f: Line) =>
  ([x]: Inputs, problem: ReduceProblem): Float64Array => {
    const place = lineReader(problem)
    return Float64Array.from({ length: problem.rows }, (_, row) =>
      f(Float64Array.from({ length: problem.cols }, (_, i) => x![place(row, i)]!)),
    )
  }

const sum: Line = (line) => line.reduce((total, value) => total + value, 0)
const sizes: Line = (line) => sum(line.map(Math.abs))
const squares: Line = (line) => sum(line.map((value) => value ** 2))
const powers: Line = (line) => sum(line.map((value) => Math.exp(value - Math.max(...line))))

export const references: Record<ReduceOp, (inputs: Inputs, problem: ReduceProblem) => Float64Array> = {
  sum: lines(sum),
  mean: lines((line) => sum(line) / line.length),
  prod: lines((line) => line.reduce((product, value) => product * value, 1)),
  max: lines((line) => Math.max(...line)),
  min: lines((line) => Math.min(...line)),
  l1: lines(sizes),
  l2: lines((line) => Math.sqrt(squares(line))),
  "sum-square": lines(squares),
  "log-sum": lines((line) => Math.log(sum(line))),
  "log-sum-exp": lines((line) => Math.log(powers(line)) + Math.max(...line)),
}

const of = (formula: string, bound: (line: Float64Array) => number): Tolerance<ReduceProblem> => ({
  formula,
  bounds: (inputs, problem) => lines(bound)(inputs, problem),
})
/** WGSL: absolute 2^-21 from ½ to 2, else 3 ULP; whichever side of 2 the number falls on. */
const logError = (value: number) => Math.max(2 ** -21, 3 * ULP * Math.abs(Math.log(value)))

/** In any order of summation a term meets at most `cols` roundings; a square adds one to its own. */
const sumError = of("γ(cols)·Σ|x| + TINY", (line) => gamma(line.length) * sizes(line) + TINY)
const squareError = of("γ(cols + 1)·Σx² + cols·TINY", (line) => gamma(line.length + 1) * squares(line) + line.length * TINY) // biome-ignore format: a bound a line

export const tolerances: Record<ReduceOp, Tolerance<ReduceProblem>> = {
  sum: sumError,
  l1: sumError,
  "sum-square": squareError,
  max: exact,
  min: exact,
  // A sum, then a division (2.5 ULP).
  mean: of("1.01·(γ(cols) + 2.5·ULP)·mean of |x| + TINY", (line) => {
    return (1.01 * (gamma(line.length) + 2.5 * ULP) * sizes(line)) / line.length + TINY
  }),
  prod: of("γ(cols)·|y| + TINY", (line) => {
    return gamma(line.length) * Math.abs(line.reduce((product, value) => product * value, 1)) + TINY
  }),
  // The root halves the relative error of the sum and has 4.6 ULP of its own (1 / inverseSqrt).
  l2: of("1.01·(γ(cols + 1)/2 + 4.6·ULP)·|y| + √(cols·TINY)", (line) => {
    const error = gamma(line.length + 1) / 2 + 4.6 * ULP
    return 1.01 * error * Math.sqrt(squares(line)) + Math.sqrt(line.length * TINY)
  }),
  // The relative error of the sum is an absolute one of its logarithm.
  "log-sum": of("1.01·γ(cols)·Σ|x|/Σx + L", (line) => {
    return (1.01 * gamma(line.length) * sizes(line)) / sum(line) + logError(sum(line))
  }),
  // With d = x − max: its rounding moves eᵈ by |d| ULP and exp adds 3 + 2|d|; then the sum, its logarithm, and adding the maximum.
  "log-sum-exp": of("1.01·((3 + 3·mean of |d| weighted by eᵈ)·ULP + γ(cols)) + L + ULP·|y| + TINY", (line) => {
    const top = Math.max(...line)
    const total = powers(line)
    const shares = sum(line.map((value) => ((3 + 3 * (top - value)) * Math.exp(value - top)) / total))
    const own = 1.01 * (shares * ULP + gamma(line.length))
    return own + logError(total) + ULP * Math.abs(Math.log(total) + top) + TINY
  }),
}
