import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY, ULP } from "../../tolerance.ts"
import type { PoolProblem } from "./pool2d.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** For each window the elements of x in it, and how many places it has in the image with its padding. */
function windows(
  [x]: Inputs,
  { images, channels, window }: PoolProblem,
  each: (inside: number[], places: number) => number,
): Float64Array {
  const { size, input, output, strides, dilations, pads } = window
  const y = new Float64Array(images * channels * output[0] * output[1])
  let at = 0
  for (let plane = 0; plane < images * channels; plane++)
    for (let oy = 0; oy < output[0]; oy++)
      for (let ox = 0; ox < output[1]; ox++) {
        const inside: number[] = []
        let places = 0
        for (let ky = 0; ky < size[0]; ky++)
          for (let kx = 0; kx < size[1]; kx++) {
            const iy = oy * strides[0] + ky * dilations[0] - pads[0]
            const ix = ox * strides[1] + kx * dilations[1] - pads[1]
            if (iy < input[0] + pads[2] && ix < input[1] + pads[3]) places++
            if (iy >= 0 && iy < input[0] && ix >= 0 && ix < input[1])
              inside.push(x![(plane * input[0] + iy) * input[1] + ix]!)
          }
        y[at++] = each(inside, places)
      }
  return y
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
const divisor = ({ includePad }: PoolProblem, inside: number[], places: number) => (includePad ? places : inside.length)

export function maxReference(inputs: Inputs, problem: PoolProblem): Float64Array {
  return windows(inputs, problem, (inside) => Math.max(...inside))
}

export function averageReference(inputs: Inputs, problem: PoolProblem): Float64Array {
  return windows(inputs, problem, (inside, places) => sum(inside) / divisor(problem, inside, places))
}

/** A sum of at most kh·kw terms, then a division (2.5 ULP). */
export const meanError: Tolerance<PoolProblem> = {
  formula: "1.01·(γ(kh·kw) + 2.5·ULP)·mean of |x| + TINY",
  bounds(inputs, problem) {
    const [height, width] = problem.window.size
    const error = 1.01 * (gamma(height * width) + 2.5 * ULP)
    return windows(inputs, problem, (inside, places) => {
      return (error * sum(inside.map(Math.abs))) / divisor(problem, inside, places) + TINY
    })
  },
}
