export { type Activation, type Clip, clipParams } from "./activation.ts"
export {
  cosineWindow,
  cosineWindows,
  dctMatrix,
  logMel,
  type MelSpectrogramOptions,
  melEdges,
  melFilters,
  mfcc,
} from "./audio.ts"
export { type BlockMode, type Blocks, depthToSpace, spaceToDepth } from "./blocks.ts"
export type { Conv1dAttributes } from "./conv1d.ts"
export { createKernels, type KernelOptions, type Kernels } from "./create-kernels.ts"
export {
  type Algorithm,
  type AnyKernel,
  type DeviceLimits,
  type Dispatch,
  defineAlgorithm,
  defineKernel,
  type Fill,
  type GpuDtype,
  type Kernel,
  type KernelCase,
  type Limits,
  type Plan,
  type Shape,
  type StoredDtype,
  type TensorType,
  type Tolerance,
  type Tuning,
  type WgslFile,
} from "./define-kernel.ts"
export { DeviceMemory, STORED, usage } from "./device-memory.ts"
export { gpuFailure, scoped } from "./gpu-errors.ts"
export { elems, GpuTensor } from "./gpu-tensor.ts"
export type { HeldBuffer } from "./held-buffer.ts"
export { fromOne, lineStarts, type OneHotAttributes, type ScatterReduction } from "./indexed.ts"
export * from "./language.ts"
export type { LayerKernels } from "./layer-kernels.ts"
export type { MovingKernels } from "./moving-kernels.ts"
export { type ArgAttributes, argMax, argMin } from "./ops/arg/arg.ts"
export {
  add,
  div,
  equal,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  maximum,
  minimum,
  modulo,
  mul,
  pow,
  prelu,
  remainder,
  sub,
} from "./ops/binary/binary.ts"
export { type CastAttributes, cast } from "./ops/cast/cast.ts"
export { type ConvTranspose2dAttributes, convTranspose2d } from "./ops/conv-transpose2d/conv-transpose2d.ts"
export { type Conv2dAttributes, conv2d } from "./ops/conv2d/conv2d.ts"
export { type CopyAttributes, copy } from "./ops/copy/copy.ts"
export { type CumSumAttributes, cumSum } from "./ops/cum-sum/cum-sum.ts"
export { type FftAttributes, fft, hasFft, lengthOf } from "./ops/fft/fft.ts"
export { turnsOf } from "./ops/fft/passes.ts"
export { type FromPixelsAttributes, fromPixels } from "./ops/from-pixels/from-pixels.ts"
export { type GatherAttributes, gather, gatherElements } from "./ops/gather/gather.ts"
export { type GridSampleAttributes, gridSample } from "./ops/grid-sample/grid-sample.ts"
export { type MatmulAttributes, matmul } from "./ops/matmul/matmul.ts"
export { layerNorm, type NormAttributes, rmsNorm } from "./ops/norm/norm.ts"
export { type PackedConv2dAttributes, packedConv2d } from "./ops/packed-conv2d/packed-conv2d.ts"
export { averagePool, maxPool, type PoolAttributes } from "./ops/pool2d/pool2d.ts"
export {
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceSum,
  reduceSumSquare,
} from "./ops/reduce/reduce.ts"
export { type ResampleAttributes, resample } from "./ops/resample/resample.ts"
export { type ScatterAttributes, scatter } from "./ops/scatter/scatter.ts"
export { logSoftmax, softmax } from "./ops/softmax/softmax.ts"
export { type SortAttributes, sort } from "./ops/sort/sort.ts"
export { type SortMergeAttributes, sortMerge } from "./ops/sort-merge/sort-merge.ts"
export { transpose } from "./ops/transpose/transpose.ts"
export {
  abs,
  ceil,
  clip,
  cos,
  erf,
  exp,
  floor,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  log,
  neg,
  type Rounding,
  reciprocal,
  relu,
  round,
  roundTo,
  sigmoid,
  sign,
  silu,
  sin,
  sqrt,
  tan,
  tanh,
} from "./ops/unary/unary.ts"
export { where } from "./ops/where/where.ts"
export { mirrors, type PadAttributes, padViews } from "./padding.ts"
export { type Pipeline, type PipelineCache, type PipelineRequest, pipelineKey } from "./pipelines.ts"
export type { PixelSource } from "./pixels/pixels.ts"
export { makePlan, type PlanOptions } from "./plan.ts"
export { prepare, type Step, type Work } from "./prepare.ts"
export { type ProbeResult, probeAdapter } from "./probe.ts"
export { traitsOf } from "./quirks/index.ts"
export { type ReadOf, readAll } from "./read-all.ts"
export { kernelRegistry } from "./registry.ts"
export type { ResizeAttributes } from "./resize.ts"
export { axisTable, isCrop, resizeOrder, type Sampling, scalesTo, unknownSampling } from "./resize-axis.ts"
export { type CaseResult, problemOf, runCase } from "./run-case.ts"
export { KernelRuntime, type RunOptions } from "./runtime.ts"
export { isSoftware } from "./software.ts"
export { type Sorted, type SortPass, sortPasses, type TopKAttributes } from "./sorted.ts"
export { pipelineOf } from "./stored-pipelines.ts"
export { byMatrix, dftMatrix } from "./transform.ts"
export { parseWinners, type StoredWinners } from "./tuning/stored.ts"
export { type Measured, type Tuned, type TuneOptions, tune } from "./tuning/tune.ts"
export { adapterKey, describeWork, type Winner, type Winners, winnerKey, workKey } from "./tuning/winners.ts"
export { commonWorks } from "./tuning/works.ts"
export {
  broadcast,
  broadcastShape,
  collapsed,
  MOST_AXES,
  permuted,
  places,
  reshaped,
  sliced,
  tiled,
  type View,
  wholeView,
} from "./view.ts"
export {
  computedAs,
  fromWords,
  type ReadableAs,
  type StoredAs,
  type TensorDtype,
  type Words,
  wordsFrom,
} from "./words.ts"
