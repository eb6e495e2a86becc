import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface KvAppendAttributes {
  /** The cache's: [pages, heads, tokens of a page, size]. */
  cache: Shape
}
export interface KvAppendProblem extends KvAppendAttributes {
  shape: Shape
  /** Pages of each sequence. */
  pages: number
}

/**
 * x float32 [batch, heads, seq, size], sequences int32 [batch, 1 + pages]: how many tokens a sequence has, then its pages' numbers → the cache with x behind
 * them. Run it into the cache: all else there stays. A token that has no page, or none of the cache's, is dropped.
 */
export const kvAppend = defineKernel<KvAppendProblem, KvAppendAttributes, "flat">({
  name: "kv-append",
  inputs: [float32("x"), { name: "sequences", dtypes: ["int32"] }],
  defaults: { cache: [0, 0, 0, 0] },
  algorithms: {
    flat: defineAlgorithm<KvAppendProblem, (typeof wgsl)["ops/kv-append/kv-append.wgsl"]>(
      wgsl["ops/kv-append/kv-append.wgsl"],
      {
        workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
        dispatch({ shape, cache, pages }, { WG }) {
          const [, heads, seq, size] = shape as [number, number, number, number]
          const total = elems(shape)
          return {
            workgroups: Math.ceil(total / WG!),
            params: { elems: total, heads, seq, size, page: cache[2]!, pages, count: cache[0]! },
          }
        },
      },
    ),
  },
  problem([x, sequences], { cache }) {
    const { shape } = x!
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", { message: `kv-append takes ${path} as ${expected}.`, data: { path, expected } })
    if (shape.length !== 4) throw refuse("x", "[batch, heads, seq, size]")
    if (cache.length !== 4 || cache[1] !== shape[1] || cache[3] !== shape[3] || cache[2]! < 1)
      throw refuse("cache", `[pages, ${shape[1]}, tokens, ${shape[3]}]`)
    const table = sequences!.shape
    if (table.length !== 2 || table[0] !== shape[0] || table[1]! < 1)
      throw refuse("sequences", `[${shape[0]}, 1 + pages]`)
    return { shape, cache, pages: table[1]! - 1 }
  },
  output: ({ cache }) => ({ dtype: "float32", shape: cache }),
  isPartial: true,
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
