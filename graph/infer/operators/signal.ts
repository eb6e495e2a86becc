/** Spectra, and the windows and filters that go with them. */
import type { NodeContext } from "../context.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, FLOAT, type Value, value } from "../value.ts"

const binsOf = (length: Dim, onesided: boolean): Dim =>
  length === null || !onesided ? length : Math.floor(length / 2) + 1

/** [..., length, 1 or 2] → [..., bins, 2] along `axis`. */
function dft(node: NodeContext): Value {
  const x = node.input(0)
  if (!node.isRank(x, 2)) return value(x.elem, null)
  const rank = x.shape.length
  const given = node.opset >= 20 ? (node.inputs[2] ? node.knownInts(2)?.[0] : -2) : node.int("axis", 1)
  if (given === undefined) return value(x.elem, [...x.shape.map(() => null).slice(1), 2])
  const axis = node.axis(given, rank)
  const length = node.inputs[1] ? (node.knownInts(1)?.[0] ?? null) : x.shape[axis]!
  return value(x.elem, x.shape.with(axis, binsOf(length, node.int("onesided", 0) === 1)).with(rank - 1, 2))
}

/** signal [batch, samples, 1 or 2] → [batch, frames, bins, 2] */
function stft(node: NodeContext): Value {
  const x = node.input(0)
  if (!node.isRank(x, 2, 3)) return value(x.elem, null)
  const [batch, samples] = x.shape as [Dim, Dim]
  const step = node.knownInts(1)?.[0] ?? null
  const length = node.inputs[3] ? (node.knownInts(3)?.[0] ?? null) : (node.inputs[2]?.shape?.[0] ?? null)
  if (step !== null && step < 1) throw node.refusal("a frame step above 0")
  const frames = samples === null || length === null || step === null ? null : Math.floor((samples - length) / step) + 1
  if (frames !== null && frames < 0) throw node.refusal(`a signal of ${length} samples or more`)
  return value(x.elem, [batch, frames, binsOf(length, node.int("onesided", 1) === 1), 2])
}

/** As a product with a matrix of that many rows. */
const perRow =
  (rows: (node: NodeContext) => Dim | undefined) =>
  (node: NodeContext, [y]: readonly (Value | undefined)[]) => {
    const [n, length] = [elems(y?.shape ?? null), rows(node)]
    return n === null || length == null ? null : 2 * n * length
  }

export const signals: readonly OperatorDefinition[] = [
  defineOperator({
    names: "DFT",
    infer: (node) => [dft(node)],
    flops: perRow((node) => {
      const { shape } = node.input(0)
      return elems(shape?.slice(1) ?? null)
    }),
  }),
  defineOperator({ names: "STFT", infer: (node) => [stft(node)], flops: perRow((node) => node.inputs[2]?.shape?.[0]) }),
  defineOperator({
    names: ["HannWindow", "HammingWindow", "BlackmanWindow"],
    infer: (node) => [value(node.int("output_datatype", FLOAT), [node.knownInts(0)?.[0] ?? null])],
  }),
  defineOperator({
    names: "MelWeightMatrix",
    infer(node) {
      const [mels, length] = [node.knownInts(0)?.[0] ?? null, node.knownInts(1)?.[0] ?? null]
      return [value(node.int("output_datatype", FLOAT), [binsOf(length, true), mels])]
    },
  }),
]
