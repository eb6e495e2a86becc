import type { Tolerance } from "../../define-kernel.ts"
import { TINY, ULP } from "../../tolerance.ts"
import type { FftProblem } from "./fft.ts"
import { passesOf } from "./passes.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** The numbers that transform `row` is of, windowed. */
function numbersOf([x, , window]: Inputs, problem: FftProblem, row: number): [re: number, im: number][] {
  const { frames, signal, hop, used, complex } = problem
  const first = Math.floor(row / frames) * signal + (row % frames) * hop
  return Array.from({ length: used }, (_, n) => {
    const weight = window?.[n] ?? 1
    const [re, im] = complex ? [x![2 * (first + n)]!, x![2 * (first + n) + 1]!] : [x![first + n]!, 0]
    return [re * weight, im * weight]
  })
}

/** Each bin by its definition. */
function spectrum(inputs: Inputs, problem: FftProblem, row: number): [re: number, im: number][] {
  const { length, bins, inverse } = problem
  const numbers = numbersOf(inputs, problem, row)
  const [sign, scale] = inverse ? [1, 1 / length] : [-1, 1]
  return Array.from({ length: bins }, (_, bin) => {
    let [re, im] = [0, 0]
    for (const [n, [a, b]] of numbers.entries()) {
      const angle = (sign * 2 * Math.PI * ((n * bin) % length)) / length
      re += a * Math.cos(angle) - b * Math.sin(angle)
      im += a * Math.sin(angle) + b * Math.cos(angle)
    }
    return [re * scale, im * scale]
  })
}

export function reference(inputs: Inputs, problem: FftProblem): Float64Array {
  return Float64Array.from(
    Array.from({ length: problem.rows }, (_, row) =>
      spectrum(inputs, problem, row).map(([re, im]) => (problem.power ? re * re + im * im : [re, im])),
    ).flat(2),
  )
}

/**
 * In modulus, by |z| of what is added: a product with a rounded turn is off by 2√2 + ½ ULP, and each component of a sum by one for each addition on its way (√2 of them in modulus); sums
 * by 3 and 5 also multiply, and what they add up may be √2 larger.
 */
const perPass = { twos: 3.4 + 1.5, fours: 3.4 + 3, threes: 3.4 + 7, fives: 3.4 + 14 }

/** What each component of a row's bins is off by at most, by row. */
function errorOf(inputs: Inputs, problem: FftProblem): (row: number) => number {
  const passes = Object.entries(passesOf(problem.length)!) as [keyof typeof perPass, number][]
  // one rounding for the window, two and a half for the division
  const ulps = passes.reduce((sum, [radix, count]) => sum + count * perPass[radix], 3.5)
  const scale = (1.01 * ulps * ULP) / (problem.inverse ? problem.length : 1)
  return (row) => {
    const size = numbersOf(inputs, problem, row).reduce((sum, [re, im]) => sum + Math.hypot(re, im), 0)
    return scale * size + 8 * problem.length * TINY
  }
}

/** Each number is in each bin once, and errs in each pass. */
export const fftError: Tolerance<FftProblem> = {
  formula: "e = 1.01·p·ULP·Σ|xₙ| + 8·length·TINY, p of the passes; of a power 2·√2·|y|·e + 2·e² + 2·ULP·|y|²",
  bounds: (inputs, problem, expected) => {
    const each = problem.bins * (problem.power ? 1 : 2)
    const errors = Array.from({ length: problem.rows }, (_, row) => row).map(errorOf(inputs, problem))
    return expected.map((y, i) => {
      const e = errors[Math.floor(i / each)]!
      return problem.power ? 2 * Math.SQRT2 * Math.sqrt(y) * e + 2 * e * e + 2 * ULP * y + TINY : e
    })
  },
}
