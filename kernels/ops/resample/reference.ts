import type { Tolerance } from "../../define-kernel.ts"
import { elems } from "../../gpu-tensor.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { ResampleProblem } from "./resample.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

export function reference([x, indices, weights]: Inputs, { shape, inner, size, count, taps }: ResampleProblem) {
  return Float64Array.from({ length: elems(shape) }, (_, i) => {
    const line = Math.floor(i / (inner * count)) * size
    const first = (Math.floor(i / inner) % count) * taps
    let sum = 0
    for (let t = first; t < first + taps; t++) sum += weights![t]! * x![(line + indices![t]!) * inner + (i % inner)]!
    return sum
  })
}

/** In any order of summation, fused or not, a term meets at most `taps` roundings. */
export const sumOfTaps: Tolerance<ResampleProblem> = {
  formula: "γ(taps)·Σ|w·x| + taps·TINY",
  bounds([x, indices, weights], problem) {
    const sizes = reference([Array.from(x!, Math.abs), indices, Array.from(weights!, Math.abs)], problem)
    return sizes.map((size) => gamma(problem.taps) * size + problem.taps * TINY)
  },
}
