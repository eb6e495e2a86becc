import { fail } from "../protocol/errors/error.ts"
import { elems } from "./gpu-tensor.ts"

type Pair = readonly [y: number, x: number]

/** How a window goes over the last two axes of [n, c, h, w]; pairs are [y, x]. */
export interface WindowAttributes {
  readonly strides: Pair
  readonly dilations: Pair
  readonly pads: readonly [top: number, left: number, bottom: number, right: number]
}

export const plainWindow: WindowAttributes = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] }

/** What every kernel with a window is told: sizes in elements. */
export interface Window extends WindowAttributes {
  readonly size: Pair
  readonly input: Pair
  readonly output: Pair
}

/**
 * Checks a window of `size` over `input` and finds how often it fits; with `ceil`, also where it begins within the image and its padding and
 * ends beyond. Throws IPFA_INPUT_INVALID, and IPFA_INPUT_SHAPE where it fits nowhere.
 */
export function windowOver(op: string, size: Pair, input: Pair, attributes: WindowAttributes, ceil = false): Window {
  const { strides, dilations, pads } = attributes
  const whole = (list: readonly number[], least: number, count: number) =>
    list.length === count && list.every((value) => Number.isInteger(value) && value >= least && value < 2 ** 16)
  for (const [path, ok] of [
    ["strides", whole(strides, 1, 2)],
    ["dilations", whole(dilations, 1, 2)],
    ["pads", whole(pads, 0, 4)],
    ["size", whole(size, 1, 2)],
  ] as const)
    if (!ok) throw fail("IPFA_INPUT_INVALID", { message: `${op} can't take such ${path}.`, data: { path } })
  const along = (axis: 0 | 1): number => {
    const [before, after] = [pads[axis], pads[axis + 2]!]
    const room = input[axis] + before + after - (dilations[axis] * (size[axis] - 1) + 1)
    if (room < 0) throw fail("IPFA_INPUT_SHAPE", { message: `${op}: the window is larger than the image.` })
    const fits = Math.floor(room / strides[axis]) + 1
    if (!ceil || room % strides[axis] === 0) return fits
    return fits * strides[axis] < input[axis] + before ? fits + 1 : fits
  }
  const output: Pair = [along(0), along(1)]
  elems(output)
  return { ...attributes, size, input, output }
}

/** The window's fields of `Params`. */
export function windowParams({ size, input, output, strides, dilations, pads }: Window) {
  return {
    height: input[0],
    width: input[1],
    out_height: output[0],
    out_width: output[1],
    kernel_height: size[0],
    kernel_width: size[1],
    stride_y: strides[0],
    stride_x: strides[1],
    pad_y: pads[0],
    pad_x: pads[1],
    dilation_y: dilations[0],
    dilation_x: dilations[1],
  }
}
