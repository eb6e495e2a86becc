import { fail } from "../../../protocol/errors/error.ts"
import { type Activation, activationConfig, activationParams } from "../../activation.ts"
import { defineAlgorithm, defineKernel, float32, type Shape, type Tuning } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { plainWindow, type Window, type WindowAttributes, windowOver, windowParams } from "../../window.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface Conv2dAttributes extends WindowAttributes {
  /** Channels and outputs come in so many groups that have nothing to do with each other. */
  group: number
  activation: Activation | undefined
  /** The residual is added before the activation, else after it. */
  residualFirst: boolean
}
export interface Conv2dProblem {
  images: number
  channels: number
  outs: number
  group: number
  window: Window
  bias: boolean
  residual: "before" | "after" | undefined
  activation: Activation | undefined
}
export type Conv2dAlgorithm = "direct" | "blocked" | "pointwise" | "pointwise-vec4" | "depthwise"

const config = ({ bias, residual, activation }: Conv2dProblem) => ({
  BIAS: bias,
  RESIDUAL: residual ?? false,
  ...activationConfig(activation),
})
const workgroup = ({ WG }: Tuning) => ({ size: [WG!, 1] as const, bytes: 0 })
/** Channels, and pixels, that one invocation makes of a block: fixed in the sources; it makes SIDE blocks along each side. */
const BLOCK = 4
const sidesOf = ({ SIDE }: Tuning) => (SIDE! > 2 ? "an invocation makes at most 2 blocks along a side" : undefined)
const tunings: Tuning[] = [{ SIDE: 2 }, { WG: 32 }, { WG: 32, SIDE: 2 }, { WG: 256 }]
const blocksOf = (count: number, { SIDE }: Tuning) => Math.ceil(count / (BLOCK * SIDE!))

const direct = defineAlgorithm<Conv2dProblem, (typeof wgsl)["ops/conv2d/direct.wgsl"]>(wgsl["ops/conv2d/direct.wgsl"], {
  config,
  workgroup,
  dispatch: ({ images, channels, outs, group, window, activation }, { WG }) => {
    const count = images * outs * elems(window.output)
    return {
      workgroups: Math.ceil(count / WG!),
      params: {
        elems: count,
        channels,
        outs,
        group_channels: channels / group,
        group_outs: outs / group,
        ...windowParams(window),
        ...activationParams(activation),
      },
    }
  },
})

const blocked = defineAlgorithm<Conv2dProblem, (typeof wgsl)["ops/conv2d/blocked.wgsl"]>(
  wgsl["ops/conv2d/blocked.wgsl"],
  {
    config,
    tunings,
    workgroup,
    refuses: (_problem, tuning) => sidesOf(tuning),
    dispatch: ({ images, channels, outs, group, window, activation }, tuning) => {
      const [rows, columns] = window.output
      const blocks = images * group * blocksOf(outs / group, tuning) * rows * blocksOf(columns, tuning)
      return {
        workgroups: Math.ceil(blocks / tuning.WG!),
        params: {
          blocks,
          groups: group,
          group_channels: channels / group,
          group_outs: outs / group,
          ...windowParams(window),
          ...activationParams(activation),
        },
      }
    },
  },
)

/** Whether its window is one pixel after the other. */
export const isPointwise = ({ group, window: { size, strides, pads } }: Conv2dProblem) =>
  group === 1 && [...size, ...strides].every((n) => n === 1) && pads.every((n) => n === 0)

const pointwise = defineAlgorithm<Conv2dProblem, (typeof wgsl)["ops/conv2d/pointwise.wgsl"]>(
  wgsl["ops/conv2d/pointwise.wgsl"],
  {
    config,
    tunings,
    workgroup,
    refuses: (problem, tuning) =>
      isPointwise(problem) ? sidesOf(tuning) : "its window is not one pixel after the other",
    dispatch: ({ images, channels, outs, window, activation }, tuning) => {
      const area = elems(window.output)
      const blocks = images * blocksOf(outs, tuning) * blocksOf(area, tuning)
      return {
        workgroups: Math.ceil(blocks / tuning.WG!),
        params: { blocks, channels, outs, area, ...activationParams(activation) },
      }
    },
  },
)

/** Whether its channels are whole fours: so are all its values then, and each out's weights. */
const isInFours = ({ channels }: Conv2dProblem) => channels > 0 && channels % 4 === 0

const pointwiseVec4: typeof pointwise = {
  ...pointwise,
  config(problem) {
    const rest = elems(problem.window.output) % 4
    return { ...config(problem), VEC4: "n", VEC4_Y: rest === 0, REST: rest }
  },
  refuses: (problem, tuning, limits) =>
    isInFours(problem) ? pointwise.refuses!(problem, tuning, limits) : "its channels are not made of whole fours",
  dispatch: (problem, tuning) => pointwise.dispatch({ ...problem, channels: problem.channels / 4 }, tuning),
}

const isDepthwise = ({ channels, group }: Conv2dProblem) => channels === group

const depthwise = defineAlgorithm<Conv2dProblem, (typeof wgsl)["ops/conv2d/depthwise.wgsl"]>(
  wgsl["ops/conv2d/depthwise.wgsl"],
  {
    config,
    tunings,
    workgroup,
    refuses: (problem, tuning) => (isDepthwise(problem) ? sidesOf(tuning) : "its groups have several channels"),
    dispatch: ({ images, outs, group, window, activation }, tuning) => {
      const [rows, columns] = window.output
      const blocks = images * outs * rows * blocksOf(columns, tuning)
      return {
        workgroups: Math.ceil(blocks / tuning.WG!),
        params: { blocks, outs, group_outs: outs / group, ...windowParams(window), ...activationParams(activation) },
      }
    },
  },
)

/** x [n, c, h, w], w [o, c / group, kh, kw], bias? [o], residual? [n, o, h', w'], all float32 → [n, o, h', w'] */
export const conv2d = defineKernel<Conv2dProblem, Conv2dAttributes, Conv2dAlgorithm>({
  name: "conv2d",
  inputs: [
    float32("x"),
    float32("w"),
    { ...float32("bias"), optional: true },
    { ...float32("residual"), optional: true },
  ],
  defaults: { ...plainWindow, group: 1, activation: undefined, residualFirst: false },
  algorithms: { direct, blocked, pointwise, "pointwise-vec4": pointwiseVec4, depthwise },
  problem([x, w, bias, residual], { group, activation, residualFirst, ...attributes }) {
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
    activationParams(activation)
    const window = windowOver("conv2d", [b[2]!, b[3]!], [height, width], attributes)
    const shape = [images, outs, ...window.output]
    if (residual && residual.shape.join() !== shape.join()) throw refuse("residual", `[${shape}]`)
    elems(shape)
    return {
      images,
      channels,
      outs,
      group,
      window,
      bias: bias !== undefined,
      residual: residual && (residualFirst ? "before" : "after"),
      activation,
    }
  },
  output: ({ images, outs, window }) => ({ dtype: "float32", shape: [images, outs, ...window.output] }),
  plan(problem) {
    const { group, outs } = problem
    if (isDepthwise(problem) && group > 1) return { algorithm: "depthwise" }
    if (outs / group < BLOCK) return { algorithm: "direct" }
    const pixels = isInFours(problem) ? "pointwise-vec4" : "pointwise"
    const algorithm = isPointwise(problem) ? pixels : "blocked"
    // A second block beside the first would be padding.
    return outs / group > BLOCK ? { algorithm } : { algorithm, tuning: { SIDE: 1 } }
  },
  reference,
  cases,
})
