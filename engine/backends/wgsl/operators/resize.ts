import {
  axisTable,
  type GridSampleAttributes,
  gather,
  gridSample,
  isCrop,
  resample,
  resizeOrder,
  type Sampling,
  scalesTo,
  unknownSampling,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import { unsupported } from "../unsupported.ts"

/** Before opset 11 there was one mode of each. */
function samplingOf(node: NodeLowering): Sampling {
  const old = node.opset < 11
  const sampling = {
    mode: node.text("mode", "nearest"),
    coordinates: old ? "asymmetric" : node.text("coordinate_transformation_mode", "half_pixel"),
    nearest: old ? "floor" : node.text("nearest_mode", "round_prefer_floor"),
    cubicA: node.float("cubic_coeff_a", -0.75),
    antialias: node.int("antialias", 0) === 1,
    excludeOutside: node.int("exclude_outside", 0) === 1,
  } as Sampling
  const unknown = unknownSampling(sampling)
  if (unknown) throw unsupported(`its ${unknown.path} is none of ${unknown.expected}`)
  if (isCrop(sampling) && node.float("extrapolation_value", 0) !== 0)
    throw unsupported("what lies outside of its crop is other than 0")
  return sampling
}

/** By what each of `axes` is scaled: as given where it is, since sizes are rounded; sizes that keep the proportions scale all alike. */
function scalesOf(node: NodeLowering, shape: readonly number[], axes: readonly number[]): number[] {
  const input = node.opset < 11 ? 1 : 2
  const given = node.floats("scales") ?? (node.has(input) ? node.known(input) : [])
  if (given.length > 0) return given
  const aspect = node.text("keep_aspect_ratio_policy", "stretch") as "stretch"
  return scalesTo(
    axes.map((axis) => shape[axis]!),
    node.known(3),
    aspect,
  )
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
    const sampling = samplingOf(node)
    const crops = isCrop(sampling) ? node.known(1) : []
    let result = x
    const resized = axes.map((at, i) => {
      const crop = [crops[i] ?? 0, crops[i + axes.length] ?? 1] as const
      return { at, from: x.shape[at]!, to: shape[at]!, scale: scales[i]!, crop }
    })
    for (const { at, ...axis } of resizeOrder(resized)) {
      if (axis.to === axis.from && axis.scale === 1 && !isCrop(sampling)) continue
      const table = axisTable(axis, sampling)
      const indices = node.graph.constant(table.shape, table.indices)
      result = table.weights
        ? node.run(resample, [result, indices, node.graph.constant(table.shape, table.weights)], { axis: at })
        : node.run(gather, [result, indices], { axis: at })
    }
    node.set(0, result)
  }),
]
