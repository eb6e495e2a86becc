import { clipped } from "../../activation.ts"
import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { Constants, UnaryOp, UnaryProblem } from "./unary.ts"

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

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const erf = (x: number) => Math.sign(x) * (1 - erfc(Math.abs(x)))
/** To the nearest, halves to the even one. */
function round(x: number): number {
  const up = Math.round(x)
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up
}
function gelu(x: number): number {
  const tail = erfc(Math.abs(x) * Math.SQRT1_2)
  return x < 0 ? 0.5 * x * tail : 0.5 * x * (2 - tail)
}

export const functions: Record<UnaryOp, (x: number, constants: Constants) => number> = {
  relu: (x) => Math.max(x, 0),
  clip: (x, { alpha, beta }) => clipped(x, { low: alpha, high: beta }),
  "leaky-relu": (x, { alpha }) => (x < 0 ? alpha * x : x),
  "hard-sigmoid": (x, { alpha, beta }) => clipped(alpha * x + beta, { low: 0, high: 1 }),
  "hard-swish": (x) => x * clipped(x / 6 + 0.5, { low: 0, high: 1 }),
  sigmoid,
  silu: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  gelu,
  "gelu-tanh": (x) => x * sigmoid(slope(x)),
  erf,
  abs: Math.abs,
  neg: (x) => -x,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  exp: Math.exp,
  log: Math.log,
  floor: Math.floor,
  ceil: Math.ceil,
  round,
  "round-to": (x, { alpha, beta, gamma = 0 }) => clipped(round(x / alpha), { low: beta, high: gamma }) * alpha,
  sign: Math.sign,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
}

/** Only moved or set to 0; a subnormal may be flushed. */
export const chosen: Tolerance<unknown> = {
  formula: "TINY where y ≠ 0, else 0",
  bounds: (_inputs, _problem, expected) => expected.map((y) => (y === 0 ? 0 : TINY)),
}

const coefficients = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]

/**
 * The approximation of erf z, z ≥ 0: 1 − p(t)·e^(−z²), t = 1/(1 + 0.3275911·z). To the approximation's own 1.5e-7 come, in ULP: Horner's scheme
 * γ(2·5)·Σ|aᵢ|tⁱ and t's 5 roundings through Σ i|aᵢ|tⁱ, both times e^(−z²); exp and its argument p·(3 + 5z²)·e^(−z²) with p ≤ 1; z's own 2
 * through erf′·z ≤ 0.49; 1 for the difference.
 */
function erfError(z: number): number {
  const t = 1 / (1 + 0.3275911 * z)
  let horner = 0
  let slopes = 0
  for (const [i, a] of coefficients.entries()) {
    horner += Math.abs(a) * t ** (i + 1)
    slopes += (i + 1) * Math.abs(a) * t ** (i + 1)
  }
  const damp = Math.exp(-z * z)
  return 1.5e-7 + damp * (gamma(10) * horner + ULP * (5 * slopes + 3 + 5 * z * z)) + 3 * ULP
}

/**
 * 1 / (1 + e^(−v)) of a `v` that is itself off by `steps` roundings: e is off by steps·|v| + 3 + 2|v| ULP, which reaches the result in the
 * proportion e/(1 + e); sum and division add 3.5. Relative. The clamp at e^87 adds e^-87 at most, give or take exp's error.
 */
const sigmoidError = (v: number, steps: number) =>
  1.01 * ULP * (3.5 + (3 + (2 + steps) * Math.abs(v)) / (1 + Math.exp(v)))
const CLAMPED = 1.01 * Math.exp(-87)

type Bound = (x: number, y: number, constants: Constants) => number
const of = (formula: string, bound: Bound): Tolerance<UnaryProblem> => ({
  formula,
  bounds: ([x], { constants }, expected) => expected.map((y, i) => bound(x![i]!, y, constants)),
})
/** `n` ULP of the result. */
const ulps = (n: number) => of(`${n}·ULP·|y| + TINY`, (_x, y) => n * ULP * Math.abs(y) + TINY)
const kept = of("0", () => 0)
/** WGSL: absolute 2^-11 from −π to π. */
const WAVE = 2 ** -11
const wave = of("2^-11", () => WAVE)

export const tolerances: Record<UnaryOp, Tolerance<UnaryProblem>> = {
  relu: chosen,
  clip: chosen,
  abs: chosen,
  neg: chosen,
  "leaky-relu": ulps(1),
  "hard-sigmoid": of("2·ULP·(|alpha·x| + |beta|) + TINY", (x, _y, { alpha, beta }) => {
    return 2 * ULP * (Math.abs(alpha * x) + Math.abs(beta)) + TINY
  }),
  // A division, a sum that may cancel, a product.
  "hard-swish": of("|x|·(2.5·|x|/6 + 2)·ULP + TINY", (x) => Math.abs(x) * ((2.5 * Math.abs(x)) / 6 + 2) * ULP + TINY),
  sigmoid: of("|y|·S(x, 0) + 1.01·e^-87 + TINY", (x, y) => Math.abs(y) * sigmoidError(x, 0) + CLAMPED + TINY),
  silu: of("|y|·(S(x, 0) + ULP) + 1.01·|x|·e^-87 + TINY", (x, y) => {
    return Math.abs(y) * (sigmoidError(x, 0) + ULP) + Math.abs(x) * CLAMPED + TINY
  }),
  // Twice a sigmoid of 2x, less 1: its error is that of numbers up to 2.
  tanh: of("2·σ(2x)·S(2x, 0) + ULP + 2.02·e^-87", (x) => {
    return (2 / (1 + Math.exp(-2 * x))) * sigmoidError(2 * x, 0) + ULP + 2 * CLAMPED
  }),
  gelu: of("|x|/2·E(|x|/√2) + 4·ULP·|x| + TINY", (x) => {
    return (Math.abs(x) / 2) * erfError(Math.abs(x) * Math.SQRT1_2) + 4 * ULP * Math.abs(x) + TINY
  }),
  // The slope has 7 roundings, of terms of one sign.
  "gelu-tanh": of("|y|·(S(s, 7) + ULP) + 1.01·|x|·e^-87 + TINY", (x, y) => {
    return Math.abs(y) * (sigmoidError(slope(x), 7) + ULP) + Math.abs(x) * CLAMPED + TINY
  }),
  erf: of("E(|x|)", (x) => erfError(Math.abs(x))),
  // WGSL: inherited from 1 / inverseSqrt(x), 2 ULP and a division.
  sqrt: ulps(4.6),
  reciprocal: ulps(2.5),
  exp: of("(3 + 2|x|)·ULP·|y| + TINY", (x, y) => (3 + 2 * Math.abs(x)) * ULP * Math.abs(y) + TINY),
  // WGSL: absolute 2^-21 from ½ to 2, else 3 ULP.
  log: of("2^-21 from ½ to 2, else 3·ULP·|y|", (x, y) => (x >= 0.5 && x <= 2 ? 2 ** -21 : 3 * ULP * Math.abs(y))),
  floor: kept,
  ceil: kept,
  round: kept,
  "round-to": of("ULP·|y| + TINY, and a step where 2.5·ULP·|x/step| takes x/step past a half", (x, y, { alpha }) => {
    const steps = Math.abs(x / alpha)
    const toHalf = Math.abs(steps - Math.floor(steps) - 0.5)
    return ULP * Math.abs(y) + TINY + (toHalf <= 2.5 * ULP * steps ? alpha : 0)
  }),
  sign: kept,
  sin: wave,
  cos: wave,
  // sin / cos, each off by 2^-11, and a division.
  tan: of("2^-11·(1 + |y|) / (|cos x| − 2^-11) + 2.5·ULP·|y|", (x, y) => {
    return (WAVE * (1 + Math.abs(y))) / (Math.abs(Math.cos(x)) - WAVE) + 2.5 * ULP * Math.abs(y)
  }),
}
