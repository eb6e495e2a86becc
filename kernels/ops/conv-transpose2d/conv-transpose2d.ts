import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape, type Tuning } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { plainWindow, type Window, type WindowAttributes, windowParams } from "../../window.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface ConvTranspose2dAttributes extends WindowAttributes {
  /** Channels and outputs come in so many groups that have nothing to do with each other. */
  group: number
  /** Rows and columns added after the last, which only a stride leaves open. */
  outputPadding: readonly [y: number, x: number]
}
export interface ConvTranspose2dProblem {
  images: number
  channels: number
  outs: number
  group: number
  window: Window
  bias: boolean
}

export type ConvTranspose2dAlgorithm = "direct" | "blocked"

const config = ({ bias }: ConvTranspose2dProblem) => ({ BIAS: bias })
const workgroup = ({ WG }: Tuning) => ({ size: [WG!, 1], bytes: 0 }) as const

const direct = defineAlgorithm<ConvTranspose2dProblem, (typeof wgsl)["ops/conv-transpose2d/direct.wgsl"]>(
  wgsl["ops/conv-transpose2d/direct.wgsl"],
  {
    config,
    workgroup,
    dispatch: ({ images, channels, outs, group, window }, { WG }) => {
      const total = elems([images, outs, ...window.output])
      return {
        workgroups: Math.ceil(total / WG!),
        params: {
          elems: total,
          channels,
          outs,
          group_channels: channels / group,
          group_outs: outs / group,
          ...windowParams(window),
        },
      }
    },
  },
)

const blocked = defineAlgorithm<ConvTranspose2dProblem, (typeof wgsl)["ops/conv-transpose2d/blocked.wgsl"]>(
  wgsl["ops/conv-transpose2d/blocked.wgsl"],
  {
    config,
    workgroup,
    dispatch: ({ images, channels, outs, group, window }, { WG }) => {
      const [rows, columns] = window.output
      const stride = window.strides[1]
      const across = Math.ceil(columns / (4 * stride)) * stride
      const blocks = images * group * Math.ceil(outs / group / 4) * rows * across
      return {
        workgroups: Math.ceil(blocks / WG!),
        params: {
          blocks,
          groups: group,
          group_channels: channels / group,
          group_outs: outs / group,
          ...windowParams(window),
        },
      }
    },
  },
)

/** x [n, c, h, w], w [c, o / group, kh, kw], bias? [o], all float32 → [n, o, h', w'], h' = (h − 1)·stride + (kh − 1)·dilation + 1 − pads + outputPadding */
export const convTranspose2d = defineKernel<
  ConvTranspose2dProblem,
  ConvTranspose2dAttributes,
  ConvTranspose2dAlgorithm
>({
  name: "conv-transpose2d",
  inputs: [float32("x"), float32("w"), { ...float32("bias"), optional: true }],
  defaults: { ...plainWindow, group: 1, outputPadding: [0, 0] },
  algorithms: { direct, blocked },
  problem([x, w, bias], { group, outputPadding, ...attributes }) {
    const [a, b] = [x!.shape, w!.shape] as [Shape, Shape]
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", {
        message: `conv-transpose2d takes ${path} as ${expected}; x is [${a}], w is [${b}], in ${group} groups.`,
        data: { path, expected },
      })
    if (a.length !== 4) throw refuse("x", "[n, c, h, w]")
    const [images, channels, height, width] = a as readonly [number, number, number, number]
    if (!Number.isInteger(group) || group < 1 || channels % group !== 0 || b.length !== 4 || b[0] !== channels)
      throw refuse("w", `[${channels}, o / group, kh, kw]`)
    const outs = b[1]! * group
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outs)) throw refuse("bias", `[${outs}]`)
    const { strides, dilations, pads } = attributes
    const whole = (list: readonly number[], least: number) =>
      list.every((value) => Number.isInteger(value) && value >= least && value < 2 ** 16)
    if (!whole([...strides, ...dilations], 1) || !whole([...pads, ...outputPadding], 0))
      throw fail("IPFA_INPUT_INVALID", {
        message: "conv-transpose2d takes whole strides and dilations from 1 on, and pads from 0 on.",
        data: { path: "strides" },
      })
    const along = (axis: 0 | 1, size: number) =>
      (size - 1) * strides[axis] + (b[2 + axis]! - 1) * dilations[axis] + 1 - pads[axis] - pads[axis + 2]! + outputPadding[axis] // biome-ignore format: a formula
    const output = [along(0, height), along(1, width)] as const
    elems([images, outs, ...output])
    const window = { ...attributes, size: [b[2]!, b[3]!], input: [height, width], output } as const
    return { images, channels, outs, group, window, bias: bias !== undefined }
  },
  output: ({ images, outs, window }) => ({ dtype: "float32", shape: [images, outs, ...window.output] }),
  // Of fewer channels most of a block is empty.
  plan: ({ outs, group }) => ({ algorithm: outs / group > 1 ? "blocked" : "direct" }),
  reference,
  cases,
})
