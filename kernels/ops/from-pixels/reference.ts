import type { Tolerance } from "../../define-kernel.ts"
import { gamma, TINY } from "../../tolerance.ts"
import type { FromPixelsProblem } from "./from-pixels.ts"

/** Pixels along an axis of `size`, and what each counts, for one of the result whose middle is at `at`. */
function taps(at: number, size: number, reach: number): { place: number; share: number }[] {
  return Array.from({ length: size }, (_, place) => {
    return { place, share: Math.max(1 - Math.abs(place + 0.5 - at) / reach, 0) }
  }).filter(({ share }) => share > 0)
}

export function reference([x]: readonly (ArrayLike<number> | undefined)[], problem: FromPixelsProblem): Float64Array {
  const { imageWidth, crop, output, step, reach, channels } = problem
  const [top, left, height, width] = crop
  const pixels = output[0] * output[1]
  const y = new Float64Array(channels.length * pixels)
  const columns = Array.from({ length: output[1] }, (_, ox) => taps((ox + 0.5) * step[1], width, reach[1]))
  for (let oy = 0; oy < output[0]; oy++) {
    const rows = taps((oy + 0.5) * step[0], height, reach[0])
    for (const [ox, cols] of columns.entries()) {
      const sum = [0, 0, 0, 0]
      let total = 0
      for (const row of rows)
        for (const col of cols) {
          const word = x![(top + row.place) * imageWidth + left + col.place]!
          for (let byte = 0; byte < 4; byte++) sum[byte]! += row.share * col.share * ((word >>> (8 * byte)) & 255)
          total += row.share * col.share
        }
      for (const [c, channel] of channels.entries()) {
        const mixed = sum.reduce((mix, part, byte) => mix + (channel[byte]! * part) / total, 0)
        y[c * pixels + oy * output[1] + ox] = mixed + channel[4]
      }
    }
  }
  return y
}

/**
 * A share is off by δ = γ(6)·(size + 2) / reach along each axis, and shares along an axis sum to at least an eighth of how many they are: so sum and total are off by 8δ of themselves for
 * each axis, and by their own roundings.
 */
export const shareError: Tolerance<FromPixelsProblem> = {
  formula: "(2·(8δy + 8δx) + 2·γ(taps + 12))·255·Σ|weights| + γ(2)·|shift| + TINY, δ = γ(6)·(size + 2) / reach",
  bounds(_inputs, { crop: [, , height, width], output, reach, channels }, expected) {
    const delta = (size: number, far: number) => (gamma(6) * (size + 2)) / far
    const count = (2 * reach[0] + 2) * (2 * reach[1] + 2)
    const relative = 16 * (delta(height, reach[0]) + delta(width, reach[1])) + 2 * gamma(count + 12)
    return expected.map((_, i) => {
      const [red, green, blue, alpha, shift] = channels[Math.floor(i / (output[0] * output[1]))]!
      const size = 255 * [red, green, blue, alpha].reduce((sum, weight) => sum + Math.abs(weight), 0)
      return relative * size + gamma(2) * Math.abs(shift) + TINY
    })
  },
}
