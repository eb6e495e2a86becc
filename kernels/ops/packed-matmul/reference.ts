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

const wordsOf = (words: ArrayLike<number>, { format, n, k }: PackedMatmulProblem) =>
  ({ format, shape: [n, k], words: words as Uint32Array<ArrayBuffer> }) as const

export function reference([a, words, bias]: Inputs, problem: PackedMatmulProblem): Float64Array {
  return products(a!, unpack(wordsOf(words!, problem)), bias, problem)
}

/**
 * A weight is off by five roundings of its parts |size·(q − zero)| and |low|: of its group's size or low, of q − zero, of their product, and of the difference. Then
 * as for any sum of products (Higham, 3.5), the bias among them.
 */
export const packedError: Tolerance<PackedMatmulProblem> = {
  formula: "γ(k + 5)·(|a|·(|size·(q − zero)| + |low|) + |bias|) + 5·(k + 1)·TINY",
  bounds([a, words, bias], problem) {
    const sizes = products(
      Float64Array.from(a!, Math.abs),
      unpack(wordsOf(words!, problem), (q, { size, zero, low }) => Math.abs(size * (q - zero)) + Math.abs(low)),
      bias && Float64Array.from(bias, Math.abs),
      problem,
    )
    return sizes.map((size) => gamma(problem.k + 5) * size + 5 * (problem.k + 1) * TINY)
  },
}
