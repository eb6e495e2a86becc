/**
 * The s for which −s, 0 and s are closest to `weights`, by the sum of squares: with the k largest of them as ±s that is their mean size, and of all k the best is taken. What the
 * literature takes for speed in training is a guess at it: Li and others (Ternary Weight Networks, arXiv 1605.04711, whose equation 5 this solves) those over 0.7 of the mean
 * size; BitNet b1.58 (arXiv 2402.17764) the mean size itself. On groups of 64 from a normal distribution they come to 1.02 and 1.4 times the squared error.
 */
export function ternarySize(weights: ArrayLike<number>): number {
  const sizes = Float64Array.from(weights, Math.abs).sort().reverse()
  let [sum, size, gain] = [0, 0, 0]
  for (const [i, one] of sizes.entries()) {
    sum += one
    // The error is Σw² less this.
    if (sum ** 2 / (i + 1) <= gain) continue
    gain = sum ** 2 / (i + 1)
    size = sum / (i + 1)
  }
  return size
}

/** The s for which −s and s are closest to `weights`, by the sum of squares: their mean size. Source: Rastegari and others, XNOR-Net, arXiv 1603.05279, equation 6. */
export function binarySize(weights: ArrayLike<number>): number {
  return Array.from(weights).reduce((sum, weight) => sum + Math.abs(weight), 0) / weights.length
}
