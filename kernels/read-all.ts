import { arrayTypes, type TensorData } from "../protocol/dtype.ts"
import { fail } from "../protocol/errors/error.ts"
import { usage, wholeWords } from "./device-memory.ts"
import { assertNotLost, gpuFailure, scoped } from "./gpu-errors.ts"
import type { GpuTensor } from "./gpu-tensor.ts"

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
  const starts = tensors.map(({ bytes }) => {
    const start = size
    size += wholeWords(bytes)
    return start
  })
  const arrays = (range: ArrayBuffer) =>
    tensors.map(({ dtype, bytes }, i) => {
      return new arrayTypes[dtype](range.slice(starts[i]!, starts[i]! + bytes))
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
    for (const [i, { buffer, bytes }] of tensors.entries())
      if (bytes > 0) encoder.copyBufferToBuffer(buffer, 0, staging, starts[i]!, wholeWords(bytes))
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
