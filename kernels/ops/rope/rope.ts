import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Shape } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { isByFours } from "../../walk.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface RopeAttributes {
  /** x is [batch, heads, seq, size]; else [batch, seq, heads, size]. */
  headsFirst: boolean
  /** Neighbours are turned together; else a number and the one half the turned dimensions further on. */
  interleaved: boolean
  /** The tables have a column for each turned number; else one for two that are turned together. */
  wide: boolean
}
export interface RopeProblem extends RopeAttributes {
  shape: Shape
  seq: number
  heads: number
  size: number
  /** Turned dimensions of each head: the columns of the tables, or twice as many. */
  dims: number
  /** Where a token's row of the tables comes from: a number each, the first token's of each sequence, or its index in [batch, seq]. */
  positions: "each" | "first" | "none"
}

/** Whether four neighbours of a head are turned alike, each with one that is as far from it. */
const byFours = ({ size, dims, interleaved, wide }: RopeProblem) =>
  isByFours(size) && (interleaved ? isByFours(dims) && !wide : isByFours(dims / 2))

/**
 * Rotary embedding: x float32, tables cos and sin float32 [positions, dims / 2] (rope-tables.ts) or, `wide`, [positions, dims], positions? int32 [batch, seq] or [1]: the first token's → x's shape.
 * Positions lie within the tables; without them the tables have a row for each token, [batch · seq, …].
 */
export const rope = defineKernel<RopeProblem, RopeAttributes, "flat">({
  name: "rope",
  inputs: [float32("x"), float32("cos_table"), float32("sin_table"), { name: "positions", dtypes: ["int32"], optional: true }], // biome-ignore format: the inputs
  defaults: { headsFirst: true, interleaved: false, wide: false },
  algorithms: {
    flat: defineAlgorithm<RopeProblem, (typeof wgsl)["ops/rope/rope.wgsl"]>(wgsl["ops/rope/rope.wgsl"], {
      config: (problem) => {
        const { headsFirst, interleaved, wide, positions } = problem
        const four = byFours(problem)
        return { HEADS_FIRST: headsFirst, INTERLEAVED: interleaved, WIDE: wide, POSITIONS: positions, FOUR: four, PAIRS: four && interleaved } // biome-ignore format: the config
      },
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      dispatch(problem, { WG }) {
        const { shape, seq, heads, size, dims } = problem
        const each = byFours(problem) ? 4 : 1
        const total = elems(shape) / each
        const params = { elems: total, seq, heads, size: size / each, dims: dims / each }
        return { workgroups: Math.ceil(total / WG!), params }
      },
    }),
  },
  problem([x, cos, sin, positions], { headsFirst, interleaved, wide }) {
    const { shape } = x!
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", { message: `rope takes ${path} as ${expected}.`, data: { path, expected } })
    if (shape.length !== 4) throw refuse("x", "[batch, heads, seq, size] or [batch, seq, heads, size]")
    const [batch, , , size] = shape as [number, number, number, number]
    const [heads, seq] = headsFirst ? [shape[1]!, shape[2]!] : [shape[2]!, shape[1]!]
    const dims = (wide ? 1 : 2) * cos!.shape.at(-1)!
    const rows = cos!.shape[0]!
    if (cos!.shape.length !== 2 || dims > size || dims % 2 !== 0)
      throw refuse("cos_table", wide ? `[positions, an even number up to ${size}]` : `[positions, at most ${size / 2}]`)
    if (sin!.shape.join() !== cos!.shape.join()) throw refuse("sin_table", `[${cos!.shape}]`)
    const each = positions && positions.shape.join() === [batch, seq].join()
    if (positions && !each && elems(positions.shape) !== 1) throw refuse("positions", `[${batch}, ${seq}] or [1]`)
    if (!positions && rows !== batch * seq)
      throw refuse("cos_table", `[${batch * seq}, …] where positions are left out`)
    return { shape, seq, heads, size, dims, headsFirst, interleaved, wide, positions: each ? "each" : positions ? "first" : "none" } // biome-ignore format: the problem
  },
  output: ({ shape }) => ({ dtype: "float32", shape }),
  plan: () => ({ algorithm: "flat" }),
  reference,
  cases,
})
