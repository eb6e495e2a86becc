/** Operators that give the same elements another shape or order. */
import type { NodeContext } from "../context.ts"
import { fill, reader } from "../elements.ts"
import { defineOperator, type OperatorDefinition } from "../operator.ts"
import { type Dim, elems, type Shape, type Value, value } from "../value.ts"

/** `v` with the same elements in the same order under another shape. */
const renamed = (v: Value, shape: Shape): Value => value(v.elem, shape, v.data)

function reshape(node: NodeContext): Value {
  const x = node.input(0)
  const wanted = node.opset < 5 ? node.ints("shape") : node.input(1).data
  if (!wanted) {
    const rank = node.inputs[1]?.shape?.[0]
    return value(x.elem, rank != null && rank <= 64 ? Array<Dim>(rank).fill(null) : null)
  }
  const keepZero = node.int("allowzero", 0) === 1
  const shape = wanted.map((d, i): Dim => {
    if (d !== 0 || keepZero) return d
    if (x.shape && i >= x.shape.length) throw node.refusal("a 0 only where the input has that dimension")
    return x.shape ? x.shape[i]! : null
  })
  const total = elems(x.shape)
  const open = shape.indexOf(-1)
  if (open >= 0) {
    if (shape.lastIndexOf(-1) !== open) throw node.refusal("at most one -1 in the shape")
    const rest = elems(shape.toSpliced(open, 1))
    if (total !== null && rest === 0) throw node.refusal("a -1 that the other dimensions decide")
    const dim = total === null || rest === null ? null : total / rest
    if (dim !== null && !Number.isInteger(dim)) throw node.refusal(`a shape of ${total} elements`)
    shape[open] = dim
  } else {
    const n = elems(shape)
    if (total !== null && n !== null && n !== total) throw node.refusal(`a shape of ${total} elements, not ${n}`)
    // One dimension that isn't known follows from the others.
    const unknown = shape.indexOf(null)
    if (unknown >= 0 && unknown === shape.lastIndexOf(null) && total) {
      const rest = elems(shape.toSpliced(unknown, 1))
      if (rest && total % rest === 0) shape[unknown] = total / rest
    }
  }
  return renamed(x, shape)
}

/** Axes by attribute in old opsets, by input in new ones: undefined when left out, null when not known. */
export function axesOf(node: NodeContext, inputSince: number, index = 1): number[] | undefined | null {
  if (node.opset < inputSince) return node.ints("axes")
  if (!node.inputs[index]) return undefined
  return node.knownInts(index) ?? null
}

function squeeze(node: NodeContext): Value {
  const x = node.input(0)
  const axes = axesOf(node, 13)
  if (!x.shape || axes === null) return value(x.elem, null)
  const rank = x.shape.length
  if (!axes)
    return x.shape.includes(null)
      ? value(x.elem, null)
      : renamed(
          x,
          x.shape.filter((d) => d !== 1),
        )
  const gone = new Set(axes.map((a) => node.axis(a, rank)))
  for (const a of gone) {
    if (x.shape[a] !== null && x.shape[a] !== 1) throw node.refusal(`a dimension of 1 at axis ${a}, not ${x.shape[a]}`)
  }
  return renamed(
    x,
    x.shape.filter((_, i) => !gone.has(i)),
  )
}

function unsqueeze(node: NodeContext): Value {
  const x = node.input(0)
  const axes = axesOf(node, 13)
  if (!axes || !x.shape) return value(x.elem, null)
  const rank = x.shape.length + axes.length
  const made = new Set(axes.map((a) => node.axis(a, rank)))
  if (made.size !== axes.length) throw node.refusal("each axis once")
  const rest = x.shape[Symbol.iterator]()
  return renamed(
    x,
    Array.from({ length: rank }, (_, i) => (made.has(i) ? 1 : (rest.next().value as Dim))),
  )
}

function transpose(node: NodeContext): Value {
  const x = node.input(0)
  if (!x.shape) return value(x.elem, null)
  const { shape } = x
  const perm = node.ints("perm") ?? shape.map((_, i) => shape.length - 1 - i)
  if (perm.length !== shape.length || new Set(perm.map((p) => node.axis(p, shape.length))).size !== perm.length)
    throw node.refusal(`a permutation of ${shape.length} axes`)
  const out = perm.map((p) => shape[p]!)
  const read = reader(x)
  const at = (index: readonly number[]) => {
    const from = new Array<number>(perm.length)
    perm.forEach((p, i) => {
      from[p] = index[i]!
    })
    return read!(from)
  }
  return value(x.elem, out, read && fill(out, at))
}

function flatten(node: NodeContext): Value {
  const x = node.input(0)
  if (!x.shape) return value(x.elem, [null, null])
  const { shape } = x
  const axis = node.int("axis", 1)
  const at = axis === shape.length ? axis : node.axis(axis, shape.length + (axis < 0 ? 0 : 1))
  return renamed(x, [elems(shape.slice(0, at)), elems(shape.slice(at))])
}

/** Blocks of `b` × `b` moved between the channels and the plane of an [N, C, H, W] tensor. */
function block(toSpace: boolean): (node: NodeContext) => Value[] {
  return (node) => {
    const x = node.input(0)
    const b = node.int("blocksize", 0)
    if (b < 1) throw node.refusal("a blocksize ≥ 1")
    if (!node.isRank(x, 4, 4)) return [value(x.elem, [null, null, null, null])]
    const [n, c, h, w] = x.shape as [Dim, Dim, Dim, Dim]
    const by = (d: Dim, f: number) => {
      if (d === null) return null
      if (!Number.isInteger(d * f)) throw node.refusal(`dimensions that ${b} divides`)
      return d * f
    }
    const [plane, channel] = toSpace ? [b, 1 / (b * b)] : [1 / b, b * b]
    return [value(x.elem, [n!, by(c, channel), by(h, plane), by(w, plane)])]
  }
}

export const layout: readonly OperatorDefinition[] = [
  defineOperator({ names: "Reshape", infer: (node) => [reshape(node)], bytes: 0 }),
  defineOperator({ names: "Squeeze", infer: (node) => [squeeze(node)], bytes: 0 }),
  defineOperator({ names: "Unsqueeze", infer: (node) => [unsqueeze(node)], bytes: 0 }),
  defineOperator({ names: "Flatten", infer: (node) => [flatten(node)], bytes: 0 }),
  defineOperator({ names: "Transpose", infer: (node) => [transpose(node)] }),
  defineOperator({ names: "DepthToSpace", infer: block(true) }),
  defineOperator({ names: "SpaceToDepth", infer: block(false) }),
]
