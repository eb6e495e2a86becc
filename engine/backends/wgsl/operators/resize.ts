import { add, gather, mul } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"

/** Where the element `i` of a resized axis lies in the original [ONNX, Resize: coordinate_transformation_mode]. */
function coordinate(mode: string, i: number, from: number, to: number, scale: number): number {
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5
    case "pytorch_half_pixel":
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0
    case "asymmetric":
      return i / scale
    case "align_corners":
      return to > 1 ? (i * (from - 1)) / (to - 1) : 0
    default:
      throw unsupported(`its coordinates are ${mode}`)
  }
}

function rounded(mode: string, place: number): number {
  switch (mode) {
    case "floor":
      return Math.floor(place)
    case "ceil":
      return Math.ceil(place)
    case "round_prefer_floor":
      return Math.ceil(place - 0.5)
    case "round_prefer_ceil":
      return Math.floor(place + 0.5)
    default:
      throw unsupported(`it rounds by ${mode}`)
  }
}

const within = (index: number, size: number) => Math.min(Math.max(index, 0), size - 1)

/** The elements at `indices` along `axis`. */
function picked(node: NodeLowering, x: Value, axis: number, indices: readonly number[]): Value {
  return node.run(gather, [x, node.graph.constant([indices.length], Int32Array.from(indices))], { axis })
}

/** One axis: an element for each place, or a mean of its two neighbours weighted by nearness. */
function resized(node: NodeLowering, x: Value, axis: number, places: readonly number[], mode: string): Value {
  const size = x.shape[axis]!
  const nearest = node.text("nearest_mode", "round_prefer_floor")
  if (mode === "nearest") return picked(node, x, axis, places.map((place) => within(rounded(nearest, place), size))) // biome-ignore format: one rule
  const shape = x.shape.map((_, i) => (i === axis ? places.length : 1))
  const clamped = places.map((place) => within(place, size))
  const share = clamped.map((place) => place - Math.floor(place))
  const weighted = (indices: number[], weights: number[]) =>
    node.run(mul, [picked(node, x, axis, indices), node.graph.constant(shape, Float32Array.from(weights))])
  const low = weighted(clamped.map(Math.floor), share.map((t) => 1 - t)) // biome-ignore format: one side
  return node.run(add, [
    low,
    weighted(
      clamped.map((place) => within(Math.floor(place) + 1, size)),
      share,
    ),
  ])
}

export const resizing = [
  defineLowering("Resize", (node) => {
    const mode = node.text("mode", "nearest")
    if (mode !== "nearest" && mode !== "linear") throw unsupported(`its mode is ${mode}`)
    if (node.int("antialias", 0) === 1) throw unsupported("it is anti-aliased")
    if (node.text("keep_aspect_ratio_policy", "stretch") !== "stretch" || node.ints("axes"))
      throw unsupported("it has axes or a policy of its own")
    const coordinates = node.text("coordinate_transformation_mode", "half_pixel")
    const given = node.has(2) ? node.known(2) : []
    const shape = node.outputShape()
    let result = node.input(0)
    for (const [axis, to] of shape.entries()) {
      const from = result.shape[axis]!
      if (to === from && (given[axis] ?? 1) === 1) continue
      // The scale as given where it is, since sizes are rounded.
      const scale = given[axis] ?? to / from
      const places = Array.from({ length: to }, (_, i) => coordinate(coordinates, i, from, to, scale))
      result = resized(node, result, axis, places, mode)
    }
    node.set(0, result)
  }),
]
