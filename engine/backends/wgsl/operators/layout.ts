import {
  broadcast,
  cast,
  copy,
  elems,
  gather,
  MOST_AXES,
  mirrors,
  padViews,
  permuted,
  sliced,
  tiled,
  type View,
  wholeView,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering, reshapings } from "../lowering.ts"
import { placeParts, runOf } from "../parts.ts"
import type { Value } from "../program.ts"
import { gpuDtype, storedWords, wordsOf } from "../tensors.ts"
import { undecided, unsupported } from "../unsupported.ts"
import { narrowed } from "./narrow.ts"
import { sliceView } from "./slices.ts"
import { writtenRope } from "./written-rope.ts"

/**
 * What `part` takes of a view of x. Where x was itself copied from a view of something, it is that which is copied; what lies there, or in x, as one run is no copy
 * but a part of it.
 */
export function copied(node: NodeLowering, x: Value, part: (all: View) => View): Value {
  const { graph } = node
  const { source, view } = graph.viewed(x)
  const [composed, own] = [part(view), part(wholeView(x.shape))]
  const isRun = runOf(composed) === undefined && runOf(own) !== undefined
  const [from, of] = !isRun && composed.shape.length <= MOST_AXES ? [composed, source] : [own, x]
  // Nothing may be sought where there is none: before the first element.
  if (elems(from.shape) === 0) return room(node, x.dtype, from.shape)
  const at = runOf(from)
  const { dtype } = x
  const within = { buffer: of.buffer, at: at! }
  if (at !== undefined)
    return { dtype, shape: from.shape, buffer: graph.buffer({ bytes: elems(from.shape) * 4, within }) }
  const result = node.run(copy, [of], { from })
  graph.setView(result, { source: of, view: from })
  return result
}

/** A new tensor, to be written in parts. */
const room = (node: NodeLowering, dtype: Value["dtype"], shape: readonly number[]): Value => ({
  dtype,
  shape,
  buffer: node.graph.buffer({ bytes: elems(shape) * 4 }),
})

const reshaping = defineLowering(reshapings, (node) => {
  node.set(0, node.reshaped(node.input(0), node.outputShape()))
})

const transposition = defineLowering("Transpose", (node) => {
  const x = node.input(0)
  const order = node.ints("perm") ?? x.shape.map((_, i) => x.shape.length - 1 - i)
  // Where the axes of more than one element stay in order nothing moves.
  const moving = order.filter((axis) => x.shape[axis] !== 1)
  const shape = order.map((axis) => x.shape[axis]!)
  if (moving.every((axis, i) => i === 0 || axis > moving[i - 1]!)) return node.set(0, node.reshaped(x, shape))
  node.set(
    0,
    copied(node, x, (all) => permuted(all, order)),
  )
})

const concatenation = defineLowering("Concat", (node) => {
  const rope = writtenRope(node)
  if (rope) return node.set(0, rope)
  const shape = node.outputShape()
  const axis = node.axis(node.int("axis", 0), shape.length)
  const inner = elems(shape.slice(axis + 1))
  let start = 0
  const parts = node.node.input.map((_, i) => {
    const value = node.input(i)
    const first = start
    start += value.shape[axis]!
    return { value, first, at: first * inner * 4 }
  })
  const into = room(node, parts[0]!.value.dtype, shape)
  // One after the other in memory only where nothing lies around them.
  const { buffers, ops } = node.graph
  const rest = elems(shape.slice(0, axis)) === 1 ? placeParts(buffers, ops, into.buffer, parts) : parts
  for (const { value, first } of rest) {
    const to = sliced(wholeView(shape), axis, first, value.shape[axis]!)
    node.run(copy, [value], { to, shape }, into)
  }
  node.set(0, into)
})

const splitting = defineLowering("Split", (node) => {
  const x = node.input(0)
  const axis = node.axis(node.int("axis", 0), x.shape.length)
  let start = 0
  for (const [i, name] of node.node.output.entries()) {
    if (!name) throw unsupported("it leaves an output out")
    const size = node.outputShape(i)[axis]!
    const first = start
    node.set(
      i,
      copied(node, x, (all) => sliced(all, axis, first, size)),
    )
    start += size
  }
})

const tiling = defineLowering("Tile", (node) => {
  const x = node.input(0)
  const view = tiled(wholeView(x.shape), node.known(1))
  const result = node.run(copy, [x], { from: view })
  node.graph.setView(result, { source: x, view })
  node.set(0, node.reshaped(result, node.outputShape()))
})

const padding = defineLowering("Pad", (node) => {
  const x = node.input(0)
  const rank = x.shape.length
  const given = node.opset < 11 ? node.ints("pads", []) : node.known(1)
  const axes = (node.knownOr(3, undefined) ?? [...x.shape.keys()]).map((axis) => node.axis(axis, rank))
  // Before each axis, then behind each.
  const pads = [0, axes.length].flatMap((end) =>
    Array.from({ length: rank }, (_, axis) => {
      const i = axes.indexOf(axis)
      return i < 0 ? 0 : given[i + end]!
    }),
  )
  const mode = node.text("mode", "constant")
  const mirror = mirrors[mode]
  if (mirror) {
    const padded = axes
      .filter((axis) => pads[axis] !== 0 || pads[axis + rank] !== 0)
      .reduce((value, axis) => {
        const places = Array.from({ length: node.outputShape()[axis]! }, (_, i) =>
          mirror(i - pads[axis]!, x.shape[axis]!),
        )
        return node.run(gather, [value, node.graph.constant([places.length], Int32Array.from(places))], { axis })
      }, x)
    return node.set(0, padded)
  }
  if (mode !== "constant") throw unsupported(`its mode is ${mode}`)
  const { shape, from, to } = padViews(wholeView(x.shape), pads)
  const into = room(node, x.dtype, shape)
  const value = node.opset < 11 ? node.float("value", 0) : 0
  const filler = node.opset >= 11 && node.has(2) ? node.input(2) : node.graph.constant([], wordsOf(x.dtype, [value]))
  node.run(copy, [node.reshaped(filler, [])], { from: broadcast(wholeView([]), shape), shape }, into)
  node.run(copy, [x], { from, to, shape }, into)
  node.set(0, into)
})

const casting = defineLowering("Cast", (node) => {
  const x = node.input(0)
  const to = gpuDtype(node.graph.dtype(node.node.output[0]!))
  if (node.graph.dtype(node.node.output[0]!) === "bool") return node.set(0, node.run(cast, [x], { to, truth: true }))
  // There and back, as floors and remainders are written, is one step.
  const source = to === "float32" ? node.graph.wholeOf(x) : undefined
  if (source) return node.set(0, node.run(cast, [source], { to, whole: true }))
  const made = x.dtype === to ? x : node.run(cast, [x], { to })
  if (x.dtype === "float32" && to === "int32") node.graph.setWhole(made, x)
  node.set(0, node.graph.dtype(node.node.input[0]!) === "bool" ? made : narrowed(node, made))
})

const constants = defineLowering("Constant", (node) => {
  const tensor = node.node.attribute.find(({ name }) => name === "value")?.t
  if (!tensor) throw unsupported("its value is no tensor")
  node.set(0, node.graph.constant(tensor.dims.map(Number), storedWords(tensor)))
})

const filling = defineLowering("ConstantOfShape", (node) => {
  const tensor = node.node.attribute.find(({ name }) => name === "value")?.t
  const filler = node.graph.constant([], tensor ? storedWords(tensor) : Float32Array.of(0))
  node.set(
    0,
    copied(node, filler, (all) => broadcast(all, node.outputShape())),
  )
})

const counting = defineLowering("Range", (node) => {
  const [start, , step] = [node.known(0)[0]!, node.known(1)[0]!, node.known(2)[0]!]
  const [count] = node.outputShape() as [number]
  const numbers = Array.from({ length: count }, (_, i) => start + i * step)
  node.set(0, node.graph.constant([count], wordsOf(gpuDtype(node.graph.dtype(node.node.output[0]!)), numbers)))
})

/** What inference knows wherever it is asked: these nodes are never reached, and only have to be known. */
const shapes = defineLowering(["Shape", "Size"], () => {
  throw undecided("the shape of its input depends on what is computed")
})

export const layouts = [
  filling,
  counting,
  shapes,
  reshaping,
  transposition,
  concatenation,
  splitting,
  tiling,
  padding,
  casting,
  constants,
  defineLowering("Slice", (node) => {
    const x = node.input(0)
    node.set(
      0,
      copied(node, x, (all) => sliceView(node, x.shape, all)),
    )
  }),
  defineLowering("Expand", (node) => {
    const x = node.input(0)
    node.set(
      0,
      copied(node, x, (all) => broadcast(all, node.outputShape())),
    )
  }),
]
