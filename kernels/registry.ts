import type { AnyKernel } from "./define-kernel.ts"
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
  mul,
  pow,
  sub,
} from "./ops/binary/binary.ts"
import { cast } from "./ops/cast/cast.ts"
import { conv2d } from "./ops/conv2d/conv2d.ts"
import { copy } from "./ops/copy/copy.ts"
import { gather } from "./ops/gather/gather.ts"
import { matmul } from "./ops/matmul/matmul.ts"
import { averagePool, maxPool } from "./ops/pool2d/pool2d.ts"
import { reduceMax, reduceMean, reduceMin, reduceSum } from "./ops/reduce/reduce.ts"
import { rmsNorm } from "./ops/rms-norm/rms-norm.ts"
import { softmax } from "./ops/softmax/softmax.ts"
import { transpose } from "./ops/transpose/transpose.ts"
import {
  abs,
  ceil,
  clip,
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
  sigmoid,
  sign,
  silu,
  sqrt,
  tanh,
} from "./ops/unary/unary.ts"
import { where } from "./ops/where/where.ts"

/** Every kernel there is: what tests and benchmarks run over. */
export const kernelRegistry: readonly AnyKernel[] = [
  matmul,
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
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
  sigmoid,
  sign,
  silu,
  sqrt,
  tanh,
  softmax,
  rmsNorm,
  transpose,
  copy,
  cast,
  conv2d,
  maxPool,
  averagePool,
  reduceSum,
  reduceMean,
  reduceMax,
  reduceMin,
  gather,
  where,
  gelu,
  relu,
]
