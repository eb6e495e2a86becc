import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface KvAppendAttributes {
  /** The cache's: [pages, heads, tokens of a page, size]. */
  cache: Shape
  /** The cache's: float16 is written as words, two in each. */
  dtype: "float32" | "float16"
}
export interface KvAppendProblem extends KvAppendAttributes {
  shape: Shape
  /** Pages of each sequence. */
  pages: number
}

/** The words that so many numbers take. */
export const wordsOf = (count: number, dtype: KvAppendAttributes["dtype"]): number =>
  dtype === "float16" ? count / 2 : count

/**
 * x float32 [batch, heads, seq, size], sequences int32 [batch, 1 + pages]: how many tokens a sequence has, then its pages' numbers → the cache with x behind
 * them, or, of a float16 cache, its words. Run it into the cache: all else there stays. A token that has no page, or none of the cache's, is dropped.
 */
export const kvAppend = defineKernel<KvAppendProblem, KvAppendAttributes, "flat">({
  name: "kv-append",
  inputs: [float32("x"), { name: "sequences", dtypes: ["int32"] }],
  defaults: { cache: [0, 0, 0, 0], dtype: "float32" },
  algorithms: {
    flat: defineAlgorithm<KvAppendProblem, (typeof wgsl)["ops/kv-append/kv-append.wgsl"]>(
      wgsl["ops/kv-append/kv-append.wgsl"],
      {
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        config: ({ dtype }) => ({ CACHE: dtype }),
        dispatch({ shape, cache, pages, dtype }, { WG }) {
          const [, heads, seq] = shape as [number, number, number, number]
          const size = wordsOf(shape[3]!, dtype)
          const total = wordsOf(elems(shape), dtype)
          return {
            workgroups: Math.ceil(total / WG!),
            params: { elems: total, heads, seq, size, page: cache[2]!, pages, count: cache[0]! },
          }
        },
      },
    ),
  },
  problem([x, sequences], { cache, dtype }) {
    const { shape } = x!
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", { message: `kv-append takes ${path} as ${expected}.`, data: { path, expected } })
    if (shape.length !== 4) throw refuse("x", "[batch, heads, seq, size]")
    if (cache.length !== 4 || cache[1] !== shape[1] || cache[3] !== shape[3] || cache[2]! < 1)
      throw refuse("cache", `[pages, ${shape[1]}, tokens, ${shape[3]}]`)
    if (!Number.isInteger(wordsOf(shape[3]!, dtype))) throw refuse("x", "[batch, heads, seq, an even size] for float16")
    const table = sequences!.shape
    if (table.length !== 2 || table[0] !== shape[0] || table[1]! < 1)
      throw refuse("sequences", `[${shape[0]}, 1 + pages]`)
    return { shape, cache, dtype, pages: table[1]! - 1 }
  },
  output: ({ cache, dtype }) =>
    dtype === "float32"
      ? { dtype, shape: cache }
      : { dtype: "uint32", shape: cache.with(3, wordsOf(cache[3]!, dtype)) },
  isPartial: true,
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
