import { clipParams, clipped } from "../../clip.ts"
import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { Conv2dProblem } from "./conv2d.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

function sums([x, w, bias]: Inputs, { images, channels, outs, group, window }: Conv2dProblem): Float64Array {
  const { size, input, output, strides, dilations, pads } = window
  const [groupChannels, groupOuts] = [channels / group, outs / group]
  const y = new Float64Array(images * outs * output[0] * output[1])
  let at = 0
  for (let n = 0; n < images; n++)
    for (let o = 0; o < outs; o++)
      for (let oy = 0; oy < output[0]; oy++)
        for (let ox = 0; ox < output[1]; ox++) {
          let sum = bias?.[o] ?? 0
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
  const bounds = clipParams(problem.clip)
  return sums(inputs, problem).map((value) => clipped(value, bounds))
}

/** Holds for any order of summation, fused or not (Higham, 3.5): a term meets at most one rounding for each tap and one for the bias. */
export const sumOfTaps: Tolerance<Conv2dProblem> = {
  formula: "γ(taps + 1)·(|x|∗|w| + |bias|) + (taps + 1)·TINY",
  bounds(inputs, problem) {
    const { channels, group, window } = problem
    const taps = (channels / group) * window.size[0] * window.size[1]
    const sizes = sums(
      inputs.map((input) => input && Float64Array.from(input, Math.abs)),
      problem,
    )
    return sizes.map((size) => gamma(taps + 1) * size + (taps + 1) * TINY)
  },
}
