import { type Conv1dAttributes, conv1d } from "./conv1d.ts"
import type { GpuDtype } from "./define-kernel.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { batchNorm, groupNorm, type NormOptions } from "./norms.ts"
import type { Conv2dAlgorithm } from "./ops/conv2d/conv2d.ts"
import type { PlanOptions } from "./plan.ts"
import { type ResizeAttributes, resized } from "./resize.ts"
import type { KernelRuntime } from "./runtime.ts"

type Float32 = GpuTensor<"float32">
/** Weights, which are read as float32. */
type Floats = GpuTensor<"float32" | "float16">
type Result = Promise<Float32>

/** What layers of networks need besides: a few kernels one after the other. `eps` is 1e-5 unless given. */
export interface LayerKernels {
  /** [n, c, l], weights [o, c / group, k], bias [o] → [n, o, l'] */
  conv1d(
    x: Floats,
    w: Floats,
    bias?: Floats,
    attributes?: Partial<Conv1dAttributes>,
    options?: PlanOptions<Conv2dAlgorithm>,
  ): Result
  /** x [n, c, …] → (x − mean) · w / √(variance + eps) + bias, each [c]: by what was found in training [ONNX, BatchNormalization]. */
  batchNorm(x: Float32, w: Float32, bias: Float32, mean: Float32, variance: Float32, attributes?: NormOptions): Result
  /** x [n, c, …] made even over each of `groups` groups of channels that are side by side, times w [c], plus bias [c]. */
  groupNorm(x: Float32, w: Float32, bias: Float32 | undefined, attributes: NormOptions & { groups: number }): Result
  /** As groupNorm, each channel alone. */
  instanceNorm(x: Float32, w: Float32, bias?: Float32, attributes?: NormOptions): Result
  /** x with other sizes along some axes [ONNX, Resize]: to the nearest unless `mode` says, which any dtype can be, else between neighbours. */
  resize<D extends GpuDtype>(
    x: GpuTensor<D>,
    attributes: ResizeAttributes & { mode?: "nearest" },
  ): Promise<GpuTensor<D>>
  resize(x: Float32, attributes: ResizeAttributes): Result
}

export function layerKernels(runtime: KernelRuntime): LayerKernels {
  return {
    conv1d: (x, w, bias, attributes, options) => conv1d(runtime, x, w, bias, attributes, options) as Result,
    batchNorm: (x, w, bias, mean, variance, attributes) =>
      batchNorm(runtime, x, w, bias, mean, variance, attributes) as Result,
    groupNorm: (x, w, bias, { groups, ...rest }) => groupNorm(runtime, x, w, bias, groups, rest) as Result,
    instanceNorm: (x, w, bias, attributes) => groupNorm(runtime, x, w, bias, "each", attributes) as Result,
    resize: (x: unknown, attributes: ResizeAttributes) =>
      resized(runtime, x as GpuTensor, attributes) as Promise<GpuTensor<never>>,
  }
}
