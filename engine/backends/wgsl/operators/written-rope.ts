import type { NodeProto } from "../../../../graph/index.ts"
import { elems, rope } from "../../../../kernels/index.ts"
import { type GraphLowering, NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { columnsOf } from "./slices.ts"

/** Heads whose first `dims` numbers are turned, and the tables of it: a column for each of them where they are `wide`, else for each two. */
interface Turned {
  readonly x: string
  readonly cos: string
  readonly sin: string
  readonly wide: boolean
  readonly dims: number
}

/**
 * What `node` computes where it is the last of the nodes that exporters write rotary embedding as: x · cos + concat(−second half, first half) · sin, or the halves turned one by one
 * (`a·cos − b·sin`, `a·sin + b·cos`), of all of a head or of its first numbers, behind which the others come. Those before it were lowered one by one, and what they do is left out since nothing
 * uses it. Undefined where it is something else, or something else uses what is in between.
 */
export function writtenRope(node: NodeLowering): Value | undefined {
  const { graph } = node
  const found = turnedBy(graph, node.node)
  if (!found) return undefined
  const { wide, dims } = found
  const [x, cos, sin] = [graph.get(found.x), graph.get(found.cos), graph.get(found.sin)]
  const width = wide ? dims : dims / 2
  const areTables = cos.shape.join() === sin.shape.join() && cos.shape.at(-1) === width
  const areFloats = [x, cos, sin].every(({ dtype }) => dtype === "float32")
  const isShape = x.shape.length === 4 && cos.shape.length <= 4 && node.outputShape().join() === x.shape.join()
  if (!areTables || !areFloats || !isShape || elems(x.shape) === 0) return undefined

  const [batches, before, behind] = [1, 1, 1, ...cos.shape].slice(-4) as [number, number, number]
  // Who has one row for all of an axis has the heads there.
  const headsFirst = before === 1
  if (!headsFirst && behind !== 1) return undefined
  const [batch, seq] = [x.shape[0]!, x.shape[headsFirst ? 2 : 1]!]
  const rows = headsFirst ? behind : before
  const row = (i: number) => (batches === 1 ? 0 : Math.floor(i / seq) * rows) + (rows === 1 ? 0 : i % seq)
  const isOwn = batches === batch && rows === seq
  const positions = isOwn ? undefined : graph.constant([batch, seq], Int32Array.from({ length: batch * seq }, (_, i) => row(i))) // biome-ignore format: a line
  const tables = [cos, sin].map((table) => node.reshaped(table, [batches * rows, width]))
  return node.run(rope, [x, ...tables, positions], { headsFirst, wide })
}

function turnedBy(graph: GraphLowering, node: NodeProto): Turned | undefined {
  if (node.opType === "Add") return bySum(graph, node)
  return node.opType === "Concat" && isAlongLast(graph, node) ? (byHalves(graph, node) ?? byPart(graph, node)) : undefined // biome-ignore format: a line
}

const isAlongLast = (graph: GraphLowering, node: NodeProto) => {
  const rank = graph.shape(node.output[0]!).length
  const each = new NodeLowering(node, graph)
  return node.input.length === 2 && each.axis(each.int("axis", 0), rank) === rank - 1
}

/** The node of `operator` that makes `name` for `by` alone. */
function makerFor(graph: GraphLowering, by: NodeProto, name: string, operator: string): NodeProto | undefined {
  const made = graph.soleUser(name) === by ? graph.maker(name) : undefined
  return made?.opType === operator ? made : undefined
}

/** The two products that `sum` adds or subtracts. */
function productsOf(graph: GraphLowering, sum: NodeProto): [NodeProto, NodeProto] | undefined {
  const [a, b] = sum.input.map((name) => makerFor(graph, sum, name, "Mul"))
  return a && b && [a, b]
}

/** What `product` is a multiple of by `factor`. */
const otherFactor = ({ input: [a, b] }: NodeProto, factor: string) => (a === factor ? b : b === factor ? a : undefined)

/** x · cos + concat(−b, a) · sin, where x is a and b side by side. */
function bySum(graph: GraphLowering, sum: NodeProto): Turned | undefined {
  const products = productsOf(graph, sum)
  for (const [kept, turned] of products ? [products, products.toReversed()] : [])
    for (const [i, name] of turned!.input.entries()) {
      const x = rotated(graph, turned!, name)
      const cos = x === undefined ? undefined : otherFactor(kept!, x)
      const sin = turned!.input[1 - i]!
      if (x !== undefined && cos !== undefined) return { x, cos, sin, wide: true, dims: graph.shape(x).at(-1)! }
    }
  return undefined
}

/** What `name` is the second half of, with its sign changed, and the first half behind it. */
function rotated(graph: GraphLowering, by: NodeProto, name: string): string | undefined {
  const joined = makerFor(graph, by, name, "Concat")
  if (!joined || !isAlongLast(graph, joined)) return undefined
  const negated = makerFor(graph, joined, joined.input[0]!, "Neg")
  return negated && halvesOf(graph, joined.input[1]!, negated.input[0]!)
}

/** What `a` is the first half of, and `b` the second. */
function halvesOf(graph: GraphLowering, a: string, b: string): string | undefined {
  const [first, second] = [columnsOf(graph, a), columnsOf(graph, b)]
  const half = first?.count
  const size = first && graph.shape(first.of).at(-1)
  const areHalves = first?.first === 0 && second?.first === half && second?.count === half && size === 2 * half!
  return areHalves && first.of === second?.of ? first.of : undefined
}

/** a·cos − b·sin, and a·sin + b·cos behind it, where x is a and b side by side. */
function byHalves(graph: GraphLowering, joined: NodeProto): Turned | undefined {
  const difference = makerFor(graph, joined, joined.input[0]!, "Sub")
  const sum = makerFor(graph, joined, joined.input[1]!, "Add")
  const kept = difference && productsOf(graph, difference)
  const turned = sum && productsOf(graph, sum)
  for (const [a, cos] of kept && turned ? [kept[0].input, kept[0].input.toReversed()] : [])
    for (const [b, sin] of [kept![1].input, kept![1].input.toReversed()]) {
      const x = halvesOf(graph, a!, b!)
      const isTurned = [turned!, turned!.toReversed()].some(
        ([left, right]) => otherFactor(left!, a!) === sin && otherFactor(right!, b!) === cos,
      )
      if (x !== undefined && isTurned) return { x, cos: cos!, sin: sin!, wide: false, dims: graph.shape(x).at(-1)! }
    }
  return undefined
}

/** The first numbers of each head turned, and the others behind them as they are. */
function byPart(graph: GraphLowering, { input: [turned, kept], output }: NodeProto): Turned | undefined {
  const by = graph.soleUser(turned!)?.output[0] === output[0] ? graph.maker(turned!) : undefined
  const inner = by && turnedBy(graph, by)
  const [part, rest] = [inner && columnsOf(graph, inner.x), columnsOf(graph, kept!)]
  if (!inner || !part || part.of !== rest?.of || part.first !== 0 || rest.first !== part.count) return undefined
  return part.count + rest.count === graph.shape(part.of).at(-1) ? { ...inner, x: part.of } : undefined
}
