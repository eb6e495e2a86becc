import { fail } from "../protocol/errors/error.ts"
import type { AnyKernel, GpuDtype } from "./define-kernel.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { gatherElements } from "./ops/gather/gather.ts"
import { RUN, sort } from "./ops/sort/sort.ts"
import { sortMerge } from "./ops/sort-merge/sort-merge.ts"
import type { KernelRuntime } from "./runtime.ts"
import { linesAlong } from "./shapes.ts"

export interface TopKAttributes {
  /** From the end where it is below 0; the last unless given. */
  axis: number
  /** How many are wanted; with all that there are the line is sorted. */
  count: number
  /** The least, not the largest. */
  least: boolean
}
export interface Sorted<D extends GpuDtype> {
  values: GpuTensor<D>
  /** Where along the axis they lay. */
  indices: GpuTensor<"int32">
}
/** One dispatch of a sort. It takes x, and the indices that the pass before gave. */
export interface SortPass {
  readonly kernel: AnyKernel
  readonly attributes: object
}

/**
 * What finds where along an axis of `cols` elements the first `count` lie: workgroups sort runs, of which only so many stay, then neighbours are merged until one is left. Pure.
 */
export function sortPasses(cols: number, wanted: TopKAttributes): SortPass[] {
  const passes: SortPass[] = [{ kernel: sort, attributes: wanted }]
  let runs = wanted.count === 0 ? 0 : Math.ceil(cols / RUN)
  for (let size = RUN; runs > 1; runs = Math.ceil(runs / 2), size *= 2)
    passes.push({ kernel: sortMerge, attributes: { ...wanted, size: Math.min(size, wanted.count) } })
  return passes
}

/** The first `count` of each line in order, of equal ones that with the lower index first; NaN are as the largest. Throws IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, else as `runtime.run`. */
export async function topK<D extends GpuDtype>(
  runtime: KernelRuntime,
  x: GpuTensor<D>,
  { axis = -1, count = 1, least = false }: Partial<TopKAttributes> = {},
): Promise<Sorted<D>> {
  const lines = linesAlong("top-k", x.shape, axis)
  if (!Number.isInteger(count) || count < 0 || count > lines.cols)
    throw fail("IPFA_INPUT_INVALID", {
      message: `top-k takes a count from 0 to ${lines.cols}, not ${count}.`,
      data: { path: "count", expected: `0 to ${lines.cols}` },
    })
  const given = x as unknown as GpuTensor
  const made: GpuTensor[] = []
  try {
    for (const { kernel, attributes } of sortPasses(lines.cols, { axis, count, least }))
      made.push(await runtime.run(kernel, [given, ...made.slice(-1)], attributes))
    const indices = made.at(-1)!
    const values = await runtime.run(gatherElements, [given, indices], { axis: lines.axis })
    made.pop()
    return { values: values as unknown as GpuTensor<D>, indices: indices as GpuTensor<"int32"> }
  } finally {
    for (const tensor of made) tensor.destroy()
  }
}
