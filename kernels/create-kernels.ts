import type { GpuDtype } from "./define-kernel.ts"
import type { GpuArray } from "./fill.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { add, mul } from "./ops/binary/binary.ts"
import { type MatmulAlgorithm, matmul } from "./ops/matmul/matmul.ts"
import { type RmsNormAttributes, rmsNorm } from "./ops/rms-norm/rms-norm.ts"
import { softmax } from "./ops/softmax/softmax.ts"
import { transpose } from "./ops/transpose/transpose.ts"
import { type GeluAttributes, gelu, relu } from "./ops/unary/unary.ts"
import { KernelRuntime, type RunOptions } from "./runtime.ts"

type Result = Promise<GpuTensor<"float32">>
type Float32 = GpuTensor<"float32">

/** The operations on one device. All are float32 and row-major where nothing else is said, and give a new tensor that the caller destroys. */
export interface Kernels {
  readonly device: GPUDevice
  readonly runtime: KernelRuntime
  /** Uploads a tensor: float32, int32 or uint32. */
  tensor<D extends GpuDtype>(tensor: { dtype: D; shape: readonly number[]; data: GpuArray }): GpuTensor<D>
  /** [m, k] · [k, n] → [m, n] */
  matmul(a: Float32, b: Float32, options?: RunOptions<MatmulAlgorithm>): Result
  /** Broadcast by NumPy's rules. */
  add(a: Float32, b: Float32, options?: RunOptions<"flat">): Result
  /** Broadcast by NumPy's rules. */
  mul(a: Float32, b: Float32, options?: RunOptions<"flat">): Result
  relu(x: Float32, options?: RunOptions<"flat">): Result
  gelu(x: Float32, attributes?: Partial<GeluAttributes>, options?: RunOptions<"flat">): Result
  /** Over the last axis. */
  softmax(x: Float32, options?: RunOptions<"row">): Result
  /** Over the last axis; w has a weight for each of its elements. `eps` is 1e-5 unless given. */
  rmsNorm(x: Float32, w: Float32, attributes?: Partial<RmsNormAttributes>, options?: RunOptions<"row">): Result
  /** [rows, cols] → [cols, rows], any dtype. */
  transpose<D extends GpuDtype>(x: GpuTensor<D>, options?: RunOptions<"tiled">): Promise<GpuTensor<D>>
}

/**
 * The kernels on `device`, which the caller keeps and destroys. They resolve when the work is submitted; `read()` waits for it and throws what failed.
 * Errors: IPFA_INPUT_SHAPE, IPFA_INPUT_INVALID, IPFA_DEVICE_UNSUPPORTED, IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST.
 */
export function createKernels(device: GPUDevice): Kernels {
  const runtime = new KernelRuntime(device)
  const binary =
    (kernel: typeof add) =>
    (a: Float32, b: Float32, options?: RunOptions<"flat">): Result =>
      runtime.run(kernel, [a, b], {}, options) as Result
  return {
    device,
    runtime,
    tensor: ({ dtype, shape, data }) => runtime.upload(dtype, shape, data),
    matmul: (a, b, options) => runtime.run(matmul, [a, b], {}, options) as Result,
    add: binary(add),
    mul: binary(mul),
    relu: (x, options) => runtime.run(relu, [x], {}, options) as Result,
    gelu: (x, attributes, options) => runtime.run(gelu, [x], attributes, options) as Result,
    softmax: (x, options) => runtime.run(softmax, [x], {}, options) as Result,
    rmsNorm: (x, w, attributes, options) => runtime.run(rmsNorm, [x, w], attributes, options) as Result,
    transpose: <D extends GpuDtype>(x: GpuTensor<D>, options?: RunOptions<"tiled">) =>
      runtime.run(transpose, [x], {}, options) as Promise<GpuTensor<D>>,
  }
}
