import { activated, activatedBounds } from "../../activated.ts"
import type { Tolerance } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { MatmulProblem } from "./matmul.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

function products([left, right, bias]: Inputs, { batch, m, n, k, a, b }: MatmulProblem): Float64Array {
  const y = new Float64Array(elems(batch) * m * n)
  for (let at = 0; at < y.length; at++) {
    const [col, row, matrix] = [at % n, Math.floor(at / n) % m, Math.floor(at / (n * m))]
    let sum = bias?.[col] ?? 0
    for (let x = 0; x < k; x++)
      sum += left![matrix * a.batch + row * a.row + x * a.col]! * right![matrix * b.batch + x * b.row + col * b.col]!
    y[at] = sum
  }
  return y
}

export function reference(inputs: Inputs, problem: MatmulProblem): Float64Array {
  return products(inputs, problem).map((value) => activated(value, problem.activation))
}

/** Holds for any order of summation, fused or not (Higham, 3.5): a term meets at most k roundings, and one for the bias. Then comes the activation. */
export const sumOfProducts: Tolerance<MatmulProblem> = {
  formula: "f(γ(k + 1)·(|a|·|b| + |bias|) + (k + 1)·TINY)",
  bounds(inputs, problem) {
    const sizes = products(
      inputs.map((input) => input && Float64Array.from(input, Math.abs)),
      problem,
    )
    const bounds = sizes.map((size) => gamma(problem.k + 1) * size + (problem.k + 1) * TINY)
    return activatedBounds(products(inputs, problem), bounds, problem.activation)
  },
}
