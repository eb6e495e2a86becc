import { dtypeBytes, type TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { Limits, Shape, StoredDtype } from "./define-kernel.ts"
import { wholeWords } from "./device-memory.ts"
import { HeldBuffer } from "./held-buffer.ts"
import { readAll } from "./read-all.ts"
import { broadcast, isInOrder, permuted, reach, sliced, type View, wholeView } from "./view.ts"
import { type ReadableAs, readAs, type TensorDtype } from "./words.ts"

/** The number of elements of `shape`; throws IPFA_INPUT_SHAPE where it is none. */
export function elems(shape: Shape): number {
  const n = shape.reduce((product, dim) => product * dim, 1)
  if (!shape.every((dim) => Number.isInteger(dim) && dim >= 0) || n >= 2 ** 31)
    throw fail("IPFA_INPUT_SHAPE", { message: `[${shape}] is no shape with fewer than 2^31 elements.` })
  return n
}

/**
 * A tensor in a device's memory, one of perhaps several that share it: all of its elements in row-major order, or those that a view shows. Whoever makes or is given one destroys it.
 * Kernels read a view in place where they can, that is where its elements lie in order, and by strides in `add` and all that is like it, `where` and `matmul`; else a copy comes first.
 */
export class GpuTensor<D extends StoredDtype = StoredDtype> implements View {
  readonly device: GPUDevice
  readonly dtype: D
  readonly shape: Shape
  /** In elements. */
  readonly strides: readonly number[]
  /** Of the first element, in elements. */
  readonly offset: number
  readonly memory: HeldBuffer
  #settled: Promise<void>
  #destroyed = false

  /**
   * Takes over `memory`, or a buffer of `device` with usage STORAGE, COPY_SRC and COPY_DST, whose elements from the first on it has, or those that a view shows. `settled` rejects when what
   * filled it failed. Throws IPFA_INPUT_SHAPE where they are not all there.
   */
  constructor(
    device: GPUDevice,
    dtype: D,
    elements: Shape | View,
    memory: HeldBuffer | GPUBuffer,
    settled: Promise<void> = Promise.resolve(),
  ) {
    const held = memory instanceof HeldBuffer ? memory : ownBuffer(memory)
    const view = "shape" in elements ? elements : wholeView(elements)
    elems(view.shape)
    const [first, last] = reach(view) ?? [0, -1]
    // Strides that are none give no whole numbers.
    const isThere = Number.isInteger(first) && Number.isInteger(last) && first >= 0
    if (!isThere || dtypeBytes(dtype, last + 1) > held.bytes)
      throw fail("IPFA_INPUT_SHAPE", {
        message: `[${view.shape}] of ${dtype} does not fit a buffer of ${held.bytes} bytes.`,
      })
    this.device = device
    this.dtype = dtype
    this.shape = [...view.shape]
    this.strides = [...view.strides]
    this.offset = view.offset
    this.memory = held
    this.#settled = settled
  }

  get buffer(): GPUBuffer {
    return this.memory.buffer
  }

  /** True where the elements are all from the memory's first byte on, in row-major order. */
  get isWhole(): boolean {
    return this.offset === 0 && isInOrder(this)
  }

  /** Rejects when what filled it failed. */
  get settled(): Promise<void> {
    return this.#settled
  }

  get destroyed(): boolean {
    return this.#destroyed
  }

  /**
   * What `view` shows of the memory: a tensor of its own, to be destroyed like any other. The memory is freed with the last of them. Throws IPFA_INPUT_SHAPE for a view beyond the memory,
   * IPFA_INPUT_INVALID after destroy().
   */
  view(view: View): GpuTensor<D> {
    assertThere(this)
    // Of no elements there is no first one.
    const shown = view.shape.includes(0) ? wholeView(view.shape) : view
    const memory = this.memory.retain()
    try {
      return new GpuTensor(this.device, this.dtype, shown, memory, this.#settled)
    } catch (error) {
      memory.release()
      throw error
    }
  }

  /** The same elements, in another shape where one is given, as a view. Throws IPFA_INPUT_SHAPE where the shape has another number of elements, or they don't lie in order: copy them first. */
  share(shape: Shape = this.shape): GpuTensor<D> {
    if (shape.join() === this.shape.join()) return this.view(this)
    if (elems(shape) !== elems(this.shape))
      throw unfit(`[${this.shape}] has no ${elems(shape)} elements for [${shape}].`)
    if (!isInOrder(this)) throw unfit(`A view whose elements don't lie in order can't be [${shape}]: copy it first.`)
    return this.view({ ...wholeView(shape), offset: this.offset })
  }

  /** Along `axis`, which counts from the end where it is below 0, the elements start, start + step, …: `count` of them, as a view. `step` may be below 0. Throws IPFA_INPUT_SHAPE where they are not all there. */
  slice(axis: number, start: number, count: number, step = 1): GpuTensor<D> {
    const along = axis < 0 ? axis + this.shape.length : axis
    const size = this.shape[along]
    const last = start + (count - 1) * step
    const isThere = (at: number) => Number.isInteger(at) && at >= 0 && at < size!
    if (
      size === undefined ||
      !Number.isInteger(count) ||
      count < 0 ||
      (count > 0 && !(isThere(start) && isThere(last)))
    )
      throw unfit(`[${this.shape}] has no ${count} elements from ${start} on by ${step} along axis ${axis}.`)
    return this.view(sliced(this, along, start, count, step))
  }

  /** Axis i of the view is axis `order[i]`: `[1, 0]` transposes a matrix. Throws IPFA_INPUT_SHAPE where that is no order of all axes. */
  permute(order: readonly number[]): GpuTensor<D> {
    if (order.toSorted((a, b) => a - b).join() !== [...this.shape.keys()].join())
      throw unfit(`[${order}] is no order of the axes of [${this.shape}].`)
    return this.view(permuted(this, order))
  }

  /** As `shape`, by NumPy's rules, as a view. Throws IPFA_INPUT_SHAPE. */
  broadcast(shape: Shape): GpuTensor<D> {
    elems(shape)
    return this.view(broadcast(this, shape))
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
}

function assertThere({ destroyed }: GpuTensor): void {
  if (destroyed) throw fail("IPFA_INPUT_INVALID", { message: "The tensor was destroyed." })
}

const unfit = (message: string) => fail("IPFA_INPUT_SHAPE", { message })

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
