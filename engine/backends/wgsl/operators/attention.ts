import {
  type AttentionAttributes,
  add,
  attention,
  attentionMerge,
  copy,
  elems,
  matmul,
  mul,
  permuted,
  prefersProducts,
  rope,
  sliced,
  softmax,
  where,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"

/** From as many keys on the work for each row is shared between workgroups, so many keys each. */
const SPLIT_FROM = 1024
const SPLIT_KEYS = 256
/** The score of a key that is not seen: a softmax needs finite numbers. */
const HIDDEN = -2e30

const headsInFront = [0, 2, 1, 3]
/** [batch, seq, heads, size] as [batch, heads, seq, size], and back. */
export const turned = (node: NodeLowering, x: Value) =>
  node.run(copy, [x], { from: permuted(wholeView(x.shape), headsInFront) })

/** x as [batch, heads, seq, size]; given so, or as [batch, seq, heads · size]. */
export function headsOf(node: NodeLowering, x: Value, heads: number): Value {
  if (x.shape.length === 4) return x
  const [batch, seq, hidden] = x.shape as [number, number, number]
  return turned(node, node.reshaped(x, [batch, seq, heads, hidden / heads]))
}

/** What `past` holds and `x` behind it, along the tokens. */
export function appended(node: NodeLowering, past: Value | undefined, x: Value): Value {
  if (!past) return x
  const [before, now] = [past.shape[2]!, x.shape[2]!]
  const shape = x.shape.with(2, before + now)
  const into: Value = { dtype: x.dtype, shape, buffer: node.graph.buffer({ bytes: elems(shape) * 4 }) }
  node.run(copy, [past], { to: sliced(wholeView(shape), 2, 0, before), shape }, into)
  return node.run(copy, [x], { to: sliced(wholeView(shape), 2, before, now), shape }, into)
}

/** The mask as numbers to add, of four axes. */
function maskOf(node: NodeLowering, i: number): Value | undefined {
  if (!node.has(i)) return undefined
  const mask = node.input(i)
  const shape = [...new Array<number>(4 - mask.shape.length).fill(1), ...mask.shape]
  if (mask.dtype === "float32") return node.reshaped(mask, shape)
  const number = (value: number) => node.graph.constant([], Float32Array.of(value))
  return node.reshaped(node.run(where, [mask, number(0), number(HIDDEN)]), shape)
}

/** q·kᵀ · scale of q [batch, heads, seq, size] and k [batch, kv heads, keys, size]: [batch, heads, seq, keys]. */
function products(node: NodeLowering, q: Value, k: Value, scale: number): Value {
  const [batch, heads, seq, size] = q.shape as [number, number, number, number]
  const [, kvHeads, keys] = k.shape as [number, number, number]
  const scaled = scale === 1 ? q : node.run(mul, [q, node.graph.constant([], Float32Array.of(scale))])
  const rows = node.reshaped(scaled, [batch * kvHeads, (heads / kvHeads) * seq, size])
  const all = node.run(matmul, [rows, node.reshaped(k, [batch * kvHeads, keys, size])], { transposeB: true })
  return node.reshaped(all, [batch, heads, seq, keys])
}

/** `scores` [..., seq, keys], `hidden` where a key is behind its query, the first of which is at `offset`. */
function causal(node: NodeLowering, scores: Value, offset: number, hidden: number): Value {
  const [seq, keys] = scores.shape.slice(-2) as [number, number]
  const sees = Uint32Array.from({ length: seq * keys }, (_, i) => Number((i % keys) - offset <= Math.floor(i / keys)))
  const number = node.graph.constant([], Float32Array.of(hidden))
  return node.run(where, [node.graph.constant([seq, keys], sees), scores, number])
}

/** So many scores are held in memory, and no more: 64 MiB. */
const MOST_SCORES = 2 ** 24

/** Queries over keys and values with all scores in memory in between; undefined where that is not what `attention` would compute, or not what the adapter does best with. */
function attendedByProducts(
  node: NodeLowering,
  [q, k, v, mask, ...others]: readonly (Value | undefined)[],
  { causal: isCausal, scale, offset, hides = true, ...rest }: Partial<AttentionAttributes>,
): Value | undefined {
  const [batch, heads, seq, size] = q!.shape as [number, number, number, number]
  const [, kvHeads, keys, vSize] = v!.shape as [number, number, number, number]
  const first = offset ?? keys - seq
  const isPlain = Object.keys(rest).length === 0 && others.every((one) => !one) && (!isCausal || first >= 0)
  const fits = seq > 1 && batch * heads * seq * keys <= MOST_SCORES
  if (!isPlain || (mask && hides) || !fits || !prefersProducts(node.graph.limits)) return undefined
  const unmasked = products(node, q!, k!, scale ?? 1 / Math.sqrt(size))
  const scores = mask ? node.run(add, [unmasked, mask]) : unmasked
  const shares = node.run(softmax, [isCausal ? causal(node, scores, first, HIDDEN) : scores])
  const rows = node.reshaped(shares, [batch * kvHeads, (heads / kvHeads) * seq, keys])
  const y = node.run(matmul, [rows, node.reshaped(v!, [batch * kvHeads, keys, vSize])])
  return node.reshaped(y, [batch, heads, seq, vSize])
}

/** Queries over keys and values, all [batch, heads, tokens, size]; where keys are many and queries few, the work for each is shared. */
export function attended(
  node: NodeLowering,
  inputs: readonly [q: Value, k: Value, v: Value, mask?: Value, sequences?: Value, sinks?: Value],
  attributes: Partial<AttentionAttributes>,
): Value {
  const [q, k] = inputs
  const byProducts = attendedByProducts(node, inputs, attributes)
  if (byProducts) return byProducts
  const keys = k.shape[2]!
  const splits = keys >= SPLIT_FROM && q.shape[2]! === 1 ? Math.ceil(keys / SPLIT_KEYS) : 1
  const result = node.run(attention, inputs, { ...attributes, splits })
  return splits > 1 ? node.run(attentionMerge, [result]) : result
}

/** The scores that Attention gives where they are asked for: those of q and k, with what hides some of them, or their softmax. */
function scores(node: NodeLowering, q: Value, k: Value, scale: number, offset: number): Value {
  const mode = node.int("qk_matmul_output_mode", 0)
  let result = products(node, q, k, scale)
  if (mode < 2) return result
  const hidden = mode === 2 ? Number.NEGATIVE_INFINITY : HIDDEN
  if (node.has(3)) {
    const mask = node.input(3)
    const number = node.graph.constant([], Float32Array.of(hidden))
    result = mask.dtype === "float32" ? node.run(add, [result, mask]) : node.run(where, [mask, result, number])
  }
  if (node.int("is_causal", 0) === 1) result = causal(node, result, offset, hidden)
  return mode === 2 ? result : node.run(softmax, [result])
}

export const attentions = [
  defineLowering("Attention", (node) => {
    if (node.has(6)) throw unsupported("its keys are of different numbers")
    const [heads, kvHeads] = [node.int("q_num_heads", 0), node.int("kv_num_heads", 0)]
    const [past, pastValue] = [node.optional(4), node.optional(5)]
    const q = headsOf(node, node.input(0), heads)
    const k = appended(node, past, headsOf(node, node.input(1), kvHeads))
    const v = appended(node, pastValue, headsOf(node, node.input(2), kvHeads))
    const mask = maskOf(node, 3)
    const [scale, cap] = [node.float("scale", 0), node.float("softcap", 0)]
    // Until opset 24 a mask came before the cap, which bent what it hid back to −cap.
    if (mask && cap !== 0 && node.opset < 24) throw unsupported("it has a mask and capped scores")
    const y = attended(node, [q, k, v, mask], {
      causal: node.int("is_causal", 0) === 1,
      offset: past?.shape[2] ?? 0,
      ...(scale !== 0 && { scale }),
      ...(cap !== 0 && { cap }),
    })
    node.set(0, node.input(0).shape.length === 4 ? y : node.reshaped(turned(node, y), node.outputShape()))
    node.set(1, k)
    node.set(2, v)
    if (!node.node.output[3] || !node.graph.isUsed(node.node.output[3])) return
    if (cap !== 0) throw unsupported("its scores are used, and capped")
    node.set(3, scores(node, q, k, scale || 1 / Math.sqrt(q.shape[3]!), past?.shape[2] ?? 0))
  }),

  defineLowering("RotaryEmbedding", (node) => {
    const tables = [node.input(1), node.input(2)].map((table) =>
      node.reshaped(table, [elems(table.shape.slice(0, -1)), table.shape.at(-1)!]),
    )
    rotary(node, tables, node.optional(3))
  }),

  defineLowering("com.microsoft:RotaryEmbedding", (node) => {
    if (node.int("is_packed_batching", 0) === 1) throw unsupported("its batches are packed")
    if (node.float("scale", 1) !== 1) throw unsupported("it has a scale")
    const dims = node.int("rotary_embedding_dim", 0)
    if (dims > 0 && node.int("num_heads", 0) === 0) throw unsupported("it turns part of heads of unknown number")
    rotary(node, [node.input(2), node.input(3)], node.input(1))
  }),
]

/** x [batch, heads, seq, size], or [batch, seq, heads · size], turned by tables [positions, dims / 2]. */
function rotary(node: NodeLowering, tables: readonly Value[], positions: Value | undefined): void {
  const x = node.input(0)
  const headsFirst = x.shape.length === 4
  // Heads of unknown number are as large as the tables say.
  const heads = node.int("num_heads", 0) || x.shape.at(-1)! / (2 * tables[0]!.shape[1]!)
  const four = headsFirst ? x : node.reshaped(x, [x.shape[0]!, x.shape[1]!, heads, x.shape[2]! / heads])
  const interleaved = node.int("interleaved", 0) === 1
  node.set(0, node.reshaped(node.run(rope, [four, ...tables, positions], { headsFirst, interleaved }), x.shape))
}
