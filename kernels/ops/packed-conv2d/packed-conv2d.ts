import { fail } from "../../../protocol/errors/error.ts"
import { activationConfig, activationParams } from "../../activation.ts"
import { defineAlgorithm, defineKernel, float32 } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { layoutConfig } from "../../packed/config.ts"
import { tunedWords } from "../../packed/drawn.ts"
import { layoutOf, type PackedFormat, packedWords } from "../../packed/format.ts"
import { windowParams } from "../../window.ts"
import { type Conv2dAttributes, type Conv2dProblem, conv2d, isPointwise } from "../conv2d/conv2d.ts"
import { tapsOf } from "../conv2d/reference.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

/** What the words of w are: a row for each output, of the taps of its window, [o, c / group · kh · kw]. */
export interface PackedConv2dAttributes extends Conv2dAttributes {
  format: PackedFormat
  shape: readonly [o: number, c: number, kh: number, kw: number]
}
export interface PackedConv2dProblem extends Conv2dProblem {
  format: PackedFormat
}

/** Channels, and pixels, that one invocation makes: fixed in the source. */
const BLOCK = 4

/** x [n, c, h, w], w packed [o, c / group · kh · kw], bias? [o], residual? [n, o, h', w'] → float32 [n, o, h', w']: conv2d, its weights unpacked in registers. */
export const packedConv2d = defineKernel<PackedConv2dProblem, PackedConv2dAttributes, "blocked">({
  name: "packed-conv2d",
  inputs: [
    float32("x"),
    { name: "w", dtypes: ["uint32"] },
    { ...float32("bias"), optional: true },
    { ...float32("residual"), optional: true },
  ],
  defaults: { ...conv2d.defaults, format: "q8g32", shape: [0, 0, 0, 0] },
  algorithms: {
    blocked: defineAlgorithm<PackedConv2dProblem, (typeof wgsl)["ops/packed-conv2d/blocked.wgsl"]>(
      wgsl["ops/packed-conv2d/blocked.wgsl"],
      {
        config: (problem) => ({
          ...layoutConfig(layoutOf(problem.format)),
          WHOLE: tapsOf(problem) % 8 === 0,
          POINTWISE: isPointwise(problem),
          BIAS: problem.bias,
          RESIDUAL: problem.residual ?? false,
          ...activationConfig(problem.activation),
        }),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch(problem, { WG }) {
          const { images, channels, outs, group, activation, format } = problem
          const window = isPointwise(problem) ? inOneRow(problem.window) : problem.window
          const [rows, columns] = window.output
          const pieces = images * group * Math.ceil(outs / group / BLOCK) * rows * Math.ceil(columns / BLOCK)
          const taps = tapsOf(problem)
          return {
            workgroups: Math.ceil(pieces / WG!),
            params: {
              pieces,
              blocks: Math.ceil(taps / layoutOf(format).block),
              groups: group,
              group_channels: channels / group,
              group_outs: outs / group,
              taps,
              ...windowParams(window),
              ...activationParams(activation),
            },
          }
        },
      },
    ),
  },
  problem([x, w, bias, residual], { format, shape, ...attributes }) {
    const [outs, ...window] = shape
    const words = packedWords(format, outs, elems(window))
    if (elems(w!.shape) !== words)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `packed-conv2d takes w [${shape}] as ${words} words of ${format}, not ${elems(w!.shape)}.`,
        data: { path: "w", expected: `${words} words` },
      })
    return { ...conv2d.problem([x, { dtype: "float32", shape }, bias, residual], attributes), format }
  },
  output: (problem) => conv2d.output(problem),
  tunedOn: { w: tunedWords },
  plan: () => ({ algorithm: "blocked" }),
  reference,
  cases,
})

const inOneRow = (window: Conv2dProblem["window"]): Conv2dProblem["window"] => ({
  ...window,
  input: [1, elems(window.input)],
  output: [1, elems(window.output)],
})
