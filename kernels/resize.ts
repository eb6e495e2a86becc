import { elems, type GpuTensor } from "./gpu-tensor.ts"
import { keeping } from "./keeping.ts"
import { gather } from "./ops/gather/gather.ts"
import { resample } from "./ops/resample/resample.ts"
import { invalid, unfit } from "./refusals.ts"
import {
  axisTable,
  isCrop,
  type ResizedAxis,
  resizeOrder,
  type Sampling,
  samplingDefaults,
  scalesTo,
  unknownSampling,
} from "./resize-axis.ts"
import type { KernelRuntime } from "./runtime.ts"
import { linesAlong } from "./shapes.ts"

/** What each of `axes` is to have, or by what each is scaled, its size rounded down. */
type Extent =
  | {
      sizes: readonly number[]
      scales?: never
      /** Keeps the proportions: the sizes are then what axes have at most (`not_larger`) or at least. `stretch` unless given. */
      aspect?: "stretch" | "not_larger" | "not_smaller"
    }
  | { scales: readonly number[]; sizes?: never; aspect?: never }
/** As ONNX's Resize has them. */
export type ResizeAttributes = Extent &
  Partial<Sampling> & {
    /** From the end where they are below 0; the last ones, as many as there are sizes or scales, unless given. */
    axes?: readonly number[]
    /** Of tf_crop_and_resize: where the crop starts along each axis, then where it ends, 1 being the last element. All of it unless given. */
    crop?: readonly number[]
  }

/** Axis by axis. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, else as `runtime.run`. */
export function resized(runtime: KernelRuntime, x: GpuTensor, attributes: ResizeAttributes): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const sampling = { ...samplingDefaults, ...attributes }
    const unknown = unknownSampling(sampling)
    if (unknown) throw invalid("resize", unknown.path, `one of ${unknown.expected}`)
    const axes = axesOf(x.shape, attributes)
    elems(axes.reduce<readonly number[]>((shape, { at, to }) => shape.with(at, to), x.shape))
    const changed = axes.filter(({ from, to, scale }) => to !== from || scale !== 1 || isCrop(sampling))
    let result = keep(changed.length > 0 ? x.share() : await runtime.copied(x))
    for (const { at, ...axis } of resizeOrder(changed)) {
      const { shape, indices, weights } = axisTable(axis, sampling)
      const places = keep(runtime.upload("int32", shape, indices)) as GpuTensor
      result = keep(
        weights
          ? await runtime.run(resample, [result, places, keep(runtime.upload("float32", shape, weights))], { axis: at })
          : await runtime.run(gather, [result, places], { axis: at }),
      )
    }
    return result.share()
  })
}

function axesOf(
  shape: readonly number[],
  { sizes, scales, aspect = "stretch", axes, crop }: ResizeAttributes,
): (ResizedAxis & { at: number })[] {
  const given = sizes ?? scales ?? []
  const all = (axes ?? given.map((_, i) => i - given.length)).map((axis) => linesAlong("resize", shape, axis).axis)
  if (all.length !== given.length || given.length === 0 || new Set(all).size !== all.length)
    throw unfit("resize", sizes ? "sizes" : "scales", `one for each of its axes, not ${given.length} for ${all.length}`)
  const ends = crop ?? [...all.map(() => 0), ...all.map(() => 1)]
  if (ends.length !== 2 * all.length || !ends.every(Number.isFinite))
    throw unfit("resize", "crop", `where it starts along each of ${all.length} axes, then where it ends`)
  if (!given.every((n) => (sizes ? Number.isInteger(n) && n > 0 : n > 0)))
    throw unfit("resize", sizes ? "sizes" : "scales", `numbers above 0, not ${given}`)
  const from = all.map((axis) => shape[axis]!)
  if (from.includes(0)) throw unfit("resize", "x", `elements along its axes, not [${shape}]`)
  if (!["stretch", "not_larger", "not_smaller"].includes(aspect)) throw invalid("resize", "aspect", "stretch, not_larger or not_smaller") // biome-ignore format: an error
  const by = sizes ? scalesTo(from, sizes, aspect) : given
  return all.map((at, i) => {
    const [size, scale] = [from[i]!, by[i]!]
    // A size that follows from others is rounded to the nearest, a half up.
    const to = sizes && aspect === "stretch" ? sizes[i]! : Math.floor(size * scale + (sizes ? 0.5 : 0))
    return { at, from: size, to, scale, crop: [ends[i]!, ends[i + all.length]!] }
  })
}
