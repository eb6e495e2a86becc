import { fail } from "../../../protocol/errors/error.ts"
import {
  defineAlgorithm,
  defineKernel,
  float32,
  type Limits,
  type Shape,
  type TensorType,
} from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { costlyBarriers } from "../../quirks/costly-barriers.ts"
import { isPowerOfTwo } from "../../shapes.ts"
import { cases } from "./cases.ts"
import { reference } from "./reference.ts"

export interface AttentionAttributes {
  /** A query sees no key behind its own position. */
  causal: boolean
  /** A query sees the keys less than so many positions away. */
  window: number | undefined
  /** What q·k is multiplied by; 1/√size unless given. */
  scale: number | undefined
  /** Scores are bent to lie between −cap and cap: cap·tanh(score/cap), before mask and slopes. */
  cap: number | undefined
  /** The first query's position; so that the last query's is the last key's unless given. */
  offset: number | undefined
  /** A key is not seen where the mask is −1e30 or less. Else such a key has next to no share, or the same as others where all are hidden alike: what a softmax of sums gives. */
  hides: boolean
  /** Above 1 the keys are split among so many workgroups, and the result is for `attention-merge`. */
  splits: number
}
export interface AttentionProblem extends Omit<AttentionAttributes, "scale"> {
  batch: number
  heads: number
  kvHeads: number
  seq: number
  size: number
  vSize: number
  /** Tokens of a page, and pages of a sequence; without `sequences` each has one, of its own number. */
  page: number
  pages: number
  scale: number
  /** The mask's strides in elements along batch, heads and queries; undefined without one. */
  mask: readonly [batch: number, head: number, row: number] | undefined
  sequences: boolean
  sinks: boolean
  slopes: boolean
}

const int32 = (name: string) => ({ name, dtypes: ["int32" as const] })
const optional = <T>(input: T) => ({ ...input, optional: true })

/** Whether an adapter does better with products of matrices, and all scores in memory in between, where there are several queries. */
export const prefersProducts = ({ quirks }: Limits): boolean => quirks?.includes(costlyBarriers) ?? false

const WORKGROUP = 64
const bytesOf = (size: number, vSize: number, workgroup: number) => (size + vSize) * 16 + workgroup * 36
/** Whether a workgroup of as many invocations as are planned has the memory for heads of these sizes. */
export const holdsHeads = ({ maxComputeWorkgroupStorageSize: most }: Limits, size: number, vSize: number): boolean =>
  bytesOf(size, vSize, WORKGROUP) <= most

/** Constants for heads of these sizes. */
const sizes = (size: number, vSize: number) => ({ SIZE: Math.max(size, 1), V_SIZE: Math.max(vSize, 1) })

/** Strides of a mask [batch or 1, heads or 1, seq or 1, keys]. */
function maskStrides({ shape }: TensorType, [batch, heads, seq]: readonly number[], keys: number) {
  const [b, h, rows, cols] = shape as [number, number, number, number]
  const fits = (size: number, whole: number) => size === 1 || size === whole
  if (shape.length !== 4 || cols !== keys || !fits(b, batch!) || !fits(h, heads!) || !fits(rows, seq!)) return undefined
  const step = (size: number, stride: number) => (size === 1 ? 0 : stride)
  return [step(b, h * rows * cols), step(h, rows * cols), step(rows, cols)] as const
}

/**
 * q float32 [batch, heads, seq, size], k [pages, kv heads, tokens of a page, size], v [pages, kv heads, tokens of a page, v size] → [batch, heads, seq, v size]; several heads share
 * a kv head where there are fewer of those (GQA, MQA). mask? float32 [batch or 1, heads or 1, seq or 1, keys] is added to the scores, −1e30 and less hides unless `hides` is false. sequences? int32
 * [batch, 1 + pages]: how many keys a sequence has, then its pages' numbers; without it page b is sequence b's, all of it. sinks? float32 [heads]: the score of a key
 * without a value. slopes? float32 [heads]: ALiBi. A query that sees nothing gives 0. With `splits`: [splits, batch, heads, seq, v size + 2].
 */
export const attention = defineKernel<AttentionProblem, AttentionAttributes, "online">({
  name: "attention",
  inputs: [
    float32("q"),
    float32("k"),
    float32("v"),
    optional(float32("mask")),
    optional(int32("sequences")),
    optional(float32("sinks")),
    optional(float32("slopes")),
  ],
  defaults: {
    causal: false,
    window: undefined,
    scale: undefined,
    cap: undefined,
    offset: undefined,
    hides: true,
    splits: 1,
  },
  algorithms: {
    online: defineAlgorithm<AttentionProblem, (typeof wgsl)["ops/attention/attention.wgsl"]>(
      wgsl["ops/attention/attention.wgsl"],
      {
        config: ({ causal, window, cap, offset, hides, splits, mask, sequences, sinks, slopes }) => ({
          CAUSAL: causal,
          WINDOW: window !== undefined,
          CAP: cap !== undefined,
          SIGMOID: cap !== undefined,
          OFFSET: offset !== undefined,
          PARTIAL: splits > 1,
          MASK: mask !== undefined,
          HIDES: hides,
          SEQUENCES: sequences,
          SINKS: sinks,
          SLOPES: slopes,
        }),
        tunings: ({ size, vSize }) => [4, 32, 128, 256].map((WG) => ({ WG, ...sizes(size, vSize) })),
        workgroup: ({ WG, SIZE, V_SIZE }) => ({ size: [WG!, 1], bytes: bytesOf(SIZE!, V_SIZE!, WG!) }),
        refuses({ size, vSize }, { WG, SIZE, V_SIZE }) {
          if (!isPowerOfTwo(WG!)) return `WG = ${WG} is no power of two`
          return SIZE! < size || V_SIZE! < vSize
            ? `heads of ${size} and ${vSize} are over ${SIZE} and ${V_SIZE}`
            : undefined
        },
        dispatch(problem) {
          const { batch, heads, kvHeads, seq, size, vSize, page, pages, splits, mask = [0, 0, 0] } = problem
          const tiles = Math.ceil(((heads / kvHeads) * seq) / 4)
          return {
            workgroups: vSize === 0 ? 0 : splits * batch * kvHeads * tiles,
            params: {
              batch,
              heads,
              kv_heads: kvHeads,
              seq,
              size,
              v_size: vSize,
              page,
              pages,
              splits,
              chunk: Math.ceil((page * pages) / splits),
              mask_batch: mask[0],
              mask_head: mask[1],
              mask_row: mask[2],
              window: problem.window ?? 0,
              offset: problem.offset ?? 0,
              scale: problem.scale,
              cap: problem.cap ?? 0,
            },
          }
        },
      },
    ),
  },
  problem([q, k, v, mask, sequences, sinks, slopes], { scale, ...attributes }) {
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", {
        message: `attention takes ${path} as ${expected}; q is [${q!.shape}], k [${k!.shape}], v [${v!.shape}].`,
        data: { path, expected },
      })
    if (q!.shape.length !== 4) throw refuse("q", "[batch, heads, seq, size]")
    const [batch, heads, seq, size] = q!.shape as [number, number, number, number]
    if (k!.shape.length !== 4 || k!.shape[3] !== size) throw refuse("k", `[pages, kv heads, tokens, ${size}]`)
    const [number, kvHeads, page] = k!.shape as [number, number, number]
    const vSize = v!.shape.at(-1)!
    if (v!.shape.length !== 4 || v!.shape.slice(0, 3).join() !== k!.shape.slice(0, 3).join())
      throw refuse("v", `[${number}, ${kvHeads}, ${page}, v size]`)
    if (kvHeads < 1 || heads % kvHeads !== 0) throw refuse("k", `with kv heads that divide ${heads}`)
    if (!sequences && number !== batch) throw refuse("k", `[${batch}, …] where sequences are left out`)
    const table = sequences?.shape
    if (table && (table.length !== 2 || table[0] !== batch || table[1]! < 1))
      throw refuse("sequences", `[${batch}, 1 + pages]`)
    const pages = table ? table[1]! - 1 : 1
    const strides = mask && maskStrides(mask, [batch, heads, seq], page * pages)
    if (mask && !strides) throw refuse("mask", `[${batch} or 1, ${heads} or 1, ${seq} or 1, ${page * pages}]`)
    for (const [path, input] of Object.entries({ sinks, slopes }))
      if (input && input.shape.join() !== `${heads}`) throw refuse(path, `[${heads}]`)
    const { window, cap, splits, offset } = attributes
    const invalid = (path: string, expected: string) =>
      fail("IPFA_INPUT_INVALID", { message: `attention's ${path} is ${expected}.`, data: { path, expected } })
    if (window !== undefined && !(Number.isInteger(window) && window > 0))
      throw invalid("window", "a whole number above 0")
    if (cap !== undefined && !(cap > 0 && cap < 1e30)) throw invalid("cap", "a number above 0")
    if (offset !== undefined && !Number.isInteger(offset)) throw invalid("offset", "a whole number")
    if (!(Number.isInteger(splits) && splits > 0)) throw invalid("splits", "a whole number above 0")
    return {
      ...attributes,
      ...{ batch, heads, kvHeads, seq, size, vSize, page, pages },
      scale: Math.fround(scale ?? 1 / Math.sqrt(Math.max(size, 1))),
      mask: strides,
      sequences: sequences !== undefined,
      sinks: sinks !== undefined,
      slopes: slopes !== undefined,
    }
  },
  output: ({ batch, heads, seq, vSize, splits }): TensorType => {
    const rows: Shape = [batch, heads, seq]
    const shape = splits > 1 ? [splits, ...rows, vSize + 2] : [...rows, vSize]
    elems(shape)
    return { dtype: "float32", shape }
  },
  // As long as they may be, their pages in order.
  tunedOn: {
    sequences: ({ batch, page, pages }, [, k]) =>
      Array.from({ length: batch * (pages + 1) }, (_, i) => {
        const [sequence, at] = [Math.floor(i / (pages + 1)), i % (pages + 1)]
        return at === 0 ? page * pages : (sequence * pages + at - 1) % k!.shape[0]!
      }),
  },
  plan: ({ size, vSize }) => ({ algorithm: "online", tuning: sizes(size, vSize) }),
  reference,
  cases,
})
