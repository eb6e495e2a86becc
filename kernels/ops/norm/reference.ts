import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { NormProblem } from "./norm.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

interface Row {
  values: Float64Array
  mean: number
  /** Variance, or mean of squares, and eps. */
  spread: number
}

/** `each` of every element: its row, its place in it, its weight and bias. */
function rows(
  [x, w, bias, residual]: Inputs,
  { rows, cols, span, weights, eps, centred }: NormProblem,
  each: (row: Row, i: number, weight: number, shift: number) => number,
): Float64Array {
  const y = new Float64Array(rows * cols)
  for (let r = 0; r < rows; r++) {
    const values = Float64Array.from({ length: cols }, (_, i) => x![r * cols + i]! + (residual?.[r * cols + i] ?? 0))
    const mean = centred ? values.reduce((sum, value) => sum + value, 0) / cols : 0
    const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / cols + eps
    for (let i = 0; i < cols; i++) {
      const at = Math.floor((r * cols + i) / span) % weights
      y[r * cols + i] = each({ values, mean, spread }, i, w![at]!, bias?.[at] ?? 0)
    }
  }
  return y
}

export const reference = (inputs: Inputs, problem: NormProblem): Float64Array =>
  rows(
    inputs,
    problem,
    ({ values, mean, spread }, i, w, shift) => ((values[i]! - mean) / Math.sqrt(spread)) * w + shift,
  )

/**
 * With v = x + residual (one rounding, e = ULP·|v|), the mean is off by M = (γ(cols) + 3.5 ULP)·mean of |v|, and so a difference d by D = e + M + ULP·|d|. The
 * mean of squares is off by S = mean of (2·|d|·D + D²) + (γ(cols + 1) + 2.5 ULP)·(mean of d²), and one rounding each for eps and adding it. Its inverse root
 * is off by r = 1/√(1 − S/s) − 1, relative, and 2 ULP; two products and the bias round.
 */
export const normError: Tolerance<NormProblem> = {
  formula: "1.01·|w|/√s·(D + |d|·(r + 4·ULP)) + ULP·|y| + 2·TINY",
  bounds(inputs, problem) {
    const { cols, centred, residual } = problem
    const known = new Map<Float64Array, { off: number; relative: number }>()
    const errors = ({ values, mean, spread }: Row) => {
      const size = values.reduce((sum, value) => sum + Math.abs(value), 0) / cols
      const off = centred ? (gamma(cols) + 3.5 * ULP) * size : 0
      let moved = 0
      let squares = 0
      for (const value of values) {
        const d = Math.abs(value - mean)
        const error = (residual ? ULP * Math.abs(value) : 0) + off + (centred ? ULP * d : 0)
        moved += (2 * d * error + error ** 2) / cols
        squares += d ** 2 / cols
      }
      const total = moved + (gamma(cols + 1) + 2.5 * ULP) * squares + 2 * ULP * spread
      return { off, relative: 1 / Math.sqrt(1 - total / spread) - 1 }
    }
    return rows(inputs, problem, (row, i, w, shift) => {
      const { off, relative } = known.get(row.values) ?? errors(row)
      known.set(row.values, { off, relative })
      const value = row.values[i]!
      const d = Math.abs(value - row.mean)
      const error = (residual ? ULP * Math.abs(value) : 0) + off + (centred ? ULP * d : 0)
      const scale = Math.abs(w) / Math.sqrt(row.spread)
      return (
        1.01 * scale * (error * (1 + relative) + d * (relative + 4 * ULP)) +
        ULP * (d * scale + Math.abs(shift)) +
        2 * TINY
      )
    })
  },
}
