import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { layoutConfig } from "../../packed/config.ts"
import { tunedWords } from "../../packed/drawn.ts"
import { layoutOf, type PackedFormat, packedWords } from "../../packed/format.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

/** What the words of w are. */
export interface EmbeddingAttributes {
  format: PackedFormat
  shape: readonly [rows: number, cols: number]
}
export interface EmbeddingProblem {
  format: PackedFormat
  rows: number
  cols: number
  /** Of the indices. */
  shape: Shape
}

/** Elements that an invocation makes: fixed in the source. */
const EIGHT = 8

/** indices int32 [i…], w packed [rows, cols] → float32 [i…, cols]: those rows, unpacked in registers. */
export const embedding = defineKernel<EmbeddingProblem, EmbeddingAttributes, "flat">({
  name: "embedding",
  inputs: [
    { name: "indices", dtypes: ["int32"] },
    { name: "w", dtypes: ["uint32"] },
  ],
  defaults: { format: "q4g32", shape: [0, 0] },
  algorithms: {
    flat: defineAlgorithm<EmbeddingProblem, (typeof wgsl)["ops/embedding/embedding.wgsl"]>(
      wgsl["ops/embedding/embedding.wgsl"],
      {
        config: ({ format }) => layoutConfig(layoutOf(format)),
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch({ format, rows, cols, shape }, { WG }) {
          const eights = elems(shape) * Math.ceil(cols / EIGHT)
          const blocks = Math.ceil(cols / layoutOf(format).block)
          return { workgroups: Math.ceil(eights / WG!), params: { eights, rows, cols, blocks } }
        },
      },
    ),
  },
  problem([indices, w], { format, shape: [rows, cols] }) {
    const words = packedWords(format, rows, cols)
    if (elems(w!.shape) !== words)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `embedding takes w [${rows}, ${cols}] as ${words} words of ${format}, not ${elems(w!.shape)}.`,
        data: { path: "w", expected: `${words} words` },
      })
    elems([...indices!.shape, cols])
    return { format, rows, cols, shape: indices!.shape }
  },
  output: ({ shape, cols }) => ({ dtype: "float32", shape: [...shape, cols] }),
  tunedOn: { w: tunedWords },
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
