// What tests of the eager API share: a device, and tensors that are destroyed after each test, which then has left no memory behind.
import { afterAll, afterEach, beforeAll, expect } from "vitest"
import { createKernels, elems, type GpuTensor, type Kernels, type Shape } from "../../kernels/index.ts"
import type { TensorData } from "../../protocol/index.ts"
import { softwareDevice } from "./software-gpu.ts"

export const shapeError = expect.objectContaining({ code: "IPFA_INPUT_SHAPE" })
/** As shapeError, in these words. */
export const shapeErrorThat = (words: string) =>
  expect.objectContaining({ code: "IPFA_INPUT_SHAPE", message: expect.stringContaining(words) })
export const invalid = expect.objectContaining({ code: "IPFA_INPUT_INVALID" })

/** Numbers from 1 on. */
export const counting = (shape: Shape) => Array.from({ length: elems(shape) }, (_, i) => i + 1)
/** The elements of a tensor of `shape`, of which each follows from where it is. */
export const each = (shape: Shape, value: (...at: number[]) => number) =>
  counting(shape).map((n) => {
    let rest = n - 1
    const at = shape.toReversed().map((size) => {
      const i = rest % size
      rest = (rest - i) / size
      return i
    })
    return value(...at.reverse())
  })

export function onEagerDevice() {
  let gpu: Kernels
  let live = 0
  let baseline: number
  const made: { destroy(): void }[] = []
  const keep = <T extends { destroy(): void }>(tensor: T): T => {
    made.push(tensor)
    return tensor
  }
  const tensorOf = <D extends "float32" | "int32">(dtype: D, shape: Shape, data: TensorData<D>) =>
    keep(gpu.tensor({ dtype, shape, data })) as unknown as GpuTensor<D>
  /** Bytes of buffers that somebody holds. */
  const heldBytes = () => {
    gpu.runtime.memory.trim()
    return live
  }
  beforeAll(async () => {
    const device = await softwareDevice()
    const createBuffer = device.createBuffer.bind(device)
    device.createBuffer = (descriptor) => {
      const buffer = createBuffer(descriptor)
      const destroy = buffer.destroy.bind(buffer)
      live += descriptor.size
      buffer.destroy = () => {
        live -= descriptor.size
        destroy()
      }
      return buffer
    }
    gpu = createKernels(device)
    // What is bound for an input that is left out stays for as long as the device.
    const x = gpu.tensor({ dtype: "float32", shape: [1], data: Float32Array.of(1) })
    for (const tensor of [await gpu.rmsNorm(x, x), x]) tensor.destroy()
    baseline = heldBytes()
  })
  afterEach(() => {
    for (const tensor of made.splice(0)) tensor.destroy()
    expect(heldBytes(), "bytes that were not given back").toBe(baseline)
  })
  afterAll(() => gpu?.device.destroy())
  return {
    gpu: () => gpu,
    keep,
    f32: (shape: Shape, data = counting(shape)) => tensorOf("float32", shape, Float32Array.from(data)),
    i32: (shape: Shape, data = counting(shape)) => tensorOf("int32", shape, Int32Array.from(data)),
    /** What an operation gives, which is a whole tensor. */
    async found(operation: (gpu: Kernels) => Promise<unknown>): Promise<{ shape: Shape; numbers: number[] }> {
      const result = keep((await operation(gpu)) as GpuTensor)
      expect(result.isWhole).toBe(true)
      return { shape: result.shape, numbers: [...((await result.read()) as Float32Array)] }
    },
    refused: (operation: (gpu: Kernels) => Promise<unknown>, error: unknown = shapeError): Promise<void> =>
      expect(operation(gpu)).rejects.toEqual(error),
  }
}
