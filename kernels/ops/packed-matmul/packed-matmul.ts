import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Limits, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { layoutConfig } from "../../packed/config.ts"
import { layoutOf, type PackedFormat, packedWords } from "../../packed/format.ts"
import { slowInt8 } from "../../quirks/slow-int8.ts"
import { isPowerOfTwo } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

/** What the words of w are. */
export interface PackedMatmulAttributes {
  format: PackedFormat
  shape: readonly [n: number, k: number]
  /** `int8`: each eight of a row are rounded to 127ths of the largest of them, and products are of whole numbers; only where WGSL has those. */
  activations: Activations
}
export type Activations = "float32" | "int8"
export interface PackedMatmulProblem {
  format: PackedFormat
  /** Axes in front of y's columns. */
  batch: Shape
  m: number
  n: number
  k: number
  bias: boolean
  activations: Activations
}
export type PackedMatmulAlgorithm = "gemv" | "blocked"

/** Elements of y along each axis that one invocation or workgroup makes: fixed in the sources. */
const PER_PIECE = 4

const config = ({ format, k, bias, activations }: PackedMatmulProblem) => ({
  ...layoutConfig(layoutOf(format)),
  WHOLE: k % 8 === 0,
  BIAS: bias,
  INT8: activations === "int8",
})
const params = ({ format, m, n, k }: PackedMatmulProblem) => ({
  m,
  n,
  k,
  blocks: Math.ceil(k / layoutOf(format).block),
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
 * a float32 [..., k] · w packed [n, k], transposed, + bias? [n] → float32 [..., n]. The weights are unpacked in registers: w is read once for each row of a (gemv), or
 * for each four (blocked). With activations as int8 an eight of them is rounded anew for each four columns, in registers too.
 */
export const packedMatmul = defineKernel<PackedMatmulProblem, PackedMatmulAttributes, PackedMatmulAlgorithm>({
  name: "packed-matmul",
  inputs: [float32("a"), { name: "w", dtypes: ["uint32"] }, { ...float32("bias"), optional: true }],
  defaults: { format: "q4g32", shape: [0, 0], activations: "float32" },
  algorithms: { gemv, blocked },
  problem([a, w, bias], { format, shape: [n, k], activations }) {
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", {
        message: `packed-matmul takes ${path} as ${expected}; a is [${a!.shape}], w [${n}, ${k}].`,
        data: { path, expected },
      })
    if (a!.shape.at(-1) !== k) throw refuse("a", `[..., ${k}]`)
    const words = packedWords(format, n, k)
    if (elems(w!.shape) !== words) throw refuse("w", `${words} words of ${format}`)
    if (bias && bias.shape.join() !== `${n}`) throw refuse("bias", `[${n}]`)
    const batch = a!.shape.slice(0, -1)
    elems([...batch, n])
    return { format, batch, m: elems(batch), n, k, bias: bias !== undefined, activations }
  },
  output: ({ batch, n }) => ({ dtype: "float32", shape: [...batch, n] }),
  plan: ({ m }) => ({ algorithm: m < PER_PIECE ? "gemv" : "blocked" }),
  reference,
  cases,
})
