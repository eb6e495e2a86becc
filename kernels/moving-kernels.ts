import { type BlockMode, depthToSpace, inBlocks, spaceToDepth } from "./blocks.ts"
import type { GpuDtype, StoredDtype } from "./define-kernel.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import {
  gatherNd,
  type OneHotAttributes,
  oneHot,
  type ScatterReduction,
  scatterElements,
  scatterNd,
} from "./indexed.ts"
import { type PadAttributes, padded } from "./padding.ts"
import { concatenated, repeated, split } from "./parts.ts"
import type { KernelRuntime } from "./runtime.ts"

/** Lists of tensors, each of one dtype. */
type OfOneDtype<D extends GpuDtype> = D extends unknown ? readonly GpuTensor<D>[] : never

/**
 * What moves elements as they are, over `copy`, `gather` and `scatter`. ONNX's Expand is a tensor's own `broadcast(shape)`, a view that moves nothing, as its Slice is `slice` and its
 * Transpose `permute`. Indices are int32; one below 0 counts from the end. Errors: IPFA_INPUT_SHAPE for shapes, and what gives one, that don't fit.
 */
export interface MovingKernels {
  /** x with elements added at the ends of its axes; `mode` is `constant` and `value` 0 unless given [numpy.pad]. Any dtype. */
  pad<D extends GpuDtype>(
    x: GpuTensor<D>,
    attributes: Partial<PadAttributes> & Pick<PadAttributes, "pads">,
  ): Promise<GpuTensor<D>>
  /** Tensors of one dtype, alike but along `axis`, the first unless given, one behind the other [numpy.concatenate]. */
  concat<T extends OfOneDtype<GpuDtype>>(
    tensors: T,
    attributes?: { axis?: number },
  ): Promise<GpuTensor<T[number]["dtype"]>>
  /** x cut along `axis`, the first unless given, into so many equal parts, or parts of these sizes [numpy.split; ONNX, Split]: views that share its memory, at once. Any dtype. */
  split<D extends StoredDtype>(
    x: GpuTensor<D>,
    parts: number | readonly number[],
    attributes?: { axis?: number },
  ): GpuTensor<D>[]
  /** x so many times along each axis; the shorter of its shape and `repeats` begins with ones [numpy.tile]. Any dtype. */
  tile<D extends GpuDtype>(x: GpuTensor<D>, repeats: readonly number[]): Promise<GpuTensor<D>>
  /** indices [i…] → [i…, depth], the new axis being the last unless `axis` says: 1 at each index and 0 elsewhere, as float32, unless given. For an index outside of `depth` it is nowhere 1. */
  oneHot<D extends GpuDtype = "float32">(
    indices: GpuTensor<"int32">,
    attributes: Partial<OneHotAttributes<D>> & { depth: number },
  ): Promise<GpuTensor<D>>
  /** [n, c · block², h, w] → [n, c, h · block, w · block], `mode` being DCR unless given [ONNX, DepthToSpace]. Any dtype. */
  depthToSpace<D extends GpuDtype>(
    x: GpuTensor<D>,
    attributes: { block: number; mode?: BlockMode },
  ): Promise<GpuTensor<D>>
  /** [n, c, h · block, w · block] → [n, block² · c, h, w], back from mode DCR. Any dtype. */
  spaceToDepth<D extends GpuDtype>(x: GpuTensor<D>, attributes: { block: number }): Promise<GpuTensor<D>>
  /** x [b…, d…, s…], indices [b…, i…, depth] → [b…, i…, s…]: the slices that tuples of indices name, with `batch` axes b, none unless given [ONNX, GatherND]. Indices go around an axis. Any dtype. */
  gatherNd<D extends GpuDtype>(
    x: GpuTensor<D>,
    indices: GpuTensor<"int32">,
    attributes?: { batch?: number },
  ): Promise<GpuTensor<D>>
  /**
   * A copy of x [d…, s…] with the slices updates [i…, s…] where indices [i…, depth] say, joined by `reduction` with what is there; without one, places that recur keep one of them [ONNX,
   * ScatterND]. Indices go around an axis. Any dtype.
   */
  scatterNd<D extends GpuDtype>(
    x: GpuTensor<D>,
    indices: GpuTensor<"int32">,
    updates: GpuTensor<NoInfer<D>>,
    attributes?: Partial<ScatterReduction>,
  ): Promise<GpuTensor<D>>
  /** A copy of x with updates like the indices: each goes where its index says along `axis`, the first unless given, and stays where it is along all others [ONNX, ScatterElements]; else as scatterNd. */
  scatterElements<D extends GpuDtype>(
    x: GpuTensor<D>,
    indices: GpuTensor<"int32">,
    updates: GpuTensor<NoInfer<D>>,
    attributes?: Partial<ScatterReduction> & { axis?: number },
  ): Promise<GpuTensor<D>>
}

export function movingKernels(runtime: KernelRuntime): MovingKernels {
  // What the interface promises of dtypes is the kernels' to keep.
  type Any = Promise<GpuTensor<never>>
  const of = (x: unknown) => x as GpuTensor
  return {
    pad: (x, attributes) => padded(runtime, of(x), attributes) as Any,
    concat: (tensors, { axis = 0 } = {}) => concatenated(runtime, tensors.map(of), axis) as Any,
    split: (x, parts, { axis = 0 } = {}) => split(x, parts, axis),
    tile: (x, repeats) => repeated(runtime, of(x), repeats) as Any,
    oneHot: (indices, attributes) => oneHot(runtime, of(indices), attributes) as Any,
    depthToSpace: async (x, { block, mode = "DCR" }) =>
      inBlocks(runtime, of(x), depthToSpace(x.shape, block, mode)) as Any,
    spaceToDepth: async (x, { block }) => inBlocks(runtime, of(x), spaceToDepth(x.shape, block)) as Any,
    gatherNd: (x, indices, { batch } = {}) => gatherNd(runtime, of(x), of(indices), batch) as Any,
    scatterNd: (x, indices, updates, attributes) =>
      scatterNd(runtime, of(x), of(indices), of(updates), attributes) as Any,
    scatterElements: (x, indices, updates, attributes) =>
      scatterElements(runtime, of(x), of(indices), of(updates), attributes) as Any,
  }
}
