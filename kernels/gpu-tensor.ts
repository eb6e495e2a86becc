import { arrayTypes, dtypeBytes, type TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { GpuDtype, Limits, Shape } from "./define-kernel.ts"
import { assertNotLost, gpuFailure, scoped } from "./gpu-errors.ts"

// GPUBufferUsage and GPUMapMode by value (WebGPU, 5.1.2): the globals are not there in Node
export const usage = { MAP_READ: 0x1, COPY_SRC: 0x4, COPY_DST: 0x8, UNIFORM: 0x40, STORAGE: 0x80 }
const MAP_MODE_READ = 0x1

/** The number of elements of `shape`; throws IPFA_INPUT_SHAPE where it is none. */
export function elems(shape: Shape): number {
  const n = shape.reduce((product, dim) => product * dim, 1)
  if (!shape.every((dim) => Number.isInteger(dim) && dim >= 0) || n >= 2 ** 31)
    throw fail("IPFA_INPUT_SHAPE", { message: `[${shape}] is no shape with fewer than 2^31 elements.` })
  return n
}

/** A row-major tensor in a device's memory. Whoever makes or is given one destroys it. */
export class GpuTensor<D extends GpuDtype = GpuDtype> {
  readonly device: GPUDevice
  readonly dtype: D
  readonly shape: Shape
  /** Holds the elements from its first byte on; may be longer. Usage: STORAGE, COPY_SRC, COPY_DST. */
  readonly buffer: GPUBuffer
  #settled: Promise<void>
  #destroyed = false

  /** Wraps a buffer of `device`. `settled` rejects when what filled the buffer failed. */
  constructor(
    device: GPUDevice,
    dtype: D,
    shape: Shape,
    buffer: GPUBuffer,
    settled: Promise<void> = Promise.resolve(),
  ) {
    if (dtypeBytes(dtype, elems(shape)) > buffer.size)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `[${shape}] of ${dtype} does not fit a buffer of ${buffer.size} bytes.`,
      })
    this.device = device
    this.dtype = dtype
    this.shape = [...shape]
    this.buffer = buffer
    this.#settled = settled
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  /** Frees the memory, after the work already submitted that uses it. */
  destroy(): void {
    this.#destroyed = true
    this.buffer.destroy()
  }

  /** For the runtime: all elements are being written anew, and `settled` tells whether that failed. */
  refilled(settled: Promise<void>): this {
    this.#settled = settled
    return this
  }

  /**
   * The elements, once all work submitted so far is done. Throws what went wrong while they were computed: IPFA_DEVICE_MEMORY,
   * IPFA_DEVICE_LOST, IPFA_INTERNAL; IPFA_INPUT_INVALID after destroy().
   */
  async read(): Promise<TensorData<D>> {
    if (this.#destroyed) throw fail("IPFA_INPUT_INVALID", { message: "The tensor was destroyed." })
    assertNotLost(this.device)
    const type = arrayTypes[this.dtype]
    const bytes = dtypeBytes(this.dtype, elems(this.shape))
    if (bytes === 0) {
      await this.#settled
      return new type(0) as TensorData<D>
    }
    const what = `read [${this.shape}]`
    const copy = scoped(this.device, what, () => {
      const staging = this.device.createBuffer({ label: what, size: bytes, usage: usage.MAP_READ | usage.COPY_DST })
      const encoder = this.device.createCommandEncoder({ label: what })
      encoder.copyBufferToBuffer(this.buffer, 0, staging, 0, bytes)
      this.device.queue.submit([encoder.finish()])
      return staging
    })
    const staging = copy.value
    try {
      await Promise.all([this.#settled, copy.settled, staging.mapAsync(MAP_MODE_READ)])
      return new type(staging.getMappedRange().slice(0)) as TensorData<D>
    } catch (error) {
      throw gpuFailure(this.device, what, error)
    } finally {
      staging.destroy()
    }
  }
}

/** A new tensor's buffer, zeroed. Refuses with IPFA_DEVICE_MEMORY what no binding of the device could hold. Call it inside `scoped`. */
export function storageBuffer(
  device: GPUDevice,
  limits: Limits,
  dtype: GpuDtype,
  shape: Shape,
  label: string,
): GPUBuffer {
  const bytes = dtypeBytes(dtype, elems(shape))
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)
  if (bytes > most)
    throw fail("IPFA_DEVICE_MEMORY", {
      message: `[${shape}] of ${dtype} takes ${bytes} bytes and the device binds at most ${most}.`,
      data: { bytes, limit: most },
    })
  // a binding of no bytes is not valid: an empty tensor holds one element that no kernel touches
  return device.createBuffer({
    label,
    size: Math.max(bytes, 4),
    usage: usage.STORAGE | usage.COPY_SRC | usage.COPY_DST,
  })
}
