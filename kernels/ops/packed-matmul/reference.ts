import type { Tolerance } from "../../define-kernel.ts"
import type { Step } from "../../packed/block.ts"
import { layoutOf } from "../../packed/format.ts"
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

/** Σ over a row's eights of what one of them is at most off by, times the weights it meets: half a 127th of the largest, or half of 1e-30. */
function roundingOf(a: ArrayLike<number>, weights: Float64Array, problem: PackedMatmulProblem): Float64Array {
  const { k } = problem
  const off = Float64Array.from(a, (_, at) => {
    const row = at - (at % k)
    const first = at - ((at - row) % 8)
    let top = 0
    for (let i = first; i < Math.min(first + 8, row + k); i++) top = Math.max(top, Math.abs(a[i]!))
    return Math.max(top / 254, 5e-31)
  })
  return products(off, weights, undefined, problem)
}

/** Of quants as int8 the parts of a weight are not |q − zero| but |q − shift| and |zero − shift|, the shift being 128 where they have 8 bits. */
function int8Sizes({ format }: PackedMatmulProblem) {
  const shift = layoutOf(format).planes[0].bits === 8 ? 128 : 0
  return (q: number, { size, zero, low }: Step) =>
    Math.abs(size) * (Math.abs(q - shift) + Math.abs(zero - shift)) + Math.abs(low)
}

/**
 * As `packedError` where activations are whole multiples of a 127th of the largest of their eight: rounding changes none, and the size of the step is off by four
 * roundings more, a quotient's 2.5 ULP among them.
 */
export const int8Error: Tolerance<PackedMatmulProblem> = {
  formula: "γ(k + 12)·(|a|·(|size|·(|q − shift| + |zero − shift|) + |low|) + |bias|) + 12·(k + 1)·TINY",
  bounds([a, words, bias], problem) {
    const sizes = products(
      Float64Array.from(a!, Math.abs),
      unpack(wordsOf(words!, problem), int8Sizes(problem)),
      bias && Float64Array.from(bias, Math.abs),
      problem,
    )
    return sizes.map((size) => gamma(problem.k + 12) * size + 12 * (problem.k + 1) * TINY)
  },
}

/** As `int8Error`, and what rounding takes from each activation. */
export const int8Rounding: Tolerance<PackedMatmulProblem> = {
  formula: `${int8Error.formula} + 1.01·Σ max|a of its eight|/254·|w|`,
  bounds(inputs, problem, expected) {
    const [a, words] = inputs
    const off = roundingOf(a!, unpack(wordsOf(words!, problem)).map(Math.abs), problem)
    return int8Error.bounds(inputs, problem, expected).map((bound, i) => bound + 1.01 * off[i]!)
  },
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
