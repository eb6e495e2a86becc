import { dtypeBytes, type TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { Limits, Shape, StoredDtype } from "./define-kernel.ts"
import { wholeWords } from "./device-memory.ts"
import { HeldBuffer } from "./held-buffer.ts"
import { readAll } from "./read-all.ts"
import { type ReadableAs, readAs, type TensorDtype } from "./words.ts"

/** The number of elements of `shape`; throws IPFA_INPUT_SHAPE where it is none. */
export function elems(shape: Shape): number {
  const n = shape.reduce((product, dim) => product * dim, 1)
  if (!shape.every((dim) => Number.isInteger(dim) && dim >= 0) || n >= 2 ** 31)
    throw fail("IPFA_INPUT_SHAPE", { message: `[${shape}] is no shape with fewer than 2^31 elements.` })
  return n
}

/** A row-major tensor in a device's memory, one of perhaps several that share it. Whoever makes or is given one destroys it. */
export class GpuTensor<D extends StoredDtype = StoredDtype> {
  readonly device: GPUDevice
  readonly dtype: D
  readonly shape: Shape
  /** That its elements take. */
  readonly bytes: number
  /** Holds the elements from its first byte on. */
  readonly memory: HeldBuffer
  #settled: Promise<void>
  #destroyed = false

  /** Takes over `memory`, or a buffer of `device` with usage STORAGE, COPY_SRC and COPY_DST. `settled` rejects when what filled it failed. */
  constructor(
    device: GPUDevice,
    dtype: D,
    shape: Shape,
    memory: HeldBuffer | GPUBuffer,
    settled: Promise<void> = Promise.resolve(),
  ) {
    const held = memory instanceof HeldBuffer ? memory : ownBuffer(memory)
    this.bytes = dtypeBytes(dtype, elems(shape))
    if (this.bytes > held.bytes)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `[${shape}] of ${dtype} does not fit a buffer of ${held.bytes} bytes.`,
      })
    this.device = device
    this.dtype = dtype
    this.shape = [...shape]
    this.memory = held
    this.#settled = settled
  }

  get buffer(): GPUBuffer {
    return this.memory.buffer
  }

  /** Rejects when what filled it failed. */
  get settled(): Promise<void> {
    return this.#settled
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  /**
   * The same elements in the same memory, in another shape where one is given: a tensor of its own, to be destroyed like any other. The memory is freed
   * with the last of them. Throws IPFA_INPUT_SHAPE where the shape has another number of elements, IPFA_INPUT_INVALID after destroy().
   */
  share(shape: Shape = this.shape): GpuTensor<D> {
    this.#assertThere()
    if (elems(shape) !== elems(this.shape))
      throw fail("IPFA_INPUT_SHAPE", { message: `[${this.shape}] has no ${elems(shape)} elements for [${shape}].` })
    return new GpuTensor(this.device, this.dtype, shape, this.memory.retain(), this.#settled)
  }

  /** Lets go of the memory, after the work already submitted that uses it. */
  destroy(): void {
    if (!this.#destroyed) this.memory.release()
    this.#destroyed = true
  }

  /** For the runtime: all elements are being written anew, and `settled` tells whether that failed. */
  refilled(settled: Promise<void>): this {
    this.#settled = settled
    return this
  }

  /**
   * The elements, once all work submitted so far is done; as another dtype where one is given that is computed as the same: int32 as int64, int16, int8, uint16 or uint8, uint32 as bool,
   * float32 as float16 and the other way round. Throws what went wrong while they were computed: IPFA_DEVICE_MEMORY,
   * IPFA_DEVICE_LOST, IPFA_INTERNAL; IPFA_INPUT_INVALID after destroy(), and for a whole number that the other dtype does not hold. For several at once there is `readAll`.
   */
  async read(): Promise<TensorData<D>>
  async read<E extends ReadableAs<D>>(as: E): Promise<TensorData<E>>
  async read(as: TensorDtype = this.dtype): Promise<TensorData> {
    const [data] = await readAll([this])
    return as === this.dtype ? data : readAs(this.dtype, data, as)
  }

  #assertThere(): void {
    if (this.#destroyed) throw fail("IPFA_INPUT_INVALID", { message: "The tensor was destroyed." })
  }
}

function ownBuffer(buffer: GPUBuffer): HeldBuffer {
  return new HeldBuffer(buffer, buffer.size, Promise.resolve(), () => buffer.destroy())
}

/** The bytes that a tensor takes. Throws IPFA_DEVICE_MEMORY where no binding of the device could hold them. */
export function tensorBytes(limits: Limits, dtype: StoredDtype, shape: Shape): number {
  const bytes = dtypeBytes(dtype, elems(shape))
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)
  if (bytes > most)
    throw fail("IPFA_DEVICE_MEMORY", {
      message: `[${shape}] of ${dtype} takes ${bytes} bytes and the device binds at most ${most}.`,
      data: { bytes, limit: most },
    })
  return wholeWords(bytes)
}
