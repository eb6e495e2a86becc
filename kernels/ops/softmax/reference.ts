import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { SoftmaxProblem } from "./softmax.ts"

export function reference(
  [x]: readonly (ArrayLike<number> | undefined)[],
  { rows, cols }: SoftmaxProblem,
): Float64Array {
  const y = new Float64Array(rows * cols)
  for (let row = 0; row < rows; row++) {
    let top = Number.NEGATIVE_INFINITY
    for (let i = 0; i < cols; i++) top = Math.max(top, x![row * cols + i]!)
    let sum = 0
    for (let i = 0; i < cols; i++) {
      const e = Math.exp(x![row * cols + i]! - top)
      y[row * cols + i] = e
      sum += e
    }
    for (let i = 0; i < cols; i++) y[row * cols + i]! /= sum
  }
  return y
}

/**
 * eᵢ = exp(d), d = xᵢ − max: d's rounding moves it by |d| ULP, exp adds 3 + 2|d|, so rᵢ = 3 + 3|d|. The sum carries Σ rⱼyⱼ of that and γ(cols) of
 * its own, the division 2.5. The maximum is exact. Second-order terms are covered by 1 %.
 */
export const softmaxError: Tolerance<SoftmaxProblem> = {
  formula: "1.01·yᵢ·((rᵢ + Σ rⱼyⱼ + 2.5)·ULP + γ(cols)) + 2·TINY, r = 3 + 3·|x − max|",
  bounds([x], { rows, cols }, expected) {
    const bounds = new Float64Array(expected.length)
    for (let row = 0; row < rows; row++) {
      const at = (i: number) => row * cols + i
      let top = Number.NEGATIVE_INFINITY
      for (let i = 0; i < cols; i++) top = Math.max(top, x![at(i)]!)
      const r = (i: number) => 3 + 3 * Math.abs(x![at(i)]! - top)
      let shared = 0
      for (let i = 0; i < cols; i++) shared += r(i) * expected[at(i)]!
      for (let i = 0; i < cols; i++)
        bounds[at(i)] = 1.01 * expected[at(i)]! * ((r(i) + shared + 2.5) * ULP + gamma(cols)) + 2 * TINY
    }
    return bounds
  },
}
