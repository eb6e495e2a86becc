import { fail } from "../../../protocol/errors/error.ts"
import { type Clip, clipParams } from "../../clip.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { plainWindow, type Window, type WindowAttributes, windowOver, windowParams } from "../../window.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface Conv2dAttributes extends WindowAttributes {
  /** Channels and outputs come in so many groups that have nothing to do with each other. */
  group: number
  /** What the result is clipped to. */
  clip: Clip | undefined
}
export interface Conv2dProblem {
  images: number
  channels: number
  outs: number
  group: number
  window: Window
  bias: boolean
  clip: Clip | undefined
}
export type Conv2dAlgorithm = "direct" | "blocked" | "pointwise"

const outElems = ({ images, outs, window }: Conv2dProblem) => images * outs * window.output[0] * window.output[1]
const config = ({ bias, clip }: Conv2dProblem) => ({ BIAS: bias, CLIP: clip !== undefined })
/** Channels, and pixels, that one invocation of the blocked and of the pointwise kernel makes: fixed in their sources. */
const BLOCK = 4

const direct = defineAlgorithm<Conv2dProblem, (typeof wgsl)["ops/conv2d/direct.wgsl"]>(wgsl["ops/conv2d/direct.wgsl"], {
  config,
  workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
  dispatch: (problem, { WG }) => {
    const { channels, outs, group, window, clip } = problem
    const elems = outElems(problem)
    return {
      workgroups: Math.ceil(elems / WG!),
      params: {
        elems,
        channels,
        outs,
        group_channels: channels / group,
        group_outs: outs / group,
        ...windowParams(window),
        ...clipParams(clip),
      },
    }
  },
})

const blocked = defineAlgorithm<Conv2dProblem, (typeof wgsl)["ops/conv2d/blocked.wgsl"]>(
  wgsl["ops/conv2d/blocked.wgsl"],
  {
    config,
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
    refuses: ({ group }) => (group === 1 ? undefined : `it has ${group} groups`),
    dispatch: ({ images, channels, outs, window, clip }, { WG }) => {
      const area = window.output[0] * window.output[1]
      const blocks = images * Math.ceil(outs / BLOCK) * Math.ceil(area / BLOCK)
      return {
        workgroups: Math.ceil(blocks / WG!),
        params: { blocks, channels, outs, ...windowParams(window), ...clipParams(clip) },
      }
    },
  },
)

const isPointwise = ({ group, window: { size, strides, pads } }: Conv2dProblem) =>
  group === 1 && [...size, ...strides].every((n) => n === 1) && pads.every((n) => n === 0)

const pointwise = defineAlgorithm<Conv2dProblem, (typeof wgsl)["ops/conv2d/pointwise.wgsl"]>(
  wgsl["ops/conv2d/pointwise.wgsl"],
  {
    config,
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
    refuses: (problem) => (isPointwise(problem) ? undefined : "its window is not one pixel after the other"),
    dispatch: ({ images, channels, outs, window, clip }, { WG }) => {
      const area = window.output[0] * window.output[1]
      const blocks = images * Math.ceil(outs / BLOCK) * Math.ceil(area / BLOCK)
      return { workgroups: Math.ceil(blocks / WG!), params: { blocks, channels, outs, area, ...clipParams(clip) } }
    },
  },
)

/** x [n, c, h, w], w [o, c / group, kh, kw], bias? [o], all float32 → [n, o, h', w'] */
export const conv2d = defineKernel<Conv2dProblem, Conv2dAttributes, Conv2dAlgorithm>({
  name: "conv2d",
  inputs: [float32("x"), float32("w"), { ...float32("bias"), optional: true }],
  defaults: { ...plainWindow, group: 1, clip: undefined },
  algorithms: { direct, blocked, pointwise },
  problem([x, w, bias], { group, clip, ...attributes }) {
    const [a, b] = [x!.shape, w!.shape] as [Shape, Shape]
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", {
        message: `conv2d takes ${path} as ${expected}; x is [${a}], w is [${b}], in ${group} groups.`,
        data: { path, expected },
      })
    if (a.length !== 4) throw refuse("x", "[n, c, h, w]")
    const [images, channels, height, width] = a as readonly [number, number, number, number]
    if (!Number.isInteger(group) || group < 1 || channels % group !== 0 || b.length !== 4 || b[1] !== channels / group)
      throw refuse("w", `[o, ${channels} / group, kh, kw]`)
    const outs = b[0]!
    if (outs % group !== 0) throw refuse("w", "[o, …] with o a multiple of the groups")
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outs)) throw refuse("bias", `[${outs}]`)
    clipParams(clip)
    const window = windowOver("conv2d", [b[2]!, b[3]!], [height, width], attributes)
    const problem = { images, channels, outs, group, window, bias: bias !== undefined, clip }
    elems([images, outs, ...window.output])
    return problem
  },
  output: ({ images, outs, window }) => ({ dtype: "float32", shape: [images, outs, ...window.output] }),
  plan(problem) {
    const { group, outs } = problem
    if (group > 1 || outs < BLOCK) return { algorithm: "direct" }
    return { algorithm: isPointwise(problem) ? "pointwise" : "blocked" }
  },
  reference,
  cases,
})
