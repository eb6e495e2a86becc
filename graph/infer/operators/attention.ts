import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, type Value, value } from "../value.ts"

interface Heads {
  batch: Dim
  heads: Dim
  length: Dim
  size: Dim
}

/** Input `i` as [batch, heads, length, head size]; given so, or as [batch, length, heads × head size] with the heads as attribute. */
function heads(node: NodeContext, i: number, attribute: string): Heads | null {
  const x = node.input(i)
  if (!node.isRank(x, 3, 4)) return null
  if (x.shape.length === 4) {
    const [batch, count, length, size] = x.shape as [Dim, Dim, Dim, Dim]
    return { batch, heads: count, length, size }
  }
  const [batch, length, hidden] = x.shape as [Dim, Dim, Dim]
  const count = node.int(attribute, 0)
  if (count < 1 || (hidden !== null && hidden % count !== 0)) throw node.refusal(`${attribute} that divides ${hidden}`)
  return { batch, heads: count, length, size: hidden === null ? null : hidden / count }
}

/** Softmax(Q·Kᵀ)·V over cached and new keys (ONNX Attention, opset 23). */
function attention(node: NodeContext): (Value | undefined)[] {
  const q = heads(node, 0, "q_num_heads")
  const k = heads(node, 1, "kv_num_heads")
  const v = heads(node, 2, "kv_num_heads")
  const { elem } = node.input(0)
  if (!q || !k || !v) return [value(elem, null), value(elem, null), value(elem, null), value(elem, null)]
  const past = node.inputs[4] ? (node.inputs[4].shape?.[2] ?? null) : 0
  const total = past === null || k.length === null ? null : past + k.length
  const flat = node.input(0).shape!.length === 3
  const width = q.heads === null || v.size === null ? null : q.heads * v.size
  return [
    value(elem, flat ? [q.batch, q.length, width] : [q.batch, q.heads, q.length, v.size]),
    value(node.input(1).elem, [k.batch, k.heads, total, k.size]),
    value(node.input(2).elem, [v.batch, v.heads, total, v.size]),
    value(elem, [q.batch, q.heads, q.length, total]),
  ]
}

export const attentions: readonly OperatorDefinition[] = [
  defineOperator({
    names: "Attention",
    infer: attention,
    // Two products over the scores, [batch, heads, length, total], and five operations a score for scale and softmax.
    flops(node, outputs) {
      const [scores, q, v] = [
        elems(outputs[3]?.shape ?? null),
        heads(node, 0, "q_num_heads"),
        heads(node, 2, "kv_num_heads"),
      ]
      if (scores === null || !q || !v || q.size === null || v.size === null) return null
      return scores * (2 * q.size + 2 * v.size + 5)
    },
  }),
  ...["ai.onnx", "com.microsoft"].map((domain) =>
    defineOperator({
      names: "RotaryEmbedding",
      domain,
      infer: (node) => [value(node.input(0).elem, node.input(0).shape)],
      // Each pair turns by an angle: four multiplications and two additions.
      flops(node) {
        const n = elems(node.input(0).shape)
        return n === null ? null : 3 * n
      },
    }),
  ),
]
