import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, UINT8, type Value, value } from "../value.ts"
import { outputsTwice } from "./select.ts"

/** What exporters of language models write of ONNX Runtime's own operators. */
const domain = "com.microsoft"

const times = (a: Dim, b: Dim): Dim => (a === null || b === null ? null : a * b)
const over = (node: NodeContext, dim: Dim, count: number): Dim => {
  if (dim === null) return null
  if (count < 1 || dim % count !== 0) throw node.refusal(`heads that divide ${dim}`)
  return dim / count
}

/** Two products over the scores of [batch, heads, length] queries with `total` keys, and five operations a score. */
function attentionFlops([batch, heads, length, total]: readonly Dim[], size: Dim, vSize: Dim): number | null {
  const scores = elems([batch!, heads!, length!, total!])
  return scores === null || size === null || vSize === null ? null : scores * (2 * size + 2 * vSize + 5)
}

interface Sizes {
  batch: Dim
  heads: number
  length: Dim
  size: Dim
  vSize: Dim
  kvHeads: number
  total: Dim
}

/** query [batch, length, heads × size], or with the keys and values of kv heads behind it; what a cache may hold of past keys is [batch, kv heads, past, size]. */
function grouped(node: NodeContext): Sizes | null {
  const query = node.input(0)
  if (!node.isRank(query, 3, 3)) return null
  const [heads, kvHeads] = [node.int("num_heads", 0), node.int("kv_num_heads", 0)]
  const [batch, length, hidden] = query.shape as [Dim, Dim, Dim]
  const size = over(node, hidden, node.inputs[1] ? heads : heads + 2 * kvHeads)
  const past = node.inputs[3] ? (node.inputs[3].shape?.[2] ?? null) : 0
  const known = node.knownInts(6)?.[0] ?? null
  const total = past === null || known === null ? null : Math.max(past, known)
  return { batch, heads, length, size, vSize: size, kvHeads, total }
}

/** query [batch, length, heads × size], key and value alike or [batch, heads, keys, size]; or packed: [batch, length, heads, 3, size]. */
function multiHead(node: NodeContext): Sizes | null {
  const query = node.input(0)
  const heads = node.int("num_heads", 0)
  if (!node.isRank(query, 3, 5)) return null
  const [batch, length] = query.shape as [Dim, Dim]
  const past = node.inputs[6] ? (node.inputs[6].shape?.[2] ?? null) : 0
  const after = (keys: Dim): Dim => (keys === null || past === null ? null : keys + past)
  const common = { batch, heads, length, kvHeads: heads }
  if (query.shape.length === 5)
    return { ...common, size: query.shape[4]!, vSize: query.shape[4]!, total: after(length) }
  const size = over(node, query.shape[2]!, heads)
  const [key, v] = [node.inputs[1]?.shape ?? null, node.inputs[2]?.shape ?? null]
  if (!key) return { ...common, size, vSize: null, total: null }
  if (key.length === 5) return { ...common, size, vSize: size, total: after(key[1]!) }
  if (key.length === 4) return { ...common, size, vSize: v?.[3] ?? null, total: after(key[2]!) }
  return { ...common, size, vSize: over(node, v?.[2] ?? null, heads), total: after(key[1]!) }
}

const attention = (names: string, sizes: (node: NodeContext) => Sizes | null): OperatorDefinition =>
  defineOperator({
    names,
    domain,
    infer(node) {
      const s = sizes(node)
      const { elem } = node.input(0)
      if (!s) return [value(elem, null), value(elem, null), value(elem, null)]
      return [
        value(elem, [s.batch, s.length, times(s.heads, s.vSize)]),
        value(elem, [s.batch, s.kvHeads, s.total, s.size]),
        value(elem, [s.batch, s.kvHeads, s.total, s.vSize]),
      ]
    },
    flops(node) {
      const s = sizes(node)
      return s && attentionFlops([s.batch, s.heads, s.length, s.total], s.size, s.vSize)
    },
  })

const perInput = (count: number) => (node: NodeContext) => {
  const n = elems(node.input(0).shape)
  return n === null ? null : count * n
}

const skipped = (node: NodeContext): (Value | undefined)[] => {
  const same = value(node.input(0).elem, node.input(0).shape)
  return [same, undefined, undefined, same]
}

export const microsoft: readonly OperatorDefinition[] = [
  attention("GroupQueryAttention", grouped),
  attention("MultiHeadAttention", multiHead),
  // What is normalized is the sum of two, or three, which is the fourth output.
  defineOperator({
    names: ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"],
    domain,
    infer: skipped,
    flops: perInput(10),
  }),
  // Rows of a table; a byte holds as many numbers as its bits are for.
  defineOperator({
    names: "GatherBlockQuantized",
    domain,
    infer(node) {
      const [data, indices, { elem }] = [node.input(0), node.input(1), node.input(2)]
      const bits = data.elem === UINT8 ? node.int("bits", 4) : 8
      if (![2, 4, 8].includes(bits)) throw node.refusal(`2, 4 or 8 bits, not ${bits}`)
      if (!data.shape || !indices.shape) return [value(elem, null)]
      const axis = node.axis(node.int("gather_axis", 0), data.shape.length)
      const full = data.shape.with(-1, times(data.shape.at(-1)!, 8 / bits))
      return [value(elem, [...full.slice(0, axis), ...indices.shape, ...full.slice(axis + 1)])]
    },
    bytes: outputsTwice,
  }),
  defineOperator({
    names: ["Gelu", "BiasGelu", "FastGelu", "QuickGelu"],
    domain,
    infer: (node) => [value(node.input(0).elem, node.input(0).shape)],
    flops: perInput(8),
  }),
]
