import {
  add,
  copy,
  elems,
  kvAppend,
  less,
  permuted,
  rope,
  sliced,
  where,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { appended, attended, headsOf, turned } from "./attention.ts"
import { whole } from "./indices.ts"

const zeros = (node: NodeLowering, count: number) => node.graph.constant([count], new Float32Array(count))
const counted = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Of x [batch, seq, heads, size] every `step`th head from `first` on, in front of the tokens. */
function someHeads(node: NodeLowering, x: Value, first: number, count: number, step = 1): Value {
  const view = permuted(sliced(wholeView(x.shape), 2, first, count, step), [0, 2, 1, 3])
  return node.run(copy, [x], { from: view })
}

/** The node's scale and cap of scores, where it has them. */
function bending(node: NodeLowering) {
  const [scale, cap] = [node.float("scale", 0), node.float("softcap", 0)]
  return { ...(scale !== 0 && { scale }), ...(cap !== 0 && { cap }) }
}

/** What a node gives: y [batch, heads, seq, size] with the heads behind the tokens again, and the keys and values there are now. */
function give(node: NodeLowering, y: Value, k: Value, v: Value): void {
  if (node.node.output[3] && node.graph.isUsed(node.node.output[3])) throw unsupported("its scores are used")
  const [batch, heads, seq, size] = y.shape as [number, number, number, number]
  node.set(0, node.reshaped(turned(node, y), [batch, seq, heads * size]))
  node.set(1, k)
  node.set(2, v)
}

/** A number for each sequence, [batch, 1], with the number of its one page behind it. */
function paged(node: NodeLowering, column: Value): Value {
  const batch = column.shape[0]!
  const shape = [batch, 2]
  const into: Value = { dtype: "int32", shape, buffer: node.graph.buffer({ bytes: elems(shape) * 4 }) }
  const part = (axis: number) => ({ to: sliced(wholeView(shape), 1, axis, 1), shape })
  node.run(copy, [column], part(0), into)
  return node.run(copy, [whole(node, [batch, 1], counted(batch))], part(1), into)
}

/** Keys or values x behind the `past` tokens that each sequence has in `before`, in a cache with room for so many. */
function cached(node: NodeLowering, before: Value | undefined, x: Value, room: number, past: Value | number): Value {
  const tokens = before?.shape[2] ?? 0
  const cache = tokens === room ? node.run(copy, [before!]) : appended(node, before, x)
  if (cache.shape[2] !== room) throw unsupported(`its cache of ${tokens} tokens becomes one of ${room}`)
  if (tokens < room && past === tokens) return cache
  const batch = x.shape[0]!
  const column = typeof past === "number" ? whole(node, [batch, 1], new Array(batch).fill(past)) : past
  return node.run(kvAppend, [x, paged(node, column)], { cache: cache.shape }, cache)
}

/** Which keys are there, 1 or 0 [batch, keys] or [batch, queries, keys], or how many, [batch]: what is added to the scores of each key. */
function paddingOf(node: NodeLowering, mask: Value, keys: number): Value {
  const batch = mask.shape[0]!
  const number = (value: number) => node.graph.constant([], Float32Array.of(value))
  if (mask.shape.length === 1 && mask.dtype === "int32") {
    const there = node.run(less, [whole(node, [keys], counted(keys)), node.reshaped(mask, [batch, 1])])
    return paddingOf(node, there, keys)
  }
  if (mask.shape.at(-1) !== keys || mask.shape.length > 3) throw unsupported(`its mask is [${mask.shape}]`)
  const truth = mask.dtype === "uint32" ? mask : node.run(less, [whole(node, [], [0]), mask])
  const added = node.run(where, [truth, number(0), number(node.float("mask_filter_value", -10_000))])
  return node.reshaped(added, [batch, 1, mask.shape.length === 3 ? mask.shape[1]! : 1, keys])
}

export const microsoftAttentions = [
  defineLowering("com.microsoft:GroupQueryAttention", (node) => {
    if (node.has(12) || node.text("k_quant_type", "NONE") !== "NONE") throw unsupported("its cache is quantized")
    const [heads, kvHeads] = [node.int("num_heads", 0), node.int("kv_num_heads", 0)]
    const query = node.input(0)
    const [batch, seq, hidden] = query.shape as [number, number, number]
    const parts = (): [Value, Value, Value] => {
      if (node.has(1)) return [headsOf(node, query, heads), headsOf(node, node.input(1), kvHeads), headsOf(node, node.input(2), kvHeads)] // biome-ignore format: three of a kind
      const all = heads + 2 * kvHeads
      const x = node.reshaped(query, [batch, seq, all, hidden / all])
      return [someHeads(node, x, 0, heads), someHeads(node, x, heads, kvHeads), someHeads(node, x, heads + kvHeads, kvHeads)] // biome-ignore format: as above
    }
    const [q, k, v] = parts()
    const [before, beforeValue] = [node.optional(3), node.optional(4)]
    const total = node.known(6)[0]!
    const room = Math.max(before?.shape[2] ?? 0, total)
    // A sequence alone is as long as all are; of several, input 5 says how long each is, less one.
    const isEven = batch === 1 && room === total
    const lengths = isEven ? undefined : node.run(add, [node.reshaped(node.input(5), [batch, 1]), whole(node, [], [1])])
    const isFirst = seq === total
    const past = isFirst ? 0 : lengths ? node.run(add, [lengths, whole(node, [], [-seq])]) : total - seq

    const rotated = (x: Value): Value => {
      if (node.int("do_rotary", 0) === 0) return x
      const given = () => (typeof past === "number" ? whole(node, [1], [past]) : node.run(add, [past, whole(node, [seq], counted(seq))])) // biome-ignore format: a choice
      const interleaved = node.int("rotary_interleaved", 0) === 1
      return node.run(rope, [x, node.input(7), node.input(8), node.optional(9) ?? given()], { interleaved })
    }
    const keys = cached(node, before, rotated(k), room, past)
    const values = cached(node, beforeValue, v, room, past)
    const window = node.int("local_window_size", -1)
    const sinks = node.optional(11) ?? (node.int("smooth_softmax", 0) === 1 ? zeros(node, heads) : undefined)
    const y = attended(node, [rotated(q), keys, values, node.optional(10), lengths && paged(node, lengths), sinks], {
      causal: true,
      ...bending(node),
      ...(window > 0 && { window }),
      // Then what is shorter than the rest is padded behind.
      ...(isFirst && { offset: 0 }),
    })
    give(node, y, keys, values)
  }),

  defineLowering("com.microsoft:MultiHeadAttention", (node) => {
    if (node.has(8)) throw unsupported("its cache is shared")
    const heads = node.int("num_heads", 0)
    const hidden = node.input(0).shape[2]!
    /** Queries, keys or values: an input of their own, or a part of one that has several packed in it. */
    const part = (which: 0 | 1 | 2): Value => {
      const i = node.has(2) ? which : node.has(1) ? Math.min(which, 1) : 0
      const x = node.input(i)
      if (x.shape.length === 5) {
        const [batch, seq, , parts, size] = x.shape as [number, number, number, number, number]
        if (node.has(3)) throw unsupported("it has a bias and packed inputs")
        return someHeads(node, node.reshaped(x, [batch, seq, heads * parts, size]), which - i, heads, parts)
      }
      if (x.shape.length === 4 || !node.has(3)) return headsOf(node, x, heads)
      const bias = node.input(3)
      const own = sliced(wholeView(bias.shape), 0, which * hidden, x.shape[2]!)
      return headsOf(node, node.run(add, [x, node.run(copy, [bias], { from: own })]), heads)
    }
    const k = appended(node, node.optional(6), part(1))
    const v = appended(node, node.optional(7), part(2))
    const [padding, bias] = [node.has(4) ? paddingOf(node, node.input(4), k.shape[2]!) : undefined, node.optional(5)]
    const mask = padding && bias ? node.run(add, [padding, bias]) : (padding ?? bias)
    const causal = node.int("unidirectional", 0) === 1
    give(node, attended(node, [part(0), k, v, mask], { causal, ...bending(node) }), k, v)
  }),
]
