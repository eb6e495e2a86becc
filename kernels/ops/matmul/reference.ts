import { activated, activatedBounds } from "../../activated.ts"
import type { Tolerance } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { MatmulProblem } from "./matmul.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** What the activation is of: products times the scale, bias, and a residual that is added before it. */
function sums([left, right, bias, added]: Inputs, { batch, m, n, k, a, b, scale, residual }: MatmulProblem) {
  const y = new Float64Array(elems(batch) * m * n)
  for (let at = 0; at < y.length; at++) {
    const [col, row, matrix] = [at % n, Math.floor(at / n) % m, Math.floor(at / (n * m))]
    let sum = 0
    for (let x = 0; x < k; x++)
      sum += left![matrix * a.batch + row * a.row + x * a.col]! * right![matrix * b.batch + x * b.row + col * b.col]!
    y[at] = scale * sum + (bias?.[col] ?? 0) + (residual === "before" ? added![at]! : 0)
  }
  return y
}

export function reference(inputs: Inputs, problem: MatmulProblem): Float64Array {
  const values = sums(inputs, problem).map((value) => activated(value, problem.activation))
  return problem.residual === "after" ? values.map((value, i) => value + inputs[3]![i]!) : values
}

/**
 * Holds for any order of summation, fused or not (Higham, 3.5): a term meets at most k roundings, one each for the scale and its product, one for the bias and one for the
 * residual, and before them `roundings` of b's element, whose parts are of `sizes`; and products may be `off`, too. Then come the activation, and a residual after it.
 */
export function boundsOfProducts(
  inputs: Inputs,
  problem: MatmulProblem,
  expected: Float64Array,
  {
    sizes = inputs[1]!,
    roundings = 0,
    off,
  }: { sizes?: ArrayLike<number>; roundings?: number; off?: Float64Array } = {},
): Float64Array {
  const { k, activation, residual } = problem
  const scale = Math.abs(problem.scale)
  const terms = k + 4 + roundings
  const parts = sums(
    inputs.with(1, sizes).map((input) => input && Float64Array.from(input, Math.abs)),
    { ...problem, scale },
  )
  const bounds = parts.map(
    (size, i) => gamma(terms) * size + terms * (1 + roundings) * (1 + scale) * TINY + scale * (off?.[i] ?? 0),
  )
  const results = activatedBounds(sums(inputs, problem), bounds, activation)
  return residual === "after" ? results.map((bound, i) => bound + ULP * Math.abs(expected[i]!) + TINY) : results
}

export const sumOfProducts: Tolerance<MatmulProblem> = {
  formula: "f(γ(k + 4)·(|scale|·|a|·|b| + |bias| + |residual|) + (k + 4)·(1 + |scale|)·TINY) + ULP·|y|",
  bounds: boundsOfProducts,
}
