import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { GeluAttributes, UnaryProblem } from "./unary.ts"

export const relu = (x: number): number => Math.max(x, 0)

/**
 * The complementary error function for z ≥ 0 in float64: the Maclaurin series of erf below 2.5 and Laplace's continued fraction above
 * (Abramowitz and Stegun 7.1.6 and 7.1.14); relative error below 1e-11.
 */
export function erfc(z: number): number {
  if (z > 27) return 0
  if (z < 2.5) {
    let term = z
    let sum = z
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= (2 * z * z) / (2 * n + 1)
      sum += term
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum
  }
  let fraction = z
  for (let n = 200; n > 0; n--) fraction = z + n / 2 / fraction
  return Math.exp(-z * z) / Math.sqrt(Math.PI) / fraction
}

const slope = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)

export function gelu(x: number, { approximate }: GeluAttributes): number {
  if (approximate === "tanh") return x / (1 + Math.exp(-slope(x)))
  const tail = erfc(Math.abs(x) * Math.SQRT1_2)
  return x < 0 ? 0.5 * x * tail : 0.5 * x * (2 - tail)
}

/** Only moved or set to 0; a subnormal may be flushed. */
export const chosen: Tolerance<unknown> = {
  formula: "TINY where y ≠ 0, else 0",
  bounds: (_inputs, _problem, expected) => expected.map((y) => (y === 0 ? 0 : TINY)),
}

const coefficients = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]

/**
 * x/2 · (1 + erf z), z = |x|/√2, erf z = 1 − p(t)·e^(−z²), t = 1/(1 + 0.3275911·z). To the approximation's own 1.5e-7 come, in ULP:
 * Horner's scheme γ(2·5)·Σ|aᵢ|tⁱ and t's 5 roundings through Σ i|aᵢ|tⁱ, both times e^(−z²); exp and its argument p·(3 + 5z²)·e^(−z²)
 * with p ≤ 1; z's 2 through erf′·z ≤ 0.49; 2 for the last product and difference. Then 3 roundings of the result's size.
 */
export const geluErf: Tolerance<UnaryProblem<GeluAttributes>> = {
  formula: "|x|/2·(1.5e-7 + E(z)·ULP) + 4·ULP·|x| + TINY, E as derived beside it",
  bounds([x]) {
    return Float64Array.from(x!, (value) => {
      const z = Math.abs(value) * Math.SQRT1_2
      const t = 1 / (1 + 0.3275911 * z)
      let horner = 0
      let slopes = 0
      for (const [i, a] of coefficients.entries()) {
        horner += Math.abs(a) * t ** (i + 1)
        slopes += (i + 1) * Math.abs(a) * t ** (i + 1)
      }
      const damp = Math.exp(-z * z)
      const erf = 1.5e-7 + damp * (gamma(10) * horner + ULP * (5 * slopes + 3 + 5 * z * z)) + 3 * ULP
      return (Math.abs(value) / 2) * erf + 4 * ULP * Math.abs(value) + TINY
    })
  },
}

/**
 * x / (1 + e^(−s)): s has 7 roundings (no cancellation: its terms have one sign), so e^(−s) is off by 7|s| + 3 + 2|s| ULP, which reaches y
 * in the proportion e/(1 + e); sum and division add 3.5. The clamp at e^87 makes of y at most |x|·e^-87,
 * give or take exp's error.
 */
export const geluTanh: Tolerance<UnaryProblem<GeluAttributes>> = {
  formula: "|y|·ULP·(4 + (3 + 9|s|)·e/(1 + e)) + 1.01·|x|·e^-87 + TINY",
  bounds([x], _problem, expected) {
    return expected.map((y, i) => {
      const s = slope(x![i]!)
      const share = 1 / (1 + Math.exp(s))
      return Math.abs(y) * ULP * (4 + (3 + 9 * Math.abs(s)) * share) + 1.01 * Math.abs(x![i]!) * Math.exp(-87) + TINY
    })
  },
}
