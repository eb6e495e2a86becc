/** Operators that put tensors together or make them larger. */
import type { NodeContext } from "../context.ts"
import { fill, reader } from "../elements.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, type Value, value } from "../value.ts"
import { shapeFrom } from "./constant.ts"

function concat(node: NodeContext): Value {
  const inputs = node.inputs.map((_, i) => node.input(i))
  const elem = node.input(0).elem
  const known = inputs.find((v) => v.shape)?.shape
  if (!known) return value(elem, null)
  const rank = known.length
  const axis = node.axis(node.int("axis", node.opset < 4 ? 1 : Number.NaN), rank)
  const shape: Dim[] = Array.from({ length: rank }, () => null)
  let sum: Dim = 0
  for (const v of inputs) {
    if (v.shape && v.shape.length !== rank) throw node.refusal(`tensors of rank ${rank}`)
    const dim = v.shape?.[axis] ?? null
    sum = sum === null || dim === null ? null : sum + dim
    v.shape?.forEach((d, i) => {
      if (i === axis || d === null) return
      if (shape[i] !== null && shape[i] !== d)
        throw node.refusal(`equal dimensions at axis ${i}, not ${shape[i]} and ${d}`)
      shape[i] = d
    })
  }
  shape[axis] = sum
  const readers = inputs.map(reader)
  if (readers.some((r) => !r)) return value(elem, shape)
  const at = (index: readonly number[]) => {
    let k = index[axis]!
    let i = 0
    while (k >= (inputs[i]!.shape![axis] as number)) k -= inputs[i++]!.shape![axis] as number
    return readers[i]!(index.with(axis, k))
  }
  return value(elem, shape, fill(shape, at))
}

function expand(node: NodeContext): Value {
  const x = node.input(0)
  const shape = node.broadcast(x.shape, shapeFrom(node, 1))
  const read = reader(x)
  return value(x.elem, shape, read && fill(shape, read))
}

function tile(node: NodeContext): Value {
  const x = node.input(0)
  if (!x.shape) return value(x.elem, null)
  const times = node.input(1).data
  if (times && times.length !== x.shape.length) throw node.refusal(`${x.shape.length} repeats`)
  const shape = x.shape.map((d, i): Dim => {
    const n = times?.[i] ?? null
    if (n !== null && n < 0) throw node.refusal("repeats ≥ 0")
    return d === 0 || n === 0 ? 0 : d === null || n === null ? null : d * n
  })
  const read = reader(x)
  return value(x.elem, shape, read && fill(shape, (index) => read(index.map((k, i) => k % (x.shape![i] as number)))))
}

function pad(node: NodeContext): Value {
  const x = node.input(0)
  if (!x.shape) return value(x.elem, null)
  const { shape } = x
  const pads = node.opset < 11 ? (node.ints("pads") ?? node.ints("paddings")) : node.inputs[1]?.data
  const given = node.opset >= 18 && node.inputs[3] ? (node.knownInts(3) ?? null) : undefined
  if (!pads || given === null)
    return value(
      x.elem,
      shape.map(() => null),
    )
  const axes = given?.map((a) => node.axis(a, shape.length)) ?? shape.map((_, i) => i)
  if (pads.length !== 2 * axes.length) throw node.refusal(`${2 * axes.length} pads`)
  const out: Dim[] = [...shape]
  axes.forEach((axis, i) => {
    const [dim, before, after] = [shape[axis]!, pads[i]!, pads[i + axes.length]!]
    out[axis] = dim === null || before === null || after === null ? null : dim + before + after
  })
  return value(x.elem, out)
}

export const join: readonly OperatorDefinition[] = [
  defineOperator({ names: "Concat", infer: (node) => [concat(node)] }),
  defineOperator({ names: "Expand", infer: (node) => [expand(node)] }),
  defineOperator({ names: "Tile", infer: (node) => [tile(node)] }),
  defineOperator({ names: "Pad", infer: (node) => [pad(node)] }),
]
