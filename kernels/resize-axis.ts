// How one axis is resized [ONNX, Resize]: tables of where each of its elements comes from. Pure.

/** Elements before and after, by what the axis is scaled, and of a crop where it begins and ends, from 0 to 1. */
export interface ResizedAxis {
  from: number
  to: number
  scale: number
  crop: readonly [start: number, end: number]
}

export interface Sampling {
  mode: "nearest" | "linear" | "cubic"
  /** Where an element of the resized axis lies in the original. */
  coordinates: keyof typeof coordinates
  /** Which of two neighbours is the nearest. */
  nearest: keyof typeof roundings
  /** Keys' coefficient, of `cubic`. */
  cubicA: number
  /** Where an axis becomes shorter `linear` and `cubic` reach as much further. */
  antialias: boolean
  /** Neighbours outside count nothing; else they are the elements at the ends. */
  excludeOutside: boolean
}
export const samplingDefaults: Sampling = {
  mode: "nearest",
  coordinates: "half_pixel",
  nearest: "round_prefer_floor",
  cubicA: -0.75,
  antialias: false,
  excludeOutside: false,
}

const halfPixel = (i: number, scale: number) => (i + 0.5) / scale - 0.5
const coordinates = {
  half_pixel: (i: number, { scale }: ResizedAxis) => halfPixel(i, scale),
  // Sizes are rounded: what is lost by it is lost at both ends alike.
  half_pixel_symmetric: (i: number, { from, to, scale }: ResizedAxis) =>
    (from / 2) * (1 - to / (scale * from)) + halfPixel(i, scale),
  pytorch_half_pixel: (i: number, { to, scale }: ResizedAxis) => (to > 1 ? halfPixel(i, scale) : 0),
  asymmetric: (i: number, { scale }: ResizedAxis) => i / scale,
  align_corners: (i: number, { from, to }: ResizedAxis) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0),
  tf_crop_and_resize: (i: number, { from, to, crop: [start, end] }: ResizedAxis) =>
    to > 1 ? (start + (i * (end - start)) / (to - 1)) * (from - 1) : ((start + end) / 2) * (from - 1),
}
const roundings = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (place: number) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place: number) => Math.floor(place + 0.5),
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

/** Which of its words is none: what it says, and of what. */
export function unknownSampling({
  mode,
  coordinates: by,
  nearest,
}: Sampling): { path: keyof Sampling; expected: string } | undefined {
  const unknown = (path: keyof Sampling, table: object, word: string) =>
    Object.hasOwn(table, word) ? undefined : { path, expected: Object.keys(table).join(", ") }
  return (
    unknown("mode", { nearest: 0, linear: 0, cubic: 0 }, mode) ??
    unknown("coordinates", coordinates, by) ??
    unknown("nearest", roundings, nearest)
  )
}

export const isCrop = (sampling: Pick<Sampling, "coordinates">): boolean =>
  sampling.coordinates === "tf_crop_and_resize"
const isOutside = (place: number, size: number) => place < 0 || place > size - 1
const within = (index: number, size: number) => Math.min(Math.max(index, 0), size - 1)

/** For `gather`, a place of x for each element; or for `resample`, with weights, [elements, taps]. */
export interface AxisTable {
  readonly shape: readonly number[]
  readonly indices: Int32Array<ArrayBuffer>
  readonly weights?: Float32Array<ArrayBuffer>
}

/** Where the elements of a resized axis come from. What lies outside of a crop is 0. */
export function axisTable(axis: ResizedAxis, sampling: Sampling): AxisTable {
  const places = Array.from({ length: axis.to }, (_, i) => coordinates[sampling.coordinates](i, axis))
  if (sampling.mode !== "nearest") return taps(places, axis, sampling)
  // `gather` gives 0 for an index beyond the last.
  const indices = places.map((place) =>
    isCrop(sampling) && isOutside(place, axis.from) ? axis.from : within(roundings[sampling.nearest](place), axis.from),
  )
  return { shape: [axis.to], indices: Int32Array.from(indices) }
}

/** The neighbours of each place and their weights, which sum to 1. */
function taps(places: readonly number[], axis: ResizedAxis, sampling: Sampling): AxisTable {
  const { mode, cubicA, antialias, excludeOutside } = sampling
  const filter = mode === "linear" ? linear : cubic(cubicA)
  const narrowing = antialias ? Math.min(axis.scale, 1) : 1
  const first = Math.floor(-filter.radius / narrowing) + 1
  const offsets = Array.from({ length: 2 - 2 * first }, (_, t) => first + t)
  const rows = places.map((place) => {
    const indices = offsets.map((offset) => Math.floor(place) + offset)
    const weights = indices.map((index) =>
      excludeOutside && isOutside(index, axis.from) ? 0 : filter.weight((index - place) * narrowing),
    )
    const isNothing = isCrop(sampling) && isOutside(place, axis.from)
    const sum = isNothing ? Number.POSITIVE_INFINITY : weights.reduce((total, weight) => total + weight, 0)
    return indices.map((index, t) => ({ index: within(index, axis.from), weight: weights[t]! / sum }))
  })
  const all = rows.flat()
  return {
    shape: [axis.to, offsets.length],
    indices: Int32Array.from(all, ({ index }) => index),
    weights: Float32Array.from(all, ({ weight }) => weight),
  }
}

/**
 * The order in which axes, by their numbers, are resized: those that become shorter from the first on, then the others from the last back. Along the last axis elements are made
 * one by one, along others by fours: so it is done where there are fewest.
 */
export function resizeOrder<T extends { at: number; from: number; to: number }>(axes: readonly T[]): T[] {
  const isShorter = ({ from, to }: T) => to < from
  const inOrder = axes.toSorted((a, b) => a.at - b.at)
  return [...inOrder.filter(isShorter), ...inOrder.filter((axis) => !isShorter(axis)).reverse()]
}

/** By what axes are scaled that come to have `sizes`, at most or at least where all are to be scaled alike. */
export function scalesTo(
  from: readonly number[],
  sizes: readonly number[],
  aspect: "stretch" | "not_larger" | "not_smaller",
): number[] {
  const ratios = from.map((size, i) => sizes[i]! / size)
  if (aspect === "stretch") return ratios
  return ratios.map(() => (aspect === "not_larger" ? Math.min(...ratios) : Math.max(...ratios)))
}
