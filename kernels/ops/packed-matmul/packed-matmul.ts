import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Limits, type Shape } from "../../define-kernel.ts"
import { type Epilogue, type EpilogueAttributes, epilogueConfig, epilogueOf, epilogueParams } from "../../epilogue.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { layoutConfig } from "../../packed/config.ts"
import { tunedWords } from "../../packed/drawn.ts"
import { layoutOf, type PackedFormat, packedWords } from "../../packed/format.ts"
import { slowInt8 } from "../../quirks/slow-int8.ts"
import { isPowerOfTwo } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface PackedMatmulAttributes extends EpilogueAttributes {
  /** What the words of w are. */
  format: PackedFormat
  shape: readonly [n: number, k: number]
  /** `int8`: each eight of a row are rounded to 127ths of the largest of them, and products are of whole numbers; only where WGSL has those. */
  activations: Activations
}
export type Activations = "float32" | "int8"
export interface PackedMatmulProblem extends Epilogue {
  format: PackedFormat
  /** Axes in front of y's columns. */
  batch: Shape
  m: number
  n: number
  k: number
  activations: Activations
}
export type PackedMatmulAlgorithm = "gemv" | "blocked"

/** Elements of y along each axis that one invocation or workgroup makes: fixed in the sources. */
const PER_PIECE = 4

const config = (problem: PackedMatmulProblem) => ({
  ...layoutConfig(layoutOf(problem.format)),
  WHOLE: problem.k % 8 === 0,
  INT8: problem.activations === "int8",
  ...epilogueConfig(problem),
})
const params = (problem: PackedMatmulProblem) => ({
  m: problem.m,
  n: problem.n,
  k: problem.k,
  blocks: Math.ceil(problem.k / layoutOf(problem.format).block),
  ...epilogueParams(problem),
})

/** Whether products of whole numbers are there, four to a word. */
const INT8_PRODUCTS = "packed_4x8_integer_dot_product"
const needs = ({ activations }: PackedMatmulProblem) => (activations === "int8" ? INT8_PRODUCTS : undefined)

/** What a caller to whom `int8` is precise enough does best to take on this adapter. */
export const fastActivations = ({ features, quirks }: Limits): Activations =>
  features?.has(INT8_PRODUCTS) && !quirks?.includes(slowInt8) ? "int8" : "float32"

const gemv = defineAlgorithm<PackedMatmulProblem, (typeof wgsl)["ops/packed-matmul/gemv.wgsl"]>(
  wgsl["ops/packed-matmul/gemv.wgsl"],
  {
    config,
    needs,
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: WG! * 16 }),
    refuses: (_problem, { WG }) => (isPowerOfTwo(WG!) ? undefined : `WG = ${WG} is no power of two`),
    dispatch: (problem) => ({
      workgroups: problem.m * Math.ceil(problem.n / PER_PIECE),
      params: params(problem),
    }),
  },
)

const blocked = defineAlgorithm<PackedMatmulProblem, (typeof wgsl)["ops/packed-matmul/blocked.wgsl"]>(
  wgsl["ops/packed-matmul/blocked.wgsl"],
  {
    config,
    needs,
    workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
    dispatch: (problem, { WG }) => ({
      workgroups: Math.ceil((Math.ceil(problem.m / PER_PIECE) * Math.ceil(problem.n / PER_PIECE)) / WG!),
      params: params(problem),
    }),
  },
)

/**
 * a float32 [..., k] · w packed [n, k], transposed, · scale + bias? [n], residual? [..., n] → float32 [..., n]. The weights are unpacked in registers: w is read once for each row of a (gemv), or
 * for each four (blocked). With activations as int8 an eight of them is rounded anew for each four columns, in registers too.
 */
export const packedMatmul = defineKernel<PackedMatmulProblem, PackedMatmulAttributes, PackedMatmulAlgorithm>({
  name: "packed-matmul",
  inputs: [
    float32("a"),
    { name: "w", dtypes: ["uint32"] },
    { ...float32("bias"), optional: true },
    { ...float32("residual"), optional: true },
  ],
  defaults: {
    format: "q4g32",
    shape: [0, 0],
    activations: "float32",
    scale: 1,
    activation: undefined,
    residualFirst: false,
  },
  algorithms: { gemv, blocked },
  problem([a, w, bias, residual], { format, shape: [n, k], activations, ...epilogue }) {
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", {
        message: `packed-matmul takes ${path} as ${expected}; a is [${a!.shape}], w [${n}, ${k}].`,
        data: { path, expected },
      })
    if (a!.shape.at(-1) !== k) throw refuse("a", `[..., ${k}]`)
    const words = packedWords(format, n, k)
    if (elems(w!.shape) !== words) throw refuse("w", `${words} words of ${format}`)
    const batch = a!.shape.slice(0, -1)
    const output = [...batch, n]
    elems(output)
    const own = epilogueOf("packed-matmul", output, { bias, residual }, epilogue, refuse)
    return { format, batch, m: elems(batch), n, k, activations, ...own }
  },
  output: ({ batch, n }) => ({ dtype: "float32", shape: [...batch, n] }),
  tunedOn: { w: tunedWords },
  plan: ({ m }) => ({ algorithm: m < PER_PIECE ? "gemv" : "blocked" }),
  reference,
  cases,
})
