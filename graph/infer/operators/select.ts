/** Operators that take parts of a tensor. */

import type { NodeContext } from "../context.ts"
import { fill, reader } from "../elements.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { bytesOf, type Dim, elems, INT64, type Shape, type Value, value } from "../value.ts"

/** Reads and writes what comes out, whatever the size of what it is taken from. */
export const outputsTwice = (node: NodeContext, outputs: readonly (Value | undefined)[]): number | null => {
  let sum = 0
  for (const v of outputs.slice(0, node.node.output.length)) {
    const bytes = v ? bytesOf(v) : 0
    if (bytes === null) return null
    sum += 2 * bytes
  }
  return sum
}

interface Cut {
  axis: number
  start: number | null
  end: number | null
  step: number | null
}

function cuts(node: NodeContext, rank: number): Cut[] | null {
  const byInput = node.opset >= 10
  const data = (i: number, name: string) => (byInput ? node.inputs[i]?.data : node.ints(name))
  const starts = data(1, "starts")
  const ends = data(2, "ends")
  const axes = byInput && !node.inputs[3] ? undefined : byInput ? (node.knownInts(3) ?? null) : node.ints("axes")
  const steps = byInput && node.inputs[4] ? (node.inputs[4].data ?? null) : undefined
  const count = starts?.length ?? ends?.length
  if (axes === null || count === undefined) return null
  if (count > rank) throw node.refusal(`at most ${rank} axes`)
  return Array.from({ length: count }, (_, i) => ({
    axis: node.axis(axes ? (axes[i] ?? Number.NaN) : i, rank),
    start: starts?.[i] ?? null,
    end: ends?.[i] ?? null,
    step: steps === undefined ? 1 : (steps?.[i] ?? null),
  }))
}

/** [first index, step, count] of a cut of `dim` elements, as ONNX's Slice clamps it; null where it can't be known. */
function span(node: NodeContext, dim: Dim, { start, end, step }: Cut): [number, number, number] | null {
  if (step === 0) throw node.refusal("steps other than 0")
  if (dim === null || start === null || end === null || step === null) return null
  const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x < 0 ? x + dim : x, low), high)
  const from = step > 0 ? clamp(start, 0, dim) : clamp(start, 0, dim - 1)
  const to = step > 0 ? clamp(end, 0, dim) : clamp(end, -1, dim - 1)
  return [from, step, Math.max(0, Math.ceil((to - from) / step))]
}

function slice(node: NodeContext): Value {
  const x = node.input(0)
  if (!x.shape) return value(x.elem, null)
  const { shape } = x
  const all = cuts(node, shape.length)
  if (!all)
    return value(
      x.elem,
      shape.map(() => null),
    )
  const spans = shape.map((d): [number, number, number] | null => (d === null ? null : [0, 1, d]))
  for (const cut of all) spans[cut.axis] = span(node, shape[cut.axis]!, cut)
  const out = spans.map((s) => s?.[2] ?? null)
  const read = reader(x)
  const at = (index: readonly number[]) => read!(index.map((k, i) => spans[i]![0] + k * spans[i]![1]))
  return value(x.elem, out, read && fill(out, at))
}

function gather(node: NodeContext): Value {
  const [x, indices] = [node.input(0), node.input(1)]
  if (!x.shape || !indices.shape) return value(x.elem, null)
  const axis = node.axis(node.int("axis", 0), x.shape.length)
  const rank = indices.shape.length
  const out = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
  const [read, pick] = [reader(x), reader(indices)]
  const dim = x.shape[axis]!
  const at = (index: readonly number[]) => {
    const k = pick!(index.slice(axis, axis + rank))
    if (k === null || dim === null) return null
    const from = k < 0 ? k + dim : k
    if (from < 0 || from >= dim) throw node.refusal(`indices into ${dim} elements, not ${k}`)
    return read!([...index.slice(0, axis), from, ...index.slice(axis + rank)])
  }
  return value(x.elem, out, read && pick ? fill(out, at) : undefined)
}

function gatherNd(node: NodeContext): Value {
  const [x, indices] = [node.input(0), node.input(1)]
  if (!x.shape || !indices.shape) return value(x.elem, null)
  const depth = indices.shape.at(-1)
  if (depth === undefined) throw node.refusal("indices of rank 1 or more")
  if (depth === null) return value(x.elem, null)
  const batch = node.int("batch_dims", 0)
  if (batch < 0 || batch + depth > x.shape.length) throw node.refusal(`indices of at most ${x.shape.length} numbers`)
  return value(x.elem, [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)])
}

function split(node: NodeContext): Value[] {
  const x = node.input(0)
  const parts = node.node.output.length
  if (!x.shape) return Array.from({ length: parts }, () => value(x.elem, null))
  const { shape } = x
  const axis = node.axis(node.int("axis", 0), shape.length)
  const dim = shape[axis]!
  const sizes = node.opset < 13 ? node.ints("split") : node.knownInts(1)
  const unknown = node.opset >= 13 && node.inputs[1] && !sizes
  if (sizes && (sizes.length !== parts || (dim !== null && sizes.reduce((a, b) => a + b, 0) !== dim)))
    throw node.refusal(`${parts} parts of ${dim} in all`)
  const even = dim === null ? null : Math.ceil(dim / parts)
  return Array.from({ length: parts }, (_, i) => {
    const size =
      sizes?.[i] ?? (unknown || dim === null || even === null ? null : Math.max(0, Math.min(even, dim - even * i)))
    return value(x.elem, shape.with(axis, size))
  })
}

function topK(node: NodeContext): Value[] {
  const x = node.input(0)
  if (!x.shape) return [value(x.elem, null), value(INT64, null)]
  const axis = node.axis(node.int("axis", -1), x.shape.length)
  const k = node.opset < 10 ? node.int("k", 1) : (node.knownInts(1)?.[0] ?? null)
  const dim = x.shape[axis]!
  if (k !== null && (k < 0 || (dim !== null && k > dim))) throw node.refusal(`k from 0 to ${dim}`)
  const out: Shape = x.shape.with(axis, k)
  return [value(x.elem, out), value(INT64, out)]
}

/** Crops an [N, C, H, W] image: `border` is left, top, right, bottom; `scale` is the height and width to keep. */
function crop(node: NodeContext): Value {
  const x = node.input(0)
  if (!node.isRank(x, 4, 4)) return value(x.elem, null)
  const [n, c, h, w] = x.shape as [Dim, Dim, Dim, Dim]
  const [left = 0, top = 0, right = 0, bottom = 0] = node.ints("border") ?? []
  const [height, width] = node.ints("scale") ?? []
  const less = (d: Dim, by: number) => (d === null ? null : d - by)
  return value(x.elem, [n, c, height ?? less(h, top + bottom), width ?? less(w, left + right)])
}

export const select: readonly OperatorDefinition[] = [
  defineOperator({ names: "Slice", infer: (node) => [slice(node)], bytes: outputsTwice }),
  defineOperator({ names: "Gather", infer: (node) => [gather(node)], bytes: outputsTwice }),
  defineOperator({ names: "GatherND", infer: (node) => [gatherNd(node)], bytes: outputsTwice }),
  defineOperator({
    names: "GatherElements",
    infer: (node) => [value(node.input(0).elem, node.input(1).shape)],
    bytes: outputsTwice,
  }),
  defineOperator({
    names: ["ScatterElements", "ScatterND", "Scatter", "TensorScatter"],
    infer: (node) => [value(node.input(0).elem, node.input(0).shape)],
    flops: (node) => (node.string("reduction", "none") === "none" ? 0 : elems(node.input(2).shape)),
  }),
  defineOperator({ names: "Split", infer: split, bytes: outputsTwice }),
  defineOperator({ names: "TopK", infer: topK }),
  defineOperator({ names: "Crop", infer: (node) => [crop(node)], bytes: outputsTwice }),
]
