import { type GridSampleAttributes, gather, gridSample, resample } from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { unsupported } from "../unsupported.ts"

/** One axis to resize: its elements before and after, by what it is scaled, and of a crop its beginning and end. */
interface Axis {
  from: number
  to: number
  scale: number
  crop: readonly [start: number, end: number]
}

/** Before opset 11 there was one mode. */
const coordinatesOf = (node: NodeLowering) =>
  node.opset < 11 ? "asymmetric" : node.text("coordinate_transformation_mode", "half_pixel")
const isCrop = (node: NodeLowering) => coordinatesOf(node) === "tf_crop_and_resize"

/** Where element `i` of a resized axis lies in the original [ONNX, Resize: coordinate_transformation_mode]. */
function coordinate(mode: string, i: number, { from, to, scale, crop: [start, end] }: Axis): number {
  switch (mode) {
    case "half_pixel":
      return (i + 0.5) / scale - 0.5
    case "half_pixel_symmetric":
      // Sizes are rounded: what is lost by it is lost at both ends alike.
      return (from / 2) * (1 - to / (scale * from)) + (i + 0.5) / scale - 0.5
    case "pytorch_half_pixel":
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0
    case "asymmetric":
      return i / scale
    case "align_corners":
      return to > 1 ? (i * (from - 1)) / (to - 1) : 0
    case "tf_crop_and_resize":
      return to > 1 ? (start + (i * (end - start)) / (to - 1)) * (from - 1) : ((start + end) / 2) * (from - 1)
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

/** How much a neighbour at a distance counts, and from which distance on it counts nothing. */
interface Filter {
  radius: number
  weight(distance: number): number
}
const linear: Filter = { radius: 1, weight: (d) => Math.max(1 - Math.abs(d), 0) }
/** Keys' cubic convolution (1981), with the coefficient `a`. */
const cubic = (a: number): Filter => ({
  radius: 2,
  weight(distance) {
    const d = Math.abs(distance)
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0
  },
})

const isOutside = (place: number, size: number) => place < 0 || place > size - 1
const within = (index: number, size: number) => Math.min(Math.max(index, 0), size - 1)

/** The neighbours of each place and their weights, which sum to 1; those outside are the elements at the ends. */
function taps(node: NodeLowering, places: readonly number[], axis: Axis, filter: Filter) {
  // An anti-aliased filter is as much wider as the axis becomes shorter.
  const narrowing = node.int("antialias", 0) === 1 ? Math.min(axis.scale, 1) : 1
  const first = Math.floor(-filter.radius / narrowing) + 1
  const offsets = Array.from({ length: 2 - 2 * first }, (_, t) => first + t)
  const leavesOut = node.int("exclude_outside", 0) === 1
  const crops = isCrop(node)
  const rows = places.map((place) => {
    const base = Math.floor(place)
    const indices = offsets.map((offset) => base + offset)
    const weights = indices.map((index) => {
      return leavesOut && isOutside(index, axis.from) ? 0 : filter.weight((index - place) * narrowing)
    })
    const sum = crops && isOutside(place, axis.from) ? Number.POSITIVE_INFINITY : weights.reduce((total, weight) => total + weight, 0) // biome-ignore format: one rule
    return indices.map((index, t) => ({ index: within(index, axis.from), weight: weights[t]! / sum }))
  })
  return { shape: [places.length, offsets.length], all: rows.flat() }
}

function resized(node: NodeLowering, x: Value, at: number, axis: Axis): Value {
  const places = Array.from({ length: axis.to }, (_, i) => coordinate(coordinatesOf(node), i, axis))
  const mode = node.text("mode", "nearest")
  if (mode === "nearest") {
    const nearest = node.opset < 11 ? "floor" : node.text("nearest_mode", "round_prefer_floor")
    // What lies outside of a crop is 0, which is what Gather gives for an index beyond the last.
    const indices = places.map((place) =>
      isCrop(node) && isOutside(place, axis.from) ? axis.from : within(rounded(nearest, place), axis.from),
    )
    return node.run(gather, [x, node.graph.constant([indices.length], Int32Array.from(indices))], { axis: at })
  }
  if (mode !== "linear" && mode !== "cubic") throw unsupported(`its mode is ${mode}`)
  const { shape, all } = taps(
    node,
    places,
    axis,
    mode === "linear" ? linear : cubic(node.float("cubic_coeff_a", -0.75)),
  )
  const indices = node.graph.constant(shape, Int32Array.from(all, ({ index }) => index)) // biome-ignore format: a table a line
  const weights = node.graph.constant(shape, Float32Array.from(all, ({ weight }) => weight)) // biome-ignore format: a table a line
  return node.run(resample, [x, indices, weights], { axis: at })
}

/** By what each of `axes` is scaled: as given where it is, since sizes are rounded; sizes that keep the proportions scale all alike. */
function scalesOf(node: NodeLowering, shape: readonly number[], axes: readonly number[]): number[] {
  const input = node.opset < 11 ? 1 : 2
  const given = node.floats("scales") ?? (node.has(input) ? node.known(input) : [])
  if (given.length > 0) return given
  const sizes = node.known(3)
  const ratios = axes.map((axis, i) => sizes[i]! / shape[axis]!)
  const policy = node.text("keep_aspect_ratio_policy", "stretch")
  if (policy === "stretch") return ratios
  return ratios.map(() => (policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios)))
}

/** Names of the modes before opset 20 too. */
const sampling: Record<string, GridSampleAttributes["mode"]> = {
  linear: "linear",
  bilinear: "linear",
  nearest: "nearest",
  cubic: "cubic",
  bicubic: "cubic",
}

export const resizing = [
  defineLowering("GridSample", (node) => {
    const [x, grid] = [node.input(0), node.input(1)]
    if (x.shape.length !== 4) throw unsupported(`its image has ${x.shape.length - 2} axes`)
    const padding = node.text("padding_mode", "zeros") as GridSampleAttributes["padding"]
    const mode = sampling[node.text("mode", "linear")]!
    node.set(0, node.run(gridSample, [x, grid], { mode, padding, align: node.int("align_corners", 0) === 1 }))
  }),

  defineLowering(["Resize", "Upsample"], (node) => {
    const x = node.input(0)
    const shape = node.outputShape()
    const axes = node.ints("axes")?.map((axis) => node.axis(axis, shape.length)) ?? [...shape.keys()]
    const scales = scalesOf(node, x.shape, axes)
    const crops = isCrop(node) ? node.known(1) : []
    if (isCrop(node) && node.float("extrapolation_value", 0) !== 0)
      throw unsupported("what lies outside of its crop is other than 0")
    let result = x
    for (const [i, at] of axes.entries()) {
      const [from, to, scale] = [x.shape[at]!, shape[at]!, scales[i]!]
      if (to === from && scale === 1 && !isCrop(node)) continue
      result = resized(node, result, at, { from, to, scale, crop: [crops[i] ?? 0, crops[i + axes.length] ?? 1] })
    }
    node.set(0, result)
  }),
]
