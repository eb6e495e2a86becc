import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { RmsNormProblem } from "./rms-norm.ts"

export function reference(
  [x, w]: readonly (ArrayLike<number> | undefined)[],
  { rows, cols, eps }: RmsNormProblem,
): Float64Array {
  const y = new Float64Array(rows * cols)
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let i = 0; i < cols; i++) sum += x![row * cols + i]! ** 2
    const scale = 1 / Math.sqrt(sum / cols + eps)
    for (let i = 0; i < cols; i++) y[row * cols + i] = x![row * cols + i]! * scale * w![i]!
  }
  return y
}

/**
 * The mean of squares has no cancellation: γ(cols) for the sum, 2.5 ULP for the division, 1 for adding eps and 1 for eps as float32. The inverse
 * square root halves all that and adds 2; two products add 2. Second-order terms are covered by 1 %.
 */
export const rmsNormError: Tolerance<RmsNormProblem> = {
  formula: "1.01·|y|·(γ(cols)/2 + 6.25·ULP) + 2·TINY",
  bounds: (_inputs, { cols }, expected) =>
    expected.map((y) => 1.01 * Math.abs(y) * (gamma(cols) / 2 + 6.25 * ULP) + 2 * TINY),
}
