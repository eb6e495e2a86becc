import { activated, activatedBounds } from "../../activated.ts"
import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { Conv2dProblem } from "./conv2d.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** Weights of one output. */
export const tapsOf = ({ channels, group, window }: Conv2dProblem) =>
  (channels / group) * window.size[0] * window.size[1]

/** What the activation is of: products, bias, and a residual that is added before it. */
function sums([x, w, bias, added]: Inputs, problem: Conv2dProblem): Float64Array {
  const { images, channels, outs, group, window, residual } = problem
  const { size, input, output, strides, dilations, pads } = window
  const [groupChannels, groupOuts] = [channels / group, outs / group]
  const y = new Float64Array(images * outs * output[0] * output[1])
  let at = 0
  for (let n = 0; n < images; n++)
    for (let o = 0; o < outs; o++)
      for (let oy = 0; oy < output[0]; oy++)
        for (let ox = 0; ox < output[1]; ox++) {
          let sum = (bias?.[o] ?? 0) + (residual === "before" ? added![at]! : 0)
          for (let c = 0; c < groupChannels; c++)
            for (let ky = 0; ky < size[0]; ky++)
              for (let kx = 0; kx < size[1]; kx++) {
                const iy = oy * strides[0] + ky * dilations[0] - pads[0]
                const ix = ox * strides[1] + kx * dilations[1] - pads[1]
                if (iy < 0 || iy >= input[0] || ix < 0 || ix >= input[1]) continue
                const channel = n * channels + Math.floor(o / groupOuts) * groupChannels + c
                const weight = ((o * groupChannels + c) * size[0] + ky) * size[1] + kx
                sum += x![(channel * input[0] + iy) * input[1] + ix]! * w![weight]!
              }
          y[at++] = sum
        }
  return y
}

export function reference(inputs: Inputs, problem: Conv2dProblem): Float64Array {
  const values = sums(inputs, problem).map((value) => activated(value, problem.activation))
  return problem.residual === "after" ? values.map((value, i) => value + inputs[3]![i]!) : values
}

/**
 * Holds for any order of summation, fused or not (Higham, 3.5): a term meets at most one rounding for each tap, one for the bias and one for the residual, and before
 * them `roundings` of its weight, whose parts are of `sizes`. Then come what the activation makes of it, and a residual after it.
 */
export function boundsOfTaps(
  inputs: Inputs,
  problem: Conv2dProblem,
  expected: Float64Array,
  sizes = inputs[1]!,
  roundings = 0,
): Float64Array {
  const { activation, residual } = problem
  const terms = tapsOf(problem) + 2 + roundings
  const parts = sums(
    inputs.with(1, sizes).map((input) => input && Float64Array.from(input, Math.abs)),
    problem,
  )
  const bounds = parts.map((size) => gamma(terms) * size + terms * (1 + roundings) * TINY)
  const results = activatedBounds(sums(inputs, problem), bounds, activation)
  return residual === "after" ? results.map((bound, i) => bound + ULP * Math.abs(expected[i]!) + TINY) : results
}

export const sumOfTaps: Tolerance<Conv2dProblem> = {
  formula: "f(γ(taps + 2)·(|x|∗|w| + |bias| + |residual|) + (taps + 2)·TINY) + ULP·|y|",
  bounds: boundsOfTaps,
}
