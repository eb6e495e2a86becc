import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { createKernels, GpuTensor, KernelRuntime, type Kernels, readAll, STORED } from "../../kernels/index.ts"
import { busyPolls } from "../../kernels/quirks/busy-polls.ts"
import { slowPolls } from "../../kernels/quirks/slow-polls.ts"
import { softwareDevice, softwareLimits } from "../kernels/software-gpu.ts"

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
const CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

let device: GPUDevice
let gpu: Kernels
/** What was submitted and made to read back from. */
const counts = { submits: 0, stagings: 0 }
beforeAll(async () => {
  device = await softwareDevice()
  watch(device)
  gpu = createKernels(device)
})
beforeEach(() => {
  Object.assign(counts, { submits: 0, stagings: 0 })
})
afterAll(() => device?.destroy())

function watch(device: GPUDevice): void {
  const { queue } = device
  const [submit, createBuffer] = [queue.submit.bind(queue), device.createBuffer.bind(device)]
  queue.submit = (commands) => {
    counts.submits++
    submit(commands)
  }
  device.createBuffer = (descriptor) => {
    if (descriptor.label?.startsWith("read")) counts.stagings++
    return createBuffer(descriptor)
  }
}

const refused = (code: string) => expect.objectContaining({ code })

describe("tensors that are read at once", () => {
  test("are read in one submission, by one buffer, each as its dtype has it", async () => {
    const tensors = [
      gpu.tensor({ dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) }),
      gpu.tensor({ dtype: "float16", shape: [3], data: Uint16Array.of(0x3c00, 0, 0x4000) }),
      gpu.tensor({ dtype: "int32", shape: [0, 2], data: new Int32Array(0) }),
      gpu.tensor({ dtype: "uint32", shape: [], data: Uint32Array.of(7) }),
    ] as const
    const [floats, halves, none, word] = await gpu.readAll(tensors)
    const typed: [Float32Array, Uint16Array, Int32Array, Uint32Array] = [floats, halves, none, word]
    expect(typed).toEqual([
      Float32Array.of(1, 2, 3),
      Uint16Array.of(0x3c00, 0, 0x4000),
      new Int32Array(0),
      Uint32Array.of(7),
    ])
    expect(counts).toEqual({ submits: 1, stagings: 1 })
    expect(await readAll([])).toEqual([])
    for (const tensor of tensors) tensor.destroy()
    await expect(readAll(tensors)).rejects.toEqual(refused("IPFA_INPUT_INVALID"))
  })

  test("are of one device, and fit one buffer", async () => {
    const x = gpu.tensor({ dtype: "float32", shape: [1], data: Float32Array.of(1) })
    const other = await softwareDevice()
    const elsewhere = createKernels(other).tensor({ dtype: "float32", shape: [1], data: Float32Array.of(1) })
    await expect(readAll([x, elsewhere])).rejects.toEqual(refused("IPFA_INPUT_INVALID"))
    other.destroy()
    const bytes = 2 ** 22
    const large = new GpuTensor(device, "float32", [bytes / 4], device.createBuffer({ size: bytes, usage: STORED }))
    const times = Math.floor(device.limits.maxBufferSize / bytes) + 1
    await expect(readAll(new Array(times).fill(large))).rejects.toEqual(refused("IPFA_DEVICE_MEMORY"))
    for (const tensor of [large, x]) tensor.destroy()
  })
})

/** Nothing is read from `device` before what comes back is called. */
function held(device: GPUDevice): () => void {
  const { promise: finished, resolve } = Promise.withResolvers<void>()
  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor)
    const mapAsync = buffer.mapAsync.bind(buffer)
    buffer.mapAsync = async (mode) => {
      await finished
      return mapAsync(mode)
    }
    return buffer
  }
  return resolve
}

describe("Firefox, which looks every 100 ms whether work is done", () => {
  test("is told by what it says of itself", () => {
    expect(slowPolls.applies({}, FIREFOX)).toBe(true)
    expect(slowPolls.applies({}, CHROMIUM)).toBe(false)
  })

  test("is made to look while somebody waits for a buffer, and not after", async () => {
    const polled = await softwareDevice()
    let submitted = 0
    const submit = polled.queue.submit.bind(polled.queue)
    polled.queue.submit = (commands) => {
      submitted++
      submit(commands)
    }
    const finish = held(polled)
    const limits = { ...softwareLimits(polled), quirks: [slowPolls] }
    const [runtime] = [new KernelRuntime(polled, limits), new KernelRuntime(polled, limits)]
    const x = runtime.upload("float32", [2], Float32Array.of(1, 2))
    vi.useFakeTimers({ toFake: ["setTimeout"] })
    try {
      const read = x.read()
      expect(submitted).toBe(1)
      vi.advanceTimersByTime(9)
      expect(submitted).toBe(11)
      finish()
      expect(await read).toEqual(Float32Array.of(1, 2))
      vi.advanceTimersByTime(9)
      expect(submitted).toBe(11)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
    x.destroy()
    polled.destroy()
  })
})

describe("Dawn in Node, which looks without a pause whether work is done", () => {
  test("is told by what Node says of itself, where the adapter computes on the CPU too", () => {
    const { adapterInfo } = device
    expect(busyPolls.applies(adapterInfo, navigator.userAgent)).toBe(true)
    expect(busyPolls.applies(adapterInfo, CHROMIUM)).toBe(false)
    expect(busyPolls.applies({ vendor: "nvidia", architecture: "hopper" }, navigator.userAgent)).toBe(false)
  })

  test("is left a rest at each turn of the event loop while somebody waits for a buffer, and none after", async () => {
    const polled = await softwareDevice()
    const finish = held(polled)
    const limits = { ...softwareLimits(polled), quirks: [busyPolls] }
    const [runtime] = [new KernelRuntime(polled, limits), new KernelRuntime(polled, limits)]
    const x = runtime.upload("float32", [2], Float32Array.of(1, 2))
    const rest = vi.spyOn(Atomics, "wait")
    const turns = async (count: number) => {
      for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    try {
      const read = x.read()
      expect(rest).not.toHaveBeenCalled()
      await turns(5)
      expect(rest.mock.calls.map(([, , , ms]) => ms)).toEqual([0.1, 0.1, 0.1, 0.1, 0.1])
      finish()
      expect(await read).toEqual(Float32Array.of(1, 2))
      rest.mockClear()
      await turns(5)
      expect(rest).not.toHaveBeenCalled()
    } finally {
      rest.mockRestore()
    }
    x.destroy()
    polled.destroy()
  })
})
