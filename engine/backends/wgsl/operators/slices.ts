import { sliced, type View, wholeView } from "../../../../kernels/index.ts"
import { type GraphLowering, NodeLowering } from "../lowering.ts"

/** What a Slice of a tensor of this shape shows of a view of it, by the rules of ONNX: bounds beyond an end are that end. */
export function sliceView(node: NodeLowering, shape: readonly number[], all: View): View {
  const rank = shape.length
  const old = node.opset < 10
  const starts = old ? node.ints("starts", []) : node.known(1)
  const ends = old ? node.ints("ends", []) : node.known(2)
  const axes = (old ? node.ints("axes") : node.knownOr(3, undefined)) ?? starts.map((_, i) => i)
  const steps = (old ? undefined : node.knownOr(4, undefined)) ?? starts.map(() => 1)
  let view = all
  for (const [i, given] of axes.entries()) {
    const axis = node.axis(given, rank)
    const size = shape[axis]!
    const step = steps[i]!
    const place = (bound: number, low: number, high: number) =>
      Math.min(Math.max(bound < 0 ? bound + size : bound, low), high)
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1]
    const start = place(starts[i]!, Math.max(low, 0), high)
    // The end before the first element can't be said as a number that counts from the end.
    const end = place(ends[i]!, low, high)
    view = sliced(view, axis, start, Math.max(Math.ceil((end - start) / step), 0), step)
  }
  return view
}

/** Neighbours along the last axis of the tensor `of`, from `first` on. */
interface Columns {
  readonly of: string
  readonly first: number
  readonly count: number
}

/** The columns that the tensor `name` is, cut out by a Slice or a Split. */
export function columnsOf(graph: GraphLowering, name: string): Columns | undefined {
  const by = graph.maker(name)
  if (by?.opType !== "Slice" && by?.opType !== "Split") return undefined
  const node = new NodeLowering(by, graph)
  const of = by.input[0]!
  const shape = graph.shape(of)
  const last = shape.length - 1
  if (by.opType === "Split") {
    const before = by.output.slice(0, by.output.indexOf(name))
    const widthOf = (output: string) => graph.shape(output)[last]!
    const first = before.reduce((sum, output) => sum + widthOf(output), 0)
    return node.axis(node.int("axis", 0), shape.length) === last ? { of, first, count: widthOf(name) } : undefined
  }
  const view = sliceView(node, shape, wholeView(shape))
  const columns = sliced(wholeView(shape), last, view.offset, view.shape[last]!)
  const isSame = view.shape.join() === columns.shape.join() && view.strides.join() === columns.strides.join()
  return isSame ? { of, first: view.offset, count: columns.shape[last]! } : undefined
}
