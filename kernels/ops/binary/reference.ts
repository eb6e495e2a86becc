import type { Tolerance } from "../../define-kernel.ts"
import { exact, oneRounding, TINY, ULP } from "../../tolerance.ts"
import { places } from "../../view.ts"
import type { BinaryOp, BinaryProblem } from "./binary.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]
type Each = (a: number, b: number, problem: BinaryProblem) => number

const elementwise =
  (f: Each) =>
  ([a, b]: Inputs, problem: BinaryProblem): Float64Array => {
    const right = places(problem.b)
    return Float64Array.from(places(problem.a), (place, i) => f(a![place]!, b![right[i]!]!, problem))
  }

export const references: Record<BinaryOp, (inputs: Inputs, problem: BinaryProblem) => Float64Array> = {
  add: elementwise((a, b) => a + b),
  sub: elementwise((a, b) => a - b),
  mul: elementwise((a, b) => a * b),
  // Whole numbers are divided towards 0.
  div: elementwise((a, b, { dtype }) => (dtype === "float32" ? a / b : Math.trunc(a / b))),
  max: elementwise((a, b) => Math.max(a, b)),
  min: elementwise((a, b) => Math.min(a, b)),
  pow: elementwise((a, b) => a ** b),
  prelu: elementwise((a, b) => (a >= 0 ? a : a * b)),
  remainder: elementwise((a, b) => a % b),
  modulo: elementwise((a, b) => a - b * Math.floor(a / b)),
  equal: elementwise((a, b) => Number(a === b)),
  less: elementwise((a, b) => Number(a < b)),
  greater: elementwise((a, b) => Number(a > b)),
  "less-or-equal": elementwise((a, b) => Number(a <= b)),
  "greater-or-equal": elementwise((a, b) => Number(a >= b)),
}

/** A division has 2.5 ULP. */
const division: Tolerance<BinaryProblem> = {
  formula: "2.5·ULP·|y| + TINY",
  bounds: (_inputs, _problem, expected) => expected.map((y) => 2.5 * ULP * Math.abs(y) + TINY),
}

/**
 * pow is exp2(b · log2 a): with L = log2 |a|, log2 is off by 2^-21 from ½ to 2 and by 3 ULP beyond, the product by one rounding, and
 * exp2 by 3 + 2|bL| ULP. Second-order terms are covered by 1 %.
 */
const power: Tolerance<BinaryProblem> = {
  formula: "1.01·|y|·(ln 2·(|b|·E + |bL|·ULP) + (3 + 2|bL|)·ULP) + TINY, E = 2^-21 or 3·|L|·ULP",
  bounds(inputs, problem, expected) {
    const errors = elementwise((a, b) => {
      if (a === 0) return 0
      const log = Math.abs(Math.log2(Math.abs(a)))
      const error = log <= 1 ? 2 ** -21 : 3 * log * ULP
      return Math.LN2 * (Math.abs(b) * error + Math.abs(b) * log * ULP) + (3 + 2 * Math.abs(b) * log) * ULP
    })(inputs, problem)
    return expected.map((y, i) => 1.01 * Math.abs(y) * errors[i]! + TINY)
  },
}

export const tolerances: Record<BinaryOp, Tolerance<BinaryProblem>> = {
  add: oneRounding,
  sub: oneRounding,
  mul: oneRounding,
  div: division,
  max: exact,
  min: exact,
  pow: power,
  prelu: oneRounding,
  remainder: exact,
  modulo: exact,
  equal: exact,
  less: exact,
  greater: exact,
  "less-or-equal": exact,
  "greater-or-equal": exact,
}
