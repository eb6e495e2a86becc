import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { isPowerOfTwo, linesAlong } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface SampleAttributes {
  /** What logits are divided by; 0 takes the largest. */
  temperature: number
  /** Only so many of the most probable, and those as probable as the last of them; 0: all. */
  topK: number
  /** Then only the most probable that together have this probability; 1: all. */
  topP: number
  /** Only those at least this times as probable as the most probable; 0: all. */
  minP: number
  /** Of tokens in `seen` logits above 0 are divided by it and others multiplied. */
  repetitionPenalty: number
}
export interface SampleProblem extends SampleAttributes {
  shape: Shape
  rows: number
  cols: number
  seen: boolean
}

const isGreedy = ({ temperature }: SampleAttributes) => temperature === 0

/**
 * logits float32 [..., vocabulary], draw uint32 [4]: the seed's low and high word and the step's, seen? uint32 [..., ⌈vocabulary / 32⌉]: a bit for each token, lowest first →
 * tokens int32 [...]. Token i of row r gets the word i % 4 of `philox4x32([⌊i/4⌋, r, step low, step high], [seed low, seed high])`.
 */
export const sample = defineKernel<SampleProblem, SampleAttributes, "row">({
  name: "sample",
  inputs: [
    float32("logits"),
    { name: "draw", dtypes: ["uint32"] },
    { name: "seen", dtypes: ["uint32"], optional: true },
  ],
  defaults: { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 },
  algorithms: {
    row: defineAlgorithm<SampleProblem, (typeof wgsl)["ops/sample/sample.wgsl"]>(wgsl["ops/sample/sample.wgsl"], {
      config(problem) {
        const { topK, topP, minP, seen } = problem
        const greedy = isGreedy(problem)
        const [byCount, byMass, byTop] = [topK > 0, topP < 1, minP > 0].map((limited) => limited && !greedy)
        return {
          GREEDY: greedy,
          SEEN: seen,
          TOP_K: byCount!,
          TOP_P: byMass!,
          MIN_P: byTop!,
          BOUND: byCount! || byMass! || byTop!,
          REDUCE_SUM: byCount! || byMass! || byTop!,
          REDUCE_MAX: true,
        }
      },
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 4 }),
      refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
      dispatch: ({ rows, cols, temperature, topK, topP, minP, repetitionPenalty }) => ({
        workgroups: rows,
        params: {
          rows,
          cols,
          words: Math.ceil(cols / 32),
          temperature: temperature || 1,
          penalty: repetitionPenalty,
          top_k: Math.min(topK, cols),
          top_p: topP,
          min_p: minP,
        },
      }),
    }),
  },
  problem([logits, draw, seen], attributes) {
    const { rows, cols } = linesAlong("sample", logits!.shape, -1)
    const shape = logits!.shape.slice(0, -1)
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", { message: `sample takes ${path} as ${expected}.`, data: { path, expected } })
    if (cols < 1 || cols >= 2 ** 24) throw refuse("logits", "[..., 1 to 2^24 − 1]")
    if (draw!.shape.join() !== "4") throw refuse("draw", "[4]")
    const words = [...shape, Math.ceil(cols / 32)]
    if (seen && seen.shape.join() !== words.join()) throw refuse("seen", `[${words}]`)
    const { temperature, topK, topP, minP, repetitionPenalty } = attributes
    for (const [path, fits, expected] of [
      ["temperature", temperature === 0 || (temperature >= 1e-3 && temperature <= 1e3), "0, or from 0.001 to 1,000"],
      ["topK", Number.isInteger(topK) && topK >= 0, "a whole number from 0 on"],
      ["topP", topP > 0 && topP <= 1, "above 0 and at most 1"],
      ["minP", minP >= 0 && minP <= 1, "from 0 to 1"],
      ["repetitionPenalty", repetitionPenalty >= 1e-3 && repetitionPenalty <= 1e3, "from 0.001 to 1,000"],
    ] as const)
      if (!fits)
        throw fail("IPFA_INPUT_INVALID", { message: `sample's ${path} is ${expected}.`, data: { path, expected } })
    return { ...attributes, shape, rows, cols, seen: seen !== undefined }
  },
  output: ({ shape }) => ({ dtype: "int32", shape }),
  plan: ({ cols }, { maxComputeInvocationsPerWorkgroup: most }) => ({
    algorithm: "row",
    tuning: { WG: cols >= 4096 && most >= 256 ? 256 : 64 },
  }),
  reference,
  cases,
})
