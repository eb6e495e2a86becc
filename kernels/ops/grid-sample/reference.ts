import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { GridSampleProblem } from "./grid-sample.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** Where `g` lies on an axis of `size` pixels. */
const placeOf = (g: number, size: number, align: boolean) =>
  align ? ((g + 1) / 2) * (size - 1) : ((g + 1) * size - 1) / 2

/** Which pixel of an axis stands at `at`; undefined where there is none. */
function inside(at: number, size: number, { padding, align }: GridSampleProblem): number | undefined {
  if (padding === "zeros") return at < 0 || at >= size ? undefined : at
  if (padding === "border") return Math.min(Math.max(at, 0), size - 1)
  if (size === 1) return 0
  const [low, span] = align ? [0, size - 1] : [-0.5, size]
  const away = Math.abs(at - low) % (2 * span)
  return low + (away > span ? 2 * span - away : away)
}

/** The pixels around a place, and what each counts; `size` is that of every weight where it counts its rounding errors. */
function taps(place: number, mode: GridSampleProblem["mode"]): { at: number; weight: number }[] {
  const first = Math.floor(place)
  const t = place - first
  if (mode === "nearest") {
    const down = t < 0.5 || (t === 0.5 && first % 2 === 0)
    return [{ at: down ? first : first + 1, weight: 1 }]
  }
  if (mode === "linear") return [1 - t, t].map((weight, i) => ({ at: first + i, weight }))
  const cubic = (d: number) => (d <= 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3)
  return [t + 1, t, 1 - t, 2 - t].map((distance, i) => ({ at: first + i - 1, weight: cubic(distance) }))
}

export function reference([x, grid]: Inputs, problem: GridSampleProblem): Float64Array {
  const { images, channels, input, output, mode, align } = problem
  const [height, width] = input
  const pixels = output[0] * output[1]
  return Float64Array.from({ length: images * channels * pixels }, (_, i) => {
    const plane = Math.floor(i / pixels)
    const point = 2 * (Math.floor(plane / channels) * pixels + (i % pixels))
    let sum = 0
    for (const row of taps(placeOf(grid![point + 1]!, height, align), mode))
      for (const col of taps(placeOf(grid![point]!, width, align), mode)) {
        const [r, c] = [inside(row.at, height, problem), inside(col.at, width, problem)]
        if (r !== undefined && c !== undefined) sum += row.weight * col.weight * x![(plane * height + r) * width + c]!
      }
    return sum
  })
}

/**
 * A place meets four roundings of numbers up to (|g| + 1)·size, and a weight changes by at most two times as much as its place, or of the cubic ones, which sum to at most 2 in
 * size, all together by six times; weights themselves meet ten roundings, and a sum of sixteen terms as many.
 */
export const placeError: Tolerance<GridSampleProblem> = {
  formula: "max|x|·(24·γ(4)·(|g|+1)·(h+w) + 4·γ(30)) + TINY",
  bounds([x, grid], { channels, input, output }, expected) {
    const most = Array.from(x!).reduce((size, value) => Math.max(size, Math.abs(value)), 0)
    const pixels = output[0] * output[1]
    return expected.map((_, i) => {
      const point = 2 * (Math.floor(i / pixels / channels) * pixels + (i % pixels))
      const far = 1 + Math.max(Math.abs(grid![point]!), Math.abs(grid![point + 1]!))
      return most * (24 * gamma(4) * far * (input[0] + input[1]) + 4 * gamma(30)) + TINY
    })
  },
}
