import type { AnyKernel } from "./define-kernel.ts"
import { languageRegistry } from "./language.ts"
import { argMax, argMin } from "./ops/arg/arg.ts"
import {
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
import { cast } from "./ops/cast/cast.ts"
import { convTranspose2d } from "./ops/conv-transpose2d/conv-transpose2d.ts"
import { conv2d } from "./ops/conv2d/conv2d.ts"
import { copy } from "./ops/copy/copy.ts"
import { cumSum } from "./ops/cum-sum/cum-sum.ts"
import { fft } from "./ops/fft/fft.ts"
import { fromPixels } from "./ops/from-pixels/from-pixels.ts"
import { gather, gatherElements } from "./ops/gather/gather.ts"
import { gridSample } from "./ops/grid-sample/grid-sample.ts"
import { matmul } from "./ops/matmul/matmul.ts"
import { layerNorm, rmsNorm } from "./ops/norm/norm.ts"
import { packedConv2d } from "./ops/packed-conv2d/packed-conv2d.ts"
import { averagePool, maxPool } from "./ops/pool2d/pool2d.ts"
import {
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
import { resample } from "./ops/resample/resample.ts"
import { scatter } from "./ops/scatter/scatter.ts"
import { logSoftmax, softmax } from "./ops/softmax/softmax.ts"
import { sort } from "./ops/sort/sort.ts"
import { sortMerge } from "./ops/sort-merge/sort-merge.ts"
import { transpose } from "./ops/transpose/transpose.ts"
import {
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
import { where } from "./ops/where/where.ts"

/** Every kernel there is: what tests and benchmarks run over. */
export const kernelRegistry: readonly AnyKernel[] = [
  ...languageRegistry,
  matmul,
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  prelu,
  remainder,
  modulo,
  equal,
  less,
  greater,
  lessOrEqual,
  greaterOrEqual,
  abs,
  ceil,
  clip,
  erf,
  exp,
  floor,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  log,
  neg,
  reciprocal,
  round,
  roundTo,
  sigmoid,
  sign,
  silu,
  sqrt,
  tanh,
  sin,
  cos,
  tan,
  softmax,
  logSoftmax,
  layerNorm,
  rmsNorm,
  transpose,
  copy,
  cast,
  conv2d,
  packedConv2d,
  convTranspose2d,
  maxPool,
  averagePool,
  reduceSum,
  reduceMean,
  reduceProd,
  reduceMax,
  reduceMin,
  reduceL1,
  reduceL2,
  reduceSumSquare,
  reduceLogSum,
  reduceLogSumExp,
  argMax,
  argMin,
  sort,
  sortMerge,
  cumSum,
  gather,
  gatherElements,
  scatter,
  resample,
  gridSample,
  fft,
  fromPixels,
  where,
  gelu,
  relu,
]
