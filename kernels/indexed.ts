import { arrayTypes } from "../protocol/dtype.ts"
import type { GpuDtype, Shape, StoredDtype } from "./define-kernel.ts"
import { elems, type GpuTensor } from "./gpu-tensor.ts"
import { inShape, type Keep, keeping } from "./keeping.ts"
import { add, equal, modulo, mul } from "./ops/binary/binary.ts"
import { gather } from "./ops/gather/gather.ts"
import { reduceSum } from "./ops/reduce/reduce.ts"
import { type ScatterAttributes, scatter } from "./ops/scatter/scatter.ts"
import { where } from "./ops/where/where.ts"
import { invalid, unfit } from "./refusals.ts"
import type { KernelRuntime } from "./runtime.ts"
import { linesAlong } from "./shapes.ts"
import { places, wholeView } from "./view.ts"
import { computedAs } from "./words.ts"

export interface OneHotAttributes<D extends GpuDtype> {
  /** How many numbers an index may be. */
  depth: number
  /** Of the result, from the end where it is below 0. */
  axis: number
  /** What stands elsewhere, and what at the index. */
  values: readonly [off: number, on: number]
  dtype: D
}
export type ScatterReduction = Pick<ScatterAttributes, "reduction">

/** One element as `dtype` is computed. Throws IPFA_INPUT_INVALID where that does not hold `value`. */
export function numberOf(
  runtime: KernelRuntime,
  op: string,
  path: string,
  dtype: StoredDtype,
  value: number,
): GpuTensor {
  const computed = computedAs[dtype]
  const data = arrayTypes[computed].of(value)
  if (computed !== "float32" && data[0] !== value)
    throw invalid(op, path, `a number that ${computed} holds, not ${value}`)
  return runtime.upload(computed, [], data as Float32Array<ArrayBuffer>)
}

/** Numbers from 1 on: what `gather` finds by an index of theirs is one of them, and for an index outside 0. */
export const fromOne = (depth: number): Int32Array<ArrayBuffer> => Int32Array.from({ length: depth }, (_, i) => i + 1)

/** indices int32 [i…] → [i…, depth]. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, else as `runtime.run`. */
export function oneHot(
  runtime: KernelRuntime,
  indices: GpuTensor,
  { depth, axis = -1, values = [0, 1], dtype = "float32" }: Partial<OneHotAttributes<GpuDtype>> & { depth: number },
): Promise<GpuTensor> {
  return keeping(async (keep) => {
    if (!Number.isInteger(depth) || depth < 0)
      throw invalid("oneHot", "depth", `a whole number from 0 on, not ${depth}`)
    const at = linesAlong("oneHot", [...indices.shape, depth], axis).axis
    const along = (size: number) => [...indices.shape.map(() => 1), 1].with(at, size)
    const [off, on] = values.map((value) => keep(numberOf(runtime, "oneHot", "values", dtype, value)))
    const numbers = keep(runtime.upload("int32", [depth], fromOne(depth)) as GpuTensor)
    const found = keep(await runtime.run(gather, [numbers, indices]))
    const column = keep(found.share(indices.shape.toSpliced(at, 0, 1)))
    const isHot = keep(await runtime.run(equal, [column, keep(numbers.share(along(depth)))]))
    return runtime.run(where, [isHot, on, off])
  })
}

/** The number of elements before the slice that each tuple of indices [..., depth] names, where axes of these `sizes` have these `strides`: [..., 1]. An index goes around an axis, so that one below 0 counts from its end. */
async function starts(
  runtime: KernelRuntime,
  keep: Keep,
  tuples: GpuTensor,
  sizes: Shape,
  strides: readonly number[],
): Promise<GpuTensor> {
  const row = (numbers: readonly number[]) => keep(whole(runtime, [numbers.length], numbers))
  const front = keep(await runtime.run(modulo, [tuples, row(sizes)]))
  return keep(await runtime.run(reduceSum, [keep(await runtime.run(mul, [front, row(strides)]))]))
}

const whole = (runtime: KernelRuntime, shape: Shape, numbers: readonly number[]): GpuTensor =>
  runtime.upload("int32", shape, Int32Array.from(numbers)) as GpuTensor

/** Where the line begins, along `axis` of a tensor of shape `x`, that each line of `indices` along it is about: [i…, 1, j…]. */
export function lineStarts(x: Shape, indices: Shape, axis: number): { shape: Shape; starts: number[] } {
  const shape = indices.with(axis, 1)
  return { shape, starts: places({ shape, strides: wholeView(x).strides, offset: 0 }) }
}

/** The slices of x that the last axis of `indices` names: [b…, i…, depth] of x [b…, d…, s…] → [b…, i…, s…], with `batch` axes b. Throws IPFA_INPUT_SHAPE, else as `runtime.run`. */
export function gatherNd(runtime: KernelRuntime, x: GpuTensor, indices: GpuTensor, batch = 0): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const depth = depthOf("gatherNd", x.shape, indices.shape, batch)
    const [before, sizes, slice] = [x.shape.slice(0, batch), x.shape.slice(batch, batch + depth), x.shape.slice(batch + depth)] // biome-ignore format: a line
    if (indices.shape.slice(0, batch).join() !== before.join())
      throw unfit("gatherNd", "indices", `[${[...before, "…"]}], whose first ${batch} axes are x's`)
    const [batches, slices] = [elems(before), elems(sizes)]
    const own = await starts(runtime, keep, indices, sizes, wholeView(sizes).strides)
    const count = elems(indices.shape.slice(batch, -1))
    const ofBatch = keep(own.share([batches, count]))
    const firsts = Array.from({ length: batches }, (_, i) => i * slices)
    const all = keep(await runtime.run(add, [ofBatch, keep(whole(runtime, [batches, 1], firsts))]))
    const rows = keep(await inShape(runtime, x, [batches * slices, ...slice]))
    const made = keep(await runtime.run(gather, [rows, all]))
    return made.share([...indices.shape.slice(0, -1), ...slice])
  })
}

/** A copy of x with each update, a slice [s…], where a tuple of indices says: indices [i…, depth] of x [d…, s…], updates [i…, s…]. Throws as `gatherNd`. */
export function scatterNd(
  runtime: KernelRuntime,
  x: GpuTensor,
  indices: GpuTensor,
  updates: GpuTensor,
  { reduction = "none" }: Partial<ScatterReduction> = {},
): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const { shape } = x
    const depth = depthOf("scatterNd", shape, indices.shape, 0)
    const slice = shape.slice(depth)
    const wanted = [...indices.shape.slice(0, -1), ...slice]
    if (updates.shape.join() !== wanted.join()) throw unfit("scatterNd", "updates", `[${wanted}]`)
    const { strides } = wholeView(shape)
    const [count, size] = [elems(indices.shape.slice(0, -1)), elems(slice)]
    const firsts = keep((await starts(runtime, keep, indices, shape.slice(0, depth), strides.slice(0, depth))).share([count, 1])) // biome-ignore format: a line
    const each = keep(whole(runtime, [size], [...new Array(size).keys()]))
    const at = keep(await runtime.run(add, [firsts, each]))
    const values = keep(await inShape(runtime, updates, [count, size]))
    const into = keep(await runtime.copied(x))
    return (await runtime.run(scatter, [at, values], { shape, axis: 0, reduction }, { into })).share()
  })
}

/** A copy of x with each update where the index of its place says along `axis`, and it itself along all others. Throws IPFA_INPUT_SHAPE, else as `runtime.run`. */
export function scatterElements(
  runtime: KernelRuntime,
  x: GpuTensor,
  indices: GpuTensor,
  updates: GpuTensor,
  { axis = 0, reduction = "none" }: Partial<ScatterReduction & { axis: number }> = {},
): Promise<GpuTensor> {
  return keeping(async (keep) => {
    const { shape } = x
    const { axis: at, cols } = linesAlong("scatterElements", shape, axis)
    const isWithin = (size: number, i: number) => i === at || size <= shape[i]!
    if (indices.shape.length !== shape.length || !indices.shape.every(isWithin))
      throw unfit("scatterElements", "indices", `lines along axis ${axis} of [${shape}]`)
    if (updates.shape.join() !== indices.shape.join()) throw unfit("scatterElements", "updates", `[${indices.shape}]`)
    const lines = lineStarts(shape, indices.shape, at)
    const front = keep(await runtime.run(modulo, [indices, keep(whole(runtime, [], [cols]))]))
    const steps = keep(await runtime.run(mul, [front, keep(whole(runtime, [], [wholeView(shape).strides[at]!]))]))
    const found = keep(await runtime.run(add, [steps, keep(whole(runtime, lines.shape, lines.starts))]))
    const into = keep(await runtime.copied(x))
    return (await runtime.run(scatter, [found, updates], { shape, axis: at, reduction }, { into })).share()
  })
}

function depthOf(op: string, x: Shape, indices: Shape, batch: number): number {
  const depth = indices.at(-1)
  if (
    depth === undefined ||
    depth < 1 ||
    !Number.isInteger(batch) ||
    batch < 0 ||
    batch >= indices.length ||
    batch + depth > x.length
  )
    // biome-ignore format: a line
    throw unfit(op, "indices", `[…, 1 to ${x.length - batch}] for [${x}], not [${indices}]`)
  return depth
}
