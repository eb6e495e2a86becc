import { parseEquation } from "../../../../graph/index.ts"
import { copy, matmul, permuted, reduceSum, wholeView } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"
import { product } from "./indices.ts"

/** A tensor whose axes have labels, each another. */
interface Term {
  value: Value
  labels: readonly string[]
}

const sizeOf = ({ value, labels }: Term, label: string) => value.shape[labels.indexOf(label)]!
const sizesOf = (term: Term, labels: readonly string[]) => labels.map((label) => sizeOf(term, label))

/** x by its labels: what has one twice is its diagonal, and an axis of one element that others have more of is none. */
function termOf(node: NodeLowering, x: Value, labels: readonly string[], sizes: ReadonlyMap<string, number>): Term {
  const kept = [...new Set(labels)].filter((label) => sizes.get(label) === 1 || x.shape[labels.indexOf(label)] !== 1)
  const shape = kept.map((label) => x.shape[labels.indexOf(label)]!)
  if (kept.length === labels.length || new Set(labels).size === labels.length)
    return { value: node.reshaped(x, shape), labels: kept }
  const whole = wholeView(x.shape)
  const strides = kept.map((label) => whole.strides.reduce((sum, stride, i) => sum + (labels[i] === label ? stride : 0), 0)) // biome-ignore format: one sum
  return { value: node.run(copy, [x], { from: { shape, strides, offset: 0 } }), labels: kept }
}

/** The same with the axes in this order. */
function ordered(node: NodeLowering, { value, labels }: Term, order: readonly string[]): Term {
  if (order.join() === labels.join()) return { value, labels }
  const from = permuted(wholeView(value.shape), order.map((label) => labels.indexOf(label))) // biome-ignore format: a view a line
  return { value: node.run(copy, [value], { from }), labels: order }
}

/** Summed over the axes that are not kept. */
function summed(node: NodeLowering, term: Term, isKept: (label: string) => boolean): Term {
  const kept = term.labels.filter(isKept)
  const rest = term.labels.filter((label) => !isKept(label))
  if (rest.length === 0) return term
  const { value } = ordered(node, term, [...kept, ...rest])
  const shape = sizesOf(term, kept)
  const lines = node.reshaped(value, [product(shape), product(sizesOf(term, rest))])
  return { value: node.reshaped(node.run(reduceSum, [lines]), shape), labels: kept }
}

/** The product of two, summed over the axes of both that are not kept: of the others, those of both are batches, the rest rows and columns. */
function contracted(node: NodeLowering, left: Term, right: Term, isKept: (label: string) => boolean): Term {
  const inBoth = (label: string) => left.labels.includes(label) && right.labels.includes(label)
  const [a, b] = [left, right].map((term) => summed(node, term, (label) => isKept(label) || inBoth(label))) as [Term, Term] // biome-ignore format: a pair
  const batch = a.labels.filter((label) => inBoth(label) && isKept(label))
  const inner = a.labels.filter((label) => inBoth(label) && !isKept(label))
  const [rows, cols] = [a, b].map(({ labels }) => labels.filter((label) => !inBoth(label))) as [string[], string[]]
  const size = (term: Term, labels: readonly string[]) => product(sizesOf(term, labels))
  const [batches, k] = [size(a, batch), size(a, inner)]
  const matrices = (term: Term, order: readonly string[], shape: readonly number[]) =>
    node.reshaped(ordered(node, term, [...batch, ...order]).value, [batches, ...shape])
  const x = matrices(a, [...rows, ...inner], [size(a, rows), k])
  const y = matrices(b, [...inner, ...cols], [k, size(b, cols)])
  const shape = [...sizesOf(a, [...batch, ...rows]), ...sizesOf(b, cols)]
  return { value: node.reshaped(node.run(matmul, [x, y]), shape), labels: [...batch, ...rows, ...cols] }
}

export const sums = [
  defineLowering("Einsum", (node) => {
    const values = node.node.input.map((_, i) => node.input(i))
    const { inputs, output } = parseEquation(
      node.text("equation", ""),
      values.map(({ shape }) => shape.length),
      (expected) => unsupported(`it is not ${expected}`),
    )
    const sizes = new Map<string, number>()
    for (const [i, { shape }] of values.entries())
      for (const [axis, label] of inputs[i]!.entries()) sizes.set(label, Math.max(sizes.get(label) ?? 1, shape[axis]!))
    const [first, ...more] = values.map((value, i) => termOf(node, value, inputs[i]!, sizes)) as [Term, ...Term[]]
    let term = first
    for (const [i, next] of more.entries()) {
      const isKept = (label: string) => output.includes(label) || more.slice(i + 1).some(({ labels }) => labels.includes(label)) // biome-ignore format: one condition
      term = contracted(node, term, next, isKept)
    }
    const result = summed(node, term, (label) => output.includes(label))
    node.set(0, ordered(node, result, output).value)
  }),
]
