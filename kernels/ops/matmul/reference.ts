import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { MatmulProblem } from "./matmul.ts"

function products(a: ArrayLike<number>, b: ArrayLike<number>, { m, n, k }: MatmulProblem): Float64Array {
  const c = new Float64Array(m * n)
  for (let row = 0; row < m; row++)
    for (let x = 0; x < k; x++) {
      const left = a[row * k + x]!
      for (let col = 0; col < n; col++) c[row * n + col]! += left * b[x * n + col]!
    }
  return c
}

export function reference(inputs: readonly (ArrayLike<number> | undefined)[], problem: MatmulProblem): Float64Array {
  return products(inputs[0]!, inputs[1]!, problem)
}

/** Holds for any order of summation, fused or not (Higham, 3.5): a term meets at most k roundings. */
export const sumOfProducts: Tolerance<MatmulProblem> = {
  formula: "γ(k)·(|a|·|b|) + k·TINY",
  bounds([a, b], problem) {
    const size = products(Float64Array.from(a!, Math.abs), Float64Array.from(b!, Math.abs), problem)
    return size.map((s) => gamma(problem.k) * s + problem.k * TINY)
  },
}
