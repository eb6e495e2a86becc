import type { NodeProto } from "../../../../graph/index.ts"
import { collapsed, elems, holdsHeads, permuted, type Shape } from "../../../../kernels/index.ts"
import { type GraphLowering, NodeLowering, reshapings } from "../lowering.ts"
import type { Value } from "../program.ts"
import { attended } from "./attention.ts"
import { copied } from "./layout.ts"

/**
 * What `node`, a product, computes where it is the last of the nodes that exporters write attention as: softmax(q·kᵀ · scale + mask) · v. Those before it were lowered one by
 * one, and what they do is left out since nothing uses it. Undefined where it is something else, or something else uses what is in between.
 */
export function writtenAttention(node: NodeLowering): Value | undefined {
  const { graph } = node
  const found = scoresOf(graph, { name: node.node.input[0]!, by: node.node })
  if (!found || found.shape.length > 4) return undefined
  const [seq, keys] = found.shape.slice(-2) as [number, number]
  const heads = [1, 1, ...found.shape.slice(0, -2)].slice(-2) as [number, number]

  const left = readyUnscaled(graph, { name: found.product.input[0]!, by: found.product })
  const right = readyUnscaled(graph, { name: found.product.input[1]!, by: found.product })
  const [q, columns, v] = [graph.get(left.name), graph.get(right.name), node.input(1)]
  const [size, vSize] = [q.shape.at(-1)!, v.shape.at(-1)!]
  const counts = [seq * size, size * keys, keys * vSize, seq * vSize].map((count) => elems(heads) * count)
  const shapes = [q.shape, columns.shape, v.shape, node.outputShape()]
  const areWhole = shapes.every((shape, i) => elems(shape) === counts[i] && counts[i] > 0)
  // Where the columns of keys are no copy of their rows, these would have to be made.
  const areTurned = graph.viewed(columns).source !== columns || keys === 1
  if (!areWhole || !areTurned || !holdsHeads(graph.limits, size, vSize)) return undefined
  const mask = found.mask === undefined ? undefined : maskOf(node, graph.get(found.mask), [...heads, seq, keys])
  if (found.mask !== undefined && !mask) return undefined

  const axes = [...columns.shape.keys()]
  const k = copied(node, columns, (all) => permuted(all, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]))
  const few = [fewerHeads(node, k, heads, [keys, size]), fewerHeads(node, v, heads, [keys, vSize])] as const
  const areShared = few[0] && few[1] && few[0].shape[1] === few[1].shape[1]
  const y = attended(
    node,
    [
      node.reshaped(q, [...heads, seq, size]),
      areShared ? few[0]! : node.reshaped(k, [...heads, keys, size]),
      areShared ? few[1]! : node.reshaped(v, [...heads, keys, vSize]),
      mask,
    ],
    { scale: found.scale * left.scale * right.scale, hides: false },
  )
  return node.reshaped(y, node.outputShape())
}

/** A tensor of the graph, and the node that takes it. */
interface Taken {
  readonly name: string
  readonly by: NodeProto
}

/** The node that makes a tensor for none but the node that takes it; between them it may get other axes in front of its matrices. */
function makerOf(graph: GraphLowering, { name, by }: Taken): NodeProto | undefined {
  const made = graph.soleUser(name) === by ? graph.maker(name) : undefined
  if (!made || !reshapings.includes(made.opType)) return made
  const [before] = made.input as [string]
  const matrices = (one: string) => graph.shape(one).slice(-2).join()
  return matrices(before) === matrices(name) ? makerOf(graph, { name: before, by: made }) : undefined
}

/** What `taken` is the softmax of: q·kᵀ, times a number, and a mask. */
function scoresOf(graph: GraphLowering, taken: Taken) {
  const softmax = makerOf(graph, taken)
  if (softmax?.opType !== "Softmax") return undefined
  const [name] = softmax.input as [string]
  const shape = graph.shape(name)
  const axis = new NodeLowering(softmax, graph).int("axis", graph.opset < 13 ? 1 : -1)
  if (shape.length < 2 || (axis !== -1 && axis !== shape.length - 1)) return undefined
  const scores = { name, by: softmax }
  const sum = makerOf(graph, scores)
  if (sum?.opType !== "Add") {
    const plain = productOf(graph, scores)
    return plain && { ...plain, shape, mask: undefined }
  }
  for (const [i, mask] of sum.input.toReversed().entries()) {
    const masked = productOf(graph, { name: sum.input[i]!, by: sum })
    if (masked) return { ...masked, shape, mask }
  }
  return undefined
}

/** The product that `taken` is, times a number. */
function productOf(graph: GraphLowering, taken: Taken): { product: NodeProto; scale: number } | undefined {
  const { scale, ...behind } = unscaled(graph, taken)
  const product = makerOf(graph, behind)
  return product?.opType === "MatMul" ? { product, scale } : undefined
}

/** What `taken` is a multiple of, and by which number; else itself. */
function unscaled(graph: GraphLowering, taken: Taken): Taken & { scale: number } {
  const by = makerOf(graph, taken)
  const places = by?.opType === "Mul" ? [0, 1] : by?.opType === "Div" ? [1] : []
  for (const i of places) {
    const number = numberOf(graph, by!.input[i]!)
    if (number) return { name: by!.input[1 - i]!, by: by!, scale: by!.opType === "Mul" ? number : 1 / number }
  }
  return { ...taken, scale: 1 }
}

/** As `unscaled`, but itself where the number was multiplied along with what made it. */
function readyUnscaled(graph: GraphLowering, taken: Taken): Taken & { scale: number } {
  const found = unscaled(graph, taken)
  return graph.isReady(found.name) ? found : { ...taken, scale: 1 }
}

/** The one number that a tensor is, where that follows from the model and the inputs' shapes. */
function numberOf(graph: GraphLowering, name: string): number | undefined {
  const data = graph.known(name) ?? (elems(graph.shape(name)) === 1 ? graph.stored(name)?.data : undefined)
  return data?.length === 1 ? data[0] : undefined
}

/** The mask for scores of four axes. */
function maskOf(node: NodeLowering, mask: Value, scores: Shape): Value | undefined {
  const shape = [...new Array<number>(4 - mask.shape.length).fill(1), ...mask.shape]
  const fits = shape.every((size, axis) => size === scores[axis] || (size === 1 && axis < 3))
  return fits && mask.dtype === "float32" ? node.reshaped(mask, shape) : undefined
}

/** [batch, heads, …inner] that `value` repeats for several heads in a row each, where it was copied from that. */
function fewerHeads(node: NodeLowering, value: Value, [batch, heads]: Shape, inner: Shape): Value | undefined {
  const copy = node.graph.copiedFrom(value)
  const few = copy ? elems(copy.source.shape) / (batch! * elems(inner)) : 0
  if (!copy || !Number.isInteger(few) || few < 1 || heads! % few !== 0) return undefined
  const [whole, size] = [elems(inner), inner.at(-1)!]
  const shape = [batch!, few, heads! / few, ...inner]
  const repeated = { shape, strides: [few * whole, whole, 0, size, 1], offset: 0 }
  const runs = ({ shape, strides, offset }: typeof repeated) => `${shape} ${strides} ${offset}`
  const [want, have] = [collapsed([repeated])[0]!, collapsed([copy.view])[0]!] as [typeof repeated, typeof repeated]
  return runs(want) === runs(have) ? node.reshaped(copy.source, [batch!, few, ...inner]) : undefined
}
