import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, type Value, value } from "../value.ts"

/** Sizes of a recurrent layer: x [seq, batch, input], w [directions, gates × hidden, input]; with layout 1 the batch comes first. */
function sizes(node: NodeContext) {
  const [x, w] = [node.input(0), node.input(1)]
  if (!node.isRank(x, 3, 3) || !node.isRank(w, 3, 3)) return null
  const batchFirst = node.int("layout", 0) === 1
  const [a, b, input] = x.shape as [Dim, Dim, Dim]
  const r = node.input(2)
  const hidden = node.has("hidden_size") ? node.int("hidden_size", 0) : (r.shape?.[2] ?? null)
  if (w.shape[2] !== null && input !== null && w.shape[2] !== input)
    throw node.refusal(`${w.shape[2]} features, not ${input}`)
  return { seq: batchFirst ? b : a, batch: batchFirst ? a : b, input, hidden, directions: w.shape[0]!, batchFirst }
}

function outputs(node: NodeContext): Value[] {
  const { elem } = node.input(0)
  const s = sizes(node)
  if (!s)
    return [value(elem, [null, null, null, null]), value(elem, [null, null, null]), value(elem, [null, null, null])]
  const state = s.batchFirst ? [s.batch, s.directions, s.hidden] : [s.directions, s.batch, s.hidden]
  const all = s.batchFirst ? [s.batch, s.seq, s.directions, s.hidden] : [s.seq, s.directions, s.batch, s.hidden]
  return [value(elem, all), value(elem, state), value(elem, state)]
}

/** A layer with `gates` gates; `update` operations an element combine them into the state. */
const layer = (names: string, gates: number, update: number): OperatorDefinition =>
  defineOperator({
    names,
    infer: outputs,
    flops(node) {
      const s = sizes(node)
      if (!s || s.seq === null || s.batch === null || s.input === null || s.hidden === null || s.directions === null)
        return null
      // Per gate: the two products, two biases and an activation.
      const step = gates * s.hidden * (2 * (s.input + s.hidden) + 3) + update * s.hidden
      return s.seq * s.batch * s.directions * step
    },
  })

export const recurrent: readonly OperatorDefinition[] = [
  layer("RNN", 1, 0),
  layer("GRU", 3, 4), // r ⊙ h, and (1 − z) ⊙ n + z ⊙ h
  layer("LSTM", 4, 5), // f ⊙ c + i ⊙ g, tanh, o ⊙ tanh(c)
]
