import {
  add,
  cast,
  copy,
  cumSum,
  embedding,
  equal,
  fromOne,
  gather,
  gatherElements,
  sortPasses,
  where,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { wordsOf } from "../tensors.ts"
import { product, startsOf, whole } from "./indices.ts"
import { packedMatrix } from "./packed.ts"
import { storedQuantized } from "./quantization.ts"

/** A stored table of whole numbers that a DequantizeLinear of one stored scale makes numbers of once they are picked, as if it did before. */
function dequantizedTable(node: NodeLowering): { x: Value; output: string } | undefined {
  const { graph } = node
  const [name, output] = [node.node.input[0]!, node.node.output[0]!]
  const next = graph.soleUser(output)
  if (next?.opType !== "DequantizeLinear" || next.input[0] !== output) return undefined
  const source = storedQuantized(new NodeLowering(next, graph), name)
  if (source?.scales.length !== 1) return undefined
  graph.done.add(next)
  return { x: graph.dequantized(graph.shape(name), source), output: next.output[0]! }
}

export const selections = [
  defineLowering("Gather", (node) => {
    const table = dequantizedTable(node)
    const [x, indices] = [table?.x ?? node.input(0), node.input(1)]
    const axis = node.axis(node.int("axis", 0), x.shape.length)
    const [rows, ...row] = x.shape
    const packed = axis === 0 ? packedMatrix(node, x, wholeView([rows!, product(row)])) : undefined
    const picked = packed
      ? node.reshaped(node.run(embedding, [indices, packed.w], packed.attributes), [...indices.shape, ...row])
      : node.run(gather, [x, indices], { axis })
    node.graph.set(table?.output ?? node.node.output[0]!, picked)
  }),

  defineLowering("GatherElements", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", 0), x.shape.length)
    const indices = node.input(1)
    const from = { ...wholeView(x.shape), shape: indices.shape.with(axis, x.shape[axis]!) }
    const lines = from.shape.join() === x.shape.join() ? x : node.run(copy, [x], { from })
    node.set(0, node.run(gatherElements, [lines, indices], { axis }))
  }),

  // Each tuple of indices comes to one index of a slice.
  defineLowering("GatherND", (node) => {
    const [x, indices] = [node.input(0), node.input(1)]
    const batch = node.int("batch_dims", 0)
    const depth = indices.shape.at(-1)!
    const sizes = x.shape.slice(batch, batch + depth)
    const slices = product(sizes)
    const batches = product(x.shape.slice(0, batch))
    const count = product(indices.shape) / depth / batches
    const sums = node.reshaped(startsOf(node, indices, sizes, wholeView(sizes).strides), [batches, count])
    const starts = Array.from({ length: batches }, (_, i) => i * slices)
    const flat = batch === 0 ? sums : node.run(add, [sums, whole(node, [batches, 1], starts)])
    const rows = node.reshaped(x, [batches * slices, product(x.shape.slice(batch + depth))])
    node.set(0, node.reshaped(node.run(gather, [rows, flat], { axis: 0 }), node.outputShape()))
  }),

  defineLowering("TopK", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.int("axis", -1), x.shape.length)
    const count = node.outputShape()[axis]!
    const passes = sortPasses(x.shape[axis]!, { axis, count, least: node.int("largest", 1) === 0 })
    let runs: Value[] = []
    for (const { kernel, attributes } of passes) runs = [node.run(kernel, [x, ...runs], attributes)]
    const [indices] = runs
    node.set(0, node.run(gatherElements, [x, indices!], { axis }))
    node.set(1, indices!)
  }),

  defineLowering("CumSum", (node) => {
    const x = node.input(0)
    const axis = node.axis(node.known(1)[0]!, x.shape.length)
    const attributes = { exclusive: node.int("exclusive", 0) === 1, reverse: node.int("reverse", 0) === 1 }
    node.set(0, node.run(cumSum, [x], { axis, ...attributes }))
  }),

  // An index of none of the numbers below `depth`, from the front or the end, finds 0 among those from 1 on.
  defineLowering("OneHot", (node) => {
    const shape = node.outputShape()
    const axis = node.axis(node.int("axis", -1), shape.length)
    const depth = shape[axis]!
    const given = node.input(0)
    const indices = given.dtype === "int32" ? given : node.run(cast, [given], { to: "int32" })
    const numbers = node.graph.constant([depth], fromOne(depth))
    const column = node.reshaped(node.run(gather, [numbers, indices]), shape.with(axis, 1))
    const along = node.reshaped(
      numbers,
      shape.map((_, i) => (i === axis ? depth : 1)),
    )
    const values = node.input(2)
    const value = (i: number) => node.run(gather, [values, node.graph.constant([], wordsOf("int32", [i]))])
    node.set(0, node.run(where, [node.run(equal, [column, along]), value(1), value(0)]))
  }),
]
