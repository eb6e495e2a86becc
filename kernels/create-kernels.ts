import type { TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { Clip } from "./activation.ts"
import type { AnyKernel, GpuDtype, StoredDtype } from "./define-kernel.ts"
import { halvesOfWords } from "./float16-words.ts"
import { elems, type GpuTensor } from "./gpu-tensor.ts"
import { type LanguageKernels, languageKernels } from "./language-kernels.ts"
import { type LayerKernels, layerKernels } from "./layer-kernels.ts"
import { type MovingKernels, movingKernels } from "./moving-kernels.ts"
import { type ArgAttributes, argMax, argMin } from "./ops/arg/arg.ts"
import * as binary from "./ops/binary/binary.ts"
import { type CastAttributes, cast } from "./ops/cast/cast.ts"
import { type ConvTranspose2dAttributes, convTranspose2d } from "./ops/conv-transpose2d/conv-transpose2d.ts"
import { type Conv2dAlgorithm, type Conv2dAttributes, conv2d } from "./ops/conv2d/conv2d.ts"
import { type CopyAttributes, copy } from "./ops/copy/copy.ts"
import { type CumSumAttributes, cumSum } from "./ops/cum-sum/cum-sum.ts"
import type { FftAttributes } from "./ops/fft/fft.ts"
import { type FromPixelsAttributes, fromPixels } from "./ops/from-pixels/from-pixels.ts"
import { type GatherAttributes, gather, gatherElements } from "./ops/gather/gather.ts"
import { type GridSampleAttributes, gridSample } from "./ops/grid-sample/grid-sample.ts"
import { type MatmulAlgorithm, type MatmulAttributes, matmul } from "./ops/matmul/matmul.ts"
import { layerNorm, type NormAttributes, rmsNorm } from "./ops/norm/norm.ts"
import { packedConv2d } from "./ops/packed-conv2d/packed-conv2d.ts"
import { averagePool, maxPool, type PoolAttributes } from "./ops/pool2d/pool2d.ts"
import * as reduce from "./ops/reduce/reduce.ts"
import { type ResampleAttributes, resample } from "./ops/resample/resample.ts"
import { type ScatterAttributes, scatter } from "./ops/scatter/scatter.ts"
import { logSoftmax, type SoftmaxAttributes, softmax } from "./ops/softmax/softmax.ts"
import { type SortMergeAttributes, sortMerge } from "./ops/sort-merge/sort-merge.ts"
import { type TransposeAlgorithm, transpose } from "./ops/transpose/transpose.ts"
import * as unary from "./ops/unary/unary.ts"
import { where } from "./ops/where/where.ts"
import type { PackedTensor } from "./packed/packed-tensor.ts"
import { type PixelSource, pixels } from "./pixels/pixels.ts"
import type { PlanOptions } from "./plan.ts"
import { product } from "./product.ts"
import { traitsOf } from "./quirks/index.ts"
import { readAll } from "./read-all.ts"
import { KernelRuntime, type RunOptions } from "./runtime.ts"
import { linesAlong } from "./shapes.ts"
import { type Sorted, type TopKAttributes, topK } from "./sorted.ts"
import { transformed } from "./transform.ts"
import type { Winners } from "./tuning/winners.ts"
import { type StoredAs, stored, type TensorDtype } from "./words.ts"

type Float32 = GpuTensor<"float32">
/** Weights, which are read as float32. */
type Floats = GpuTensor<"float32" | "float16">
type Result = Promise<Float32>
type Truth = Promise<GpuTensor<"uint32">>
/** y = f(x), of any shape. */
type Unary = (x: Float32, options?: RunOptions<"flat">) => Result
type UnaryWith<A> = (x: Float32, attributes?: Partial<A>, options?: RunOptions<"flat">) => Result
/** Two of one dtype, broadcast by NumPy's rules. */
type Arithmetic = <D extends GpuDtype>(
  a: GpuTensor<D>,
  b: GpuTensor<NoInfer<D>>,
  options?: RunOptions<"flat">,
) => Promise<GpuTensor<D>>
/** 1 or 0 for each pair of two of one dtype, broadcast by NumPy's rules. */
type Comparison = <D extends GpuDtype>(a: GpuTensor<D>, b: GpuTensor<NoInfer<D>>, options?: RunOptions<"flat">) => Truth
/** [a…, cols, b…] → [a…, 1, b…] along an axis, the last unless given. */
type Reduction = (x: Float32, attributes?: Partial<reduce.ReduceAttributes>, options?: RunOptions<"line">) => Result
/** As a reduction: where along the axis the element lies. */
type Search = (
  x: GpuTensor,
  attributes?: Partial<ArgAttributes>,
  options?: RunOptions<"line">,
) => Promise<GpuTensor<"int32">>
/** Along an axis, the last unless given. */
type Softmax = (x: Float32, attributes?: Partial<SoftmaxAttributes>, options?: RunOptions<"line">) => Result
/** Over the last axis; w has a weight for each of its elements, and a bias may; a residual like x is added to it first. `eps` is 1e-5 unless given. */
type Norm = (
  x: Float32,
  w: Float32,
  bias?: Float32,
  residual?: Float32,
  attributes?: Partial<NormAttributes>,
  options?: RunOptions<"row">,
) => Result
/** [n, c, h, w] → [n, c, h', w'] */
type Pool = (x: Float32, attributes: Partial<PoolAttributes>, options?: RunOptions<"flat">) => Result

type PlainUnary =
  | "abs"
  | "ceil"
  | "cos"
  | "erf"
  | "exp"
  | "floor"
  | "hardSwish"
  | "log"
  | "neg"
  | "reciprocal"
  | "relu"
  | "round"
  | "sigmoid"
  | "sign"
  | "silu"
  | "sin"
  | "sqrt"
  | "tan"
  | "tanh"

/** The operations on one device. All are float32 where nothing else is said, take views as well, and give a new row-major tensor that the caller destroys. */
export interface Kernels
  extends LanguageKernels,
    LayerKernels,
    MovingKernels,
    Record<PlainUnary, Unary>,
    Record<"add" | "sub" | "mul" | "div" | "maximum" | "minimum" | "prelu" | "remainder" | "modulo", Arithmetic>,
    Record<"equal" | "less" | "greater" | "lessOrEqual" | "greaterOrEqual", Comparison>,
    Record<keyof typeof reduce, Reduction>,
    Record<"argMax" | "argMin", Search>,
    Record<"softmax" | "logSoftmax", Softmax>,
    Record<"maxPool" | "averagePool", Pool> {
  readonly device: GPUDevice
  readonly runtime: KernelRuntime
  /**
   * Uploads a tensor: float32, int32, uint32, or float16 by its bits. Others are held as what they are computed as, and `read(dtype)` gives them back: int8, int16, int64, uint8 and
   * uint16 as int32, bool as uint32. Throws IPFA_INPUT_INVALID for another array than the dtype's and for a 64-bit integer that 32 bits don't hold.
   */
  tensor<D extends TensorDtype>(tensor: {
    dtype: D
    shape: readonly number[]
    data: TensorData<D>
  }): GpuTensor<StoredAs<D>>
  /** What `read()` gives of each, in one submission and one wait. */
  readAll: typeof readAll
  /** [..., m, k] · [..., k, n] → [..., m, n], the axes in front broadcast by NumPy's rules; [k] is a row on the left, a column on the right. */
  matmul(a: Floats, b: Floats, options?: RunOptions<MatmulAlgorithm>): Result
  /** As matmul for matrices, and for batches of which both are alike or one has none; with a bias [n], a residual like the result, transposed sides, a scale, an activation. */
  gemm(
    a: Floats,
    b: Floats,
    bias?: Floats,
    residual?: Floats,
    attributes?: Partial<MatmulAttributes>,
    options?: RunOptions<MatmulAlgorithm>,
  ): Result
  /** [n, c, h, w], weights [o, c / group, kh, kw], bias [o] → [n, o, h', w'] */
  conv2d(
    x: Floats,
    w: Floats,
    bias?: Floats,
    attributes?: Partial<Conv2dAttributes>,
    options?: RunOptions<Conv2dAlgorithm>,
  ): Result
  /** As conv2d, with packed weights [o, c / group · kh · kw], whose window `attributes` give. */
  packedConv2d(
    x: Float32,
    w: PackedTensor,
    bias: Float32 | undefined,
    attributes: Partial<Conv2dAttributes> & { size: readonly [kh: number, kw: number] },
    options?: RunOptions<"blocked">,
  ): Result
  /** A convolution backwards: weights [c, o / group, kh, kw]. */
  convTranspose2d(
    x: Float32,
    w: Float32,
    bias?: Float32,
    attributes?: Partial<ConvTranspose2dAttributes>,
    options?: RunOptions<"direct">,
  ): Result
  /** Of a base below 0 only whole exponents. */
  pow(a: Float32, b: Float32, options?: RunOptions<"flat">): Result
  clip: UnaryWith<Clip>
  gelu: UnaryWith<unary.GeluAttributes>
  hardSigmoid: UnaryWith<{ alpha: number; beta: number }>
  leakyRelu: UnaryWith<{ alpha: number }>
  /** To the nearest whole number of steps, from `low` to `high` of them. */
  roundTo: UnaryWith<unary.Rounding>
  rmsNorm: Norm
  /** As rmsNorm, the mean taken out first. */
  layerNorm: Norm
  /** [rows, cols] → [cols, rows], any dtype, moved; `permute` shows them so without. */
  transpose<D extends GpuDtype>(x: GpuTensor<D>, options?: RunOptions<TransposeAlgorithm>): Promise<GpuTensor<D>>
  /** What one view shows of x, all of it unless given, to where another shows in the result; see view.ts. Any dtype. */
  copy<D extends GpuDtype>(
    x: GpuTensor<D>,
    attributes?: Partial<CopyAttributes>,
    options?: RunOptions<"strided">,
  ): Promise<GpuTensor<D>>
  /** To float16, which holds numbers up to 65504, always a new tensor. */
  cast<D extends StoredDtype>(
    x: GpuTensor,
    attributes: Partial<CastAttributes> & { to: D },
    options?: RunOptions<"flat">,
  ): Promise<GpuTensor<D>>
  /** Rows, or what else lies along `axis`, by number. Any dtype. */
  gather<D extends GpuDtype>(
    x: GpuTensor<D>,
    indices: GpuTensor<"int32">,
    attributes?: Partial<GatherAttributes>,
    options?: RunOptions<"flat">,
  ): Promise<GpuTensor<D>>
  /** [a…, size, b…], indices [a…, count, b…] → [a…, count, b…]: along the axis, the first unless given, each index picks from its own line. */
  gatherElements<D extends GpuDtype>(
    x: GpuTensor<D>,
    indices: GpuTensor<"int32">,
    attributes?: Partial<GatherAttributes>,
    options?: RunOptions<"flat">,
  ): Promise<GpuTensor<D>>
  /** An image's RGBA bytes [h, w], a pixel a word, as fromPixels takes them: without a copy through this side's memory. The source stays as it is until this resolves. */
  pixels(source: PixelSource): Promise<GpuTensor<"uint32">>
  /** An image's RGBA bytes, a pixel a word [h, w], cropped, resized and normalized → [channels, h', w'] */
  fromPixels(x: GpuTensor<"uint32">, attributes?: Partial<FromPixelsAttributes>, options?: RunOptions<"flat">): Result
  /** x [n, c, h, w] where grid [n, h', w', 2] says, from −1 to 1 along each axis: x, then y → [n, c, h', w'] */
  gridSample(
    x: Float32,
    grid: Float32,
    attributes?: Partial<GridSampleAttributes>,
    options?: RunOptions<"flat">,
  ): Result
  /**
   * The discrete Fourier transform along the last axis: x [..., n], or `complex` [..., n, 2], real and imaginary part by turns → [..., bins, 2]; its `power` [..., bins]. With `frame` and `hop`
   * of each frame, which a window [frame] is multiplied with: [..., frames, bins, 2]. Lengths that `hasFft` is not true of are computed as a product with `dftMatrix`.
   */
  fft(x: Float32, attributes?: Partial<FftAttributes>, window?: Float32, options?: PlanOptions<"passes">): Result
  /** Updates to their places in `into`, or in a new tensor of 0; both of one shape. Any dtype. */
  scatter<D extends GpuDtype>(
    places: GpuTensor<"int32">,
    updates: GpuTensor<D>,
    attributes: Partial<ScatterAttributes>,
    options?: RunOptions<"flat">,
  ): Promise<GpuTensor<D>>
  /** Along an axis, the last unless given, sums of a few elements with weights: indices and weights are [count, taps]. */
  resample(
    x: Float32,
    indices: GpuTensor<"int32">,
    weights: Float32,
    attributes?: Partial<ResampleAttributes>,
    options?: RunOptions<"flat">,
  ): Result
  /** Running sums along an axis, the last unless given. Any dtype. */
  cumSum<D extends GpuDtype>(
    x: GpuTensor<D>,
    attributes?: Partial<CumSumAttributes>,
    options?: RunOptions<"line">,
  ): Promise<GpuTensor<D>>
  /** The `count` largest, or least, along an axis, the last unless given, in order, and where they lie: of equal ones the first goes first, NaN are as the largest. Any dtype. */
  topK<D extends GpuDtype>(x: GpuTensor<D>, attributes?: Partial<TopKAttributes>): Promise<Sorted<D>>
  /** All along an axis, the last unless given, the least first unless it is to be descending, as topK. */
  sort<D extends GpuDtype>(x: GpuTensor<D>, attributes?: { axis?: number; descending?: boolean }): Promise<Sorted<D>>
  /** What `sort` and `topK` run on lines of more than 256 elements: where those of each two runs lie, merged; see ops/sort-merge. */
  sortMerge(
    x: GpuTensor,
    runs: GpuTensor<"int32">,
    attributes: Partial<SortMergeAttributes>,
    options?: RunOptions<"flat">,
  ): Promise<GpuTensor<"int32">>
  /** a where the condition is not 0, else b; broadcast by NumPy's rules. */
  where<D extends GpuDtype>(
    condition: GpuTensor<"uint32">,
    a: GpuTensor<D>,
    b: GpuTensor<NoInfer<D>>,
    options?: RunOptions<"flat">,
  ): Promise<GpuTensor<D>>
}

export interface KernelOptions {
  /** What `tune` measured on this adapter. */
  winners?: Winners | undefined
  /** Bytes of buffers that nobody holds, results' above all, which are kept for the next ones: 64 MiB unless given. With 0 each is freed at once. What is held counts for nothing in it. */
  budgetBytes?: number | undefined
}

/**
 * The kernels on `device`, which the caller keeps and destroys. They resolve when the work is submitted; `read()` waits for it and throws what failed.
 * Errors: IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, IPFA_DEVICE_UNSUPPORTED, IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST.
 */
export function createKernels(device: GPUDevice, { winners, budgetBytes }: KernelOptions = {}): Kernels {
  const runtime = new KernelRuntime(device, traitsOf(device, winners), budgetBytes)
  // The kernels' own checks hold at run time; what the interface promises of dtypes is theirs to keep.
  type Any = Promise<GpuTensor<never>>
  const one = (kernel: AnyKernel) => (x: GpuTensor, options?: RunOptions) =>
    runtime.run(kernel, [x], {}, options) as unknown as Any
  const oneWith = (kernel: AnyKernel) => (x: GpuTensor, attributes?: object, options?: RunOptions) =>
    runtime.run(kernel, [x], attributes, options) as unknown as Any
  const two = (kernel: AnyKernel) => (a: GpuTensor, b: GpuTensor, options?: RunOptions) =>
    runtime.run(kernel, [a, b], {}, options) as unknown as Any
  const norm =
    (kernel: AnyKernel) =>
    (x: Float32, w: Float32, bias?: Float32, residual?: Float32, attributes?: object, options?: RunOptions) =>
      runtime.run(kernel, [x, w, bias, residual] as GpuTensor[], attributes, options) as Result
  const each = <K extends string, F>(kernels: Record<K, AnyKernel>, f: (kernel: AnyKernel) => F) =>
    Object.fromEntries(Object.entries<AnyKernel>(kernels).map(([name, kernel]) => [name, f(kernel)])) as Record<K, F>
  const { clip, gelu, hardSigmoid, leakyRelu, roundTo, ...plain } = unary
  return {
    device,
    runtime,
    tensor({ dtype, shape, data }) {
      const held = stored(dtype, data)
      return runtime.upload(held.dtype, shape, held.data) as GpuTensor<never>
    },
    readAll,
    ...languageKernels(runtime),
    ...layerKernels(runtime),
    ...movingKernels(runtime),
    ...each(plain, one),
    ...each({ ...reduce, argMax, argMin, softmax, logSoftmax, cumSum }, oneWith),
    ...each({ clip, gelu, hardSigmoid, leakyRelu, roundTo, maxPool, averagePool }, oneWith),
    topK: (x, attributes) => topK(runtime, x, attributes),
    sort: (x, { axis = -1, descending = false } = {}) =>
      topK(runtime, x, { axis, count: linesAlong("sort", x.shape, axis).cols, least: !descending }),
    sortMerge: (x, runs, attributes, options) =>
      runtime.run(sortMerge, [x, runs] as GpuTensor[], attributes, options) as unknown as Any,
    async cast(x, attributes, options) {
      const isHalf = attributes.to === "float16"
      if (isHalf && options?.into)
        throw fail("IPFA_INPUT_INVALID", {
          message: "cast to float16 makes a new tensor: leave out into.",
          data: { path: "into" },
        })
      const made = await runtime.run(cast, [x], attributes, options)
      return (isHalf ? halvesOfWords(made, x.shape) : made) as GpuTensor<never>
    },
    copy: (x, { from, ...rest } = {}, options) =>
      (from ? runtime.run(copy, [x], { from, ...rest }, options) : runtime.copied(x, rest, options)) as unknown as Any,
    ...each(binary, two),
    ...each({ transpose }, one),
    matmul: (a, b, options) => product(runtime, a, b, options) as Result,
    gemm: (a, b, bias, residual, attributes, options) =>
      runtime.run(matmul, [a, b, bias, residual], attributes, options) as Result,
    conv2d: (x, w, bias, attributes, options) => runtime.run(conv2d, [x, w, bias], attributes, options) as Result,
    packedConv2d: (x, { format, shape: [outs, taps], words }, bias, { size, ...attributes }, options) => {
      const shape = [outs, taps / elems(size), ...size] as const
      const inputs = [x, words, bias] as GpuTensor[]
      return runtime.run(packedConv2d, inputs, { ...attributes, format, shape }, options) as Result
    },
    convTranspose2d: (x, w, bias, attributes, options) =>
      runtime.run(convTranspose2d, [x, w, bias], attributes, options) as Result,
    rmsNorm: norm(rmsNorm),
    layerNorm: norm(layerNorm),
    gather: (x, indices, attributes, options) =>
      runtime.run(gather, [x, indices] as GpuTensor[], attributes, options) as unknown as Any,
    gatherElements: (x, indices, attributes, options) =>
      runtime.run(gatherElements, [x, indices] as GpuTensor[], attributes, options) as unknown as Any,
    pixels: (source) => pixels(runtime, source),
    fromPixels: (x, attributes, options) =>
      runtime.run(fromPixels, [x as unknown as GpuTensor], attributes, options) as Result,
    gridSample: (x, grid, attributes, options) => runtime.run(gridSample, [x, grid], attributes, options) as Result,
    fft: (x, attributes, window, options) => transformed(runtime, x, window, attributes, options) as Result,
    scatter: (places, updates, attributes, options) =>
      runtime.run(scatter, [places, updates] as GpuTensor[], attributes, options) as unknown as Any,
    resample: (x, indices, weights, attributes, options) =>
      runtime.run(resample, [x, indices, weights] as GpuTensor[], attributes, options) as unknown as Any,
    where: (condition, a, b, options) =>
      runtime.run(where, [condition, a, b] as GpuTensor[], {}, options) as unknown as Any,
  }
}
