import type { Tolerance } from "./define-kernel.ts"

// Bounds are derived from what WGSL promises (WGSL, 15.7.4 "Floating point accuracy"), not from what a device was seen to do:
// + − · are correctly rounded in a direction of the device's choice (1 ULP), division has 2.5 ULP, exp(x) has 3 + 2|x| ULP,
// inverseSqrt has 2 ULP, and subnormals may be flushed.

/** One ULP, relative: 2^-23 for float32. */
export const ULP = 2 ** -23
/** The smallest normal float32, what a flushed subnormal is off by at most. */
export const TINY = 2 ** -126

/** Higham's γ: the relative error of `n` roundings in a row, n·u / (1 − n·u) (Accuracy and Stability of Numerical Algorithms, 3.1). */
export function gamma(n: number): number {
  return (n * ULP) / (1 - n * ULP)
}

/** Bit for bit: for data that is only moved, or whose every intermediate value float32 holds exactly. */
export const exact: Tolerance<unknown> = {
  formula: "0",
  bounds: (_inputs, _problem, expected) => new Float64Array(expected.length),
}

/** One correctly rounded operation: ULP·|y| + TINY. */
export const oneRounding: Tolerance<unknown> = {
  formula: "ULP·|y| + TINY",
  bounds: (_inputs, _problem, expected) => expected.map((y) => ULP * Math.abs(y) + TINY),
}
