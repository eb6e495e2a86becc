import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface FromPixelsAttributes {
  /** Of the result, [height, width]; the rectangle's unless given. */
  size: readonly [height: number, width: number] | undefined
  /** The part of the image that is taken, in pixels; all of it unless given. */
  crop: readonly [top: number, left: number, height: number, width: number] | undefined
  channels: "rgb" | "bgr" | "gray"
  /** Taken from each channel, whose values are from 0 to 1: one for all, or one for each. */
  mean: readonly number[]
  /** What each channel is divided by after that. */
  deviation: readonly number[]
  /** A pixel of a smaller result is the mean of all that it covers, not of the four around its middle. */
  antialias: boolean
}
/** What a channel is made of: weights of red, green, blue and alpha, from 0 to 255 each, and what is added. */
export type Channel = readonly [red: number, green: number, blue: number, alpha: number, shift: number]
export interface FromPixelsProblem {
  imageWidth: number
  crop: readonly [top: number, left: number, height: number, width: number]
  output: readonly [height: number, width: number]
  /** Pixels of the image for one of the result, and how far away one still counts: along both axes. */
  step: readonly [y: number, x: number]
  reach: readonly [y: number, x: number]
  channels: readonly Channel[]
}

/** What of red, green and blue each channel takes; gray by the luma of ITU-R BT.601. */
const mixes: Record<FromPixelsAttributes["channels"], readonly (readonly [number, number, number])[]> = {
  rgb: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], // biome-ignore format: a matrix
  bgr: [[0, 0, 1], [0, 1, 0], [1, 0, 0]], // biome-ignore format: a matrix
  gray: [[0.299, 0.587, 0.114]],
}

const source = wgsl["ops/from-pixels/from-pixels.wgsl"]

/**
 * x uint32 [h, w], the RGBA bytes of a pixel in each word, red lowest, as ImageData has them → float32 [channels, h', w']: cropped, resized, scaled to 0 … 1, less the mean, over the
 * deviation. What image models take.
 */
export const fromPixels = defineKernel<FromPixelsProblem, FromPixelsAttributes, "flat">({
  name: "from-pixels",
  inputs: [{ name: "x", dtypes: ["uint32"] }],
  defaults: { size: undefined, crop: undefined, channels: "rgb", mean: [0], deviation: [1], antialias: true },
  algorithms: {
    flat: defineAlgorithm<FromPixelsProblem, typeof source>(source, {
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch({ imageWidth, crop: [top, left, height, width], output, step, reach, channels }, { WG }) {
        const pixels = output[0] * output[1]
        const [first, second, third] = [channels[0]!, channels[1] ?? channels[0]!, channels[2] ?? channels[0]!]
        const [red0, green0, blue0, alpha0, shift0] = first
        const [red1, green1, blue1, alpha1, shift1] = second
        const [red2, green2, blue2, alpha2, shift2] = third
        return {
          workgroups: Math.ceil(pixels / WG!),
          // biome-ignore format: a channel a line
          params: {
            pixels, channels: channels.length, out_width: output[1], image_width: imageWidth, top, left, height, width,
            step_y: step[0], step_x: step[1], reach_y: reach[0], reach_x: reach[1],
            red0, green0, blue0, alpha0, shift0,
            red1, green1, blue1, alpha1, shift1,
            red2, green2, blue2, alpha2, shift2,
          },
        }
      },
    }),
  },
  problem([x], { size, crop, channels, mean, deviation, antialias }) {
    const { shape } = x!
    if (shape.length !== 2)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `from-pixels takes x as [h, w], not [${shape}].`,
        data: { path: "x", expected: "[h, w]" },
      })
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_INVALID", { message: `from-pixels takes ${path} as ${expected}.`, data: { path, expected } })
    const [rows, cols] = shape as readonly [number, number]
    const [top, left, height, width] = crop ?? [0, 0, rows, cols]
    const whole = [top, left, height, width].every((n) => Number.isInteger(n) && n >= 0)
    if (!whole || top + height > rows || left + width > cols) throw refuse("crop", `a part of [${shape}]`)
    const output = size ?? [height, width]
    const mixed = mixes[channels]
    if (!mixed) throw refuse("channels", "rgb, bgr or gray")
    const counts = [1, mixed.length]
    if (!counts.includes(mean.length) || !mean.every(Number.isFinite)) throw refuse("mean", "numbers, one a channel")
    if (!counts.includes(deviation.length) || !deviation.every((n) => Number.isFinite(n) && n !== 0))
      throw refuse("deviation", "numbers other than 0, one a channel")
    if (elems(output) > 0 && height * width === 0) throw refuse("crop", "at least one pixel")
    elems([mixed.length, ...output])
    const step = [height / Math.max(output[0], 1), width / Math.max(output[1], 1)] as const
    const reach = step.map((n) => (antialias ? Math.max(n, 1) : 1)) as [number, number]
    return {
      imageWidth: cols,
      crop: [top, left, height, width],
      output,
      step: step.map(Math.fround) as [number, number],
      reach: reach.map(Math.fround) as [number, number],
      channels: mixed.map((mix, c) => {
        const [less, over] = [mean[c] ?? mean[0]!, deviation[c] ?? deviation[0]!]
        const [red, green, blue] = mix.map((part) => Math.fround(part / (255 * over))) as [number, number, number]
        return [red, green, blue, 0, Math.fround(-less / over)]
      }),
    }
  },
  output: ({ channels, output }) => ({ dtype: "float32", shape: [channels.length, ...output] }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
