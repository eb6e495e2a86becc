import { arrayTypes, dtypeBytes, type TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import type { StoredDtype } from "./define-kernel.ts"
import { usage, wholeWords } from "./device-memory.ts"
import { assertNotLost, gpuFailure, scoped } from "./gpu-errors.ts"
import type { GpuTensor } from "./gpu-tensor.ts"
import { isInOrder, reach } from "./view.ts"

// GPUMapMode by value (WebGPU, 5.1.2)
const MAP_MODE_READ = 0x1

/** What each of some tensors is read as. */
export type ReadOf<T extends readonly GpuTensor[]> = {
  -readonly [I in keyof T]: T[I] extends GpuTensor<infer D> ? TensorData<D> : never
}

/**
 * The elements of all these tensors of one device, in one submission and one wait, once all work submitted so far is done. Throws what went wrong while they were
 * computed: IPFA_DEVICE_MEMORY, also where one buffer can't hold them all, IPFA_DEVICE_LOST, IPFA_INTERNAL; IPFA_INPUT_INVALID for one that was destroyed or is of another device.
 */
export async function readAll<const T extends readonly GpuTensor[]>(tensors: T): Promise<ReadOf<T>> {
  const device = tensors[0]?.device
  const refuse = (message: string) => fail("IPFA_INPUT_INVALID", { message })
  if (tensors.some(({ destroyed }) => destroyed)) throw refuse("The tensor was destroyed.")
  if (tensors.some((tensor) => tensor.device !== device)) throw refuse("Tensors of two devices can't be read at once.")
  if (device) assertNotLost(device)
  const settled = tensors.map((tensor) => tensor.settled)
  let size = 0
  const spans = tensors.map((tensor) => {
    const span = { ...spanOf(tensor), at: size }
    size += span.bytes
    return span
  })
  const arrays = (range: ArrayBuffer) =>
    tensors.map((tensor, i) => {
      const { first, bytes, at } = spans[i]!
      return shown(tensor, new arrayTypes[tensor.dtype](range.slice(at, at + bytes)), first)
    }) as ReadOf<T>
  if (!device || size === 0) {
    await Promise.all(settled)
    return arrays(new ArrayBuffer(0))
  }
  if (size > device.limits.maxBufferSize)
    throw fail("IPFA_DEVICE_MEMORY", {
      message: `Read fewer at once: they take ${size} bytes and a buffer of the device at most ${device.limits.maxBufferSize}.`,
      data: { bytes: size, limit: device.limits.maxBufferSize },
    })
  const what = `read ${tensors.map(({ shape }) => `[${shape}]`).join(", ")}`
  const copy = scoped(device, what, () => {
    const staging = device.createBuffer({ label: what, size, usage: usage.MAP_READ | usage.COPY_DST })
    const encoder = device.createCommandEncoder({ label: what })
    for (const [i, { buffer, dtype }] of tensors.entries()) {
      const { first, bytes, at } = spans[i]!
      if (bytes > 0) encoder.copyBufferToBuffer(buffer, dtypeBytes(dtype, first), staging, at, bytes)
    }
    device.queue.submit([encoder.finish()])
    return staging
  })
  const staging = copy.value
  try {
    await Promise.all([...settled, copy.settled, staging.mapAsync(MAP_MODE_READ)])
    return arrays(staging.getMappedRange())
  } catch (error) {
    throw gpuFailure(device, what, error)
  } finally {
    staging.destroy()
  }
}

/** Which bytes of the memory a tensor's elements are among, in whole words: from the element `first` on. */
function spanOf(tensor: GpuTensor): { first: number; bytes: number } {
  const [first, last] = reach(tensor) ?? [0, -1]
  const word = 4 / dtypeBytes(tensor.dtype)
  const start = first - (first % word)
  return { first: start, bytes: wholeWords(dtypeBytes(tensor.dtype, last + 1 - start)) }
}

/** The elements that a tensor shows of those in `span`, which begins with the element `first` of its memory. */
function shown(tensor: GpuTensor, span: TensorData<StoredDtype>, first: number): TensorData<StoredDtype> {
  const { shape, strides, offset } = tensor
  const count = shape.reduce((product, size) => product * size, 1)
  if (isInOrder(tensor)) return span.length === count ? span : span.slice(offset - first, offset - first + count)
  const made = new arrayTypes[tensor.dtype](count)
  let i = 0
  const walk = (axis: number, place: number) => {
    if (axis === shape.length) made[i++] = span[place]!
    else for (let n = 0; n < shape[axis]!; n++) walk(axis + 1, place + n * strides[axis]!)
  }
  walk(0, offset - first)
  return made
}
