import type { Tolerance } from "../../define-kernel.ts"
import { unpack } from "../../packed/packed-tensor.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { PackedMatmulProblem } from "./packed-matmul.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

function products(
  a: ArrayLike<number>,
  w: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
  { m, n, k }: PackedMatmulProblem,
) {
  const y = new Float64Array(m * n)
  for (let at = 0; at < y.length; at++) {
    const [row, col] = [Math.floor(at / n), at % n]
    let sum = bias?.[col] ?? 0
    for (let x = 0; x < k; x++) sum += a[row * k + x]! * w[col * k + x]!
    y[at] = sum
  }
  return y
}

const weightsOf = (words: ArrayLike<number>, { format, n, k }: PackedMatmulProblem) =>
  unpack({ format, shape: [n, k], words })

export function reference([a, words, bias]: Inputs, problem: PackedMatmulProblem): Float64Array {
  return products(a!, weightsOf(words!, problem), bias, problem)
}

/** A weight is off by two roundings, q − zero and its product with the scale; then as for any sum of products (Higham, 3.5), the bias among them. */
export const packedError: Tolerance<PackedMatmulProblem> = {
  formula: "γ(k + 3)·(|a|·|w| + |bias|) + 3·(k + 1)·TINY",
  bounds([a, words, bias], problem) {
    const sizes = products(
      Float64Array.from(a!, Math.abs),
      weightsOf(words!, problem).map(Math.abs),
      bias && Float64Array.from(bias, Math.abs),
      problem,
    )
    return sizes.map((size) => gamma(problem.k + 3) * size + 3 * (problem.k + 1) * TINY)
  },
}
