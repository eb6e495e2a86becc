import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { ConvTranspose2dProblem } from "./conv-transpose2d.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** Each element of x is spread over the result, as the definition has it. */
export function reference([x, w, bias]: Inputs, { images, channels, outs, group, window }: ConvTranspose2dProblem) {
  const { size, input, output, strides, dilations, pads } = window
  const [groupChannels, groupOuts] = [channels / group, outs / group]
  const area = output[0] * output[1]
  const y = Float64Array.from({ length: images * outs * area }, (_, i) => bias?.[Math.floor(i / area) % outs] ?? 0)
  for (let n = 0; n < images; n++)
    for (let c = 0; c < channels; c++)
      for (let iy = 0; iy < input[0]; iy++)
        for (let ix = 0; ix < input[1]; ix++)
          for (let o = 0; o < groupOuts; o++)
            for (let ky = 0; ky < size[0]; ky++)
              for (let kx = 0; kx < size[1]; kx++) {
                const oy = iy * strides[0] + ky * dilations[0] - pads[0]
                const ox = ix * strides[1] + kx * dilations[1] - pads[1]
                if (oy < 0 || oy >= output[0] || ox < 0 || ox >= output[1]) continue
                const out = Math.floor(c / groupChannels) * groupOuts + o
                const value = x![((n * channels + c) * input[0] + iy) * input[1] + ix]!
                y[(n * outs + out) * area + oy * output[1] + ox]! +=
                  value * w![((c * groupOuts + o) * size[0] + ky) * size[1] + kx]!
              }
  return y
}

/** Holds for any order of summation, fused or not (Higham, 3.5): a term meets at most one rounding for each tap and one for the bias. */
export const sumOfTaps: Tolerance<ConvTranspose2dProblem> = {
  formula: "γ(taps + 1)·(|x|∗|w| + |bias|) + (taps + 1)·TINY",
  bounds(inputs, problem) {
    const { channels, group, window } = problem
    const taps = (channels / group) * window.size[0] * window.size[1]
    const sizes = reference(
      inputs.map((input) => input && Float64Array.from(input, Math.abs)),
      problem,
    )
    return sizes.map((value) => gamma(taps + 1) * value + (taps + 1) * TINY)
  },
}
