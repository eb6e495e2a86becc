import type { Tolerance } from "../../define-kernel.ts"
import { lineReader } from "../../shapes.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { SoftmaxProblem } from "./softmax.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** For each line the distances to its largest element, all ≤ 0, and the sum of their powers; what `each` gives goes where the elements lie. */
function lines(
  [x]: Inputs,
  problem: SoftmaxProblem,
  each: (distances: Float64Array, sum: number) => Float64Array,
): Float64Array {
  const { rows, cols } = problem
  const place = lineReader(problem)
  const y = new Float64Array(rows * cols)
  for (let row = 0; row < rows; row++) {
    const line = Float64Array.from({ length: cols }, (_, i) => x![place(row, i)]!)
    const top = Math.max(...line)
    const distances = line.map((value) => value - top)
    const sum = distances.reduce((total, d) => total + Math.exp(d), 0)
    for (const [i, value] of each(distances, sum).entries()) y[place(row, i)] = value
  }
  return y
}

export const reference = (inputs: Inputs, problem: SoftmaxProblem): Float64Array =>
  lines(inputs, problem, (distances, sum) => distances.map((d) => Math.exp(d) / sum))

export const logReference = (inputs: Inputs, problem: SoftmaxProblem): Float64Array =>
  lines(inputs, problem, (distances, sum) => distances.map((d) => d - Math.log(sum)))

/** exp(d), d = x − max: d's rounding moves it by |d| ULP and exp adds 3 + 2|d|. */
const steps = (d: number) => 3 + 3 * Math.abs(d)
/** The relative error of the sum, in ULP, but for its own roundings. */
const shared = (distances: Float64Array, sum: number) =>
  distances.reduce((total, d) => total + (steps(d) * Math.exp(d)) / sum, 0)

/** The exponential's error, that of the sum and γ(cols) of its roundings, 2.5 ULP of the division. The maximum is exact. Second-order terms are covered by 1 %. */
export const softmaxError: Tolerance<SoftmaxProblem> = {
  formula: "1.01·yᵢ·((rᵢ + Σ rⱼyⱼ + 2.5)·ULP + γ(cols)) + 2·TINY, r = 3 + 3·|x − max|",
  bounds: (inputs, problem) =>
    lines(inputs, problem, (distances, sum) => {
      const all = shared(distances, sum) + 2.5
      return distances.map((d) => {
        return 1.01 * (Math.exp(d) / sum) * ((steps(d) + all) * ULP + gamma(problem.cols)) + 2 * TINY
      })
    }),
}

/** The sum's relative error is an absolute one of its logarithm, which WGSL gives to 2^-21 from ½ to 2 and to 3 ULP beyond; two differences round. */
export const logSoftmaxError: Tolerance<SoftmaxProblem> = {
  formula: "1.01·(Σ rⱼpⱼ·ULP + γ(cols)) + max(2^-21, 3·ULP·log Σ) + ULP·(|x − max| + |y|) + TINY, r = 3 + 3·|x − max|",
  bounds: (inputs, problem) =>
    lines(inputs, problem, (distances, sum) => {
      const log = Math.log(sum)
      const all = 1.01 * (shared(distances, sum) * ULP + gamma(problem.cols)) + Math.max(2 ** -21, 3 * ULP * log)
      return distances.map((d) => all + ULP * (Math.abs(d) + Math.abs(d - log)) + TINY)
    }),
}
