import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type Counts, counted } from "../../bench/kernels/counted-device.ts"
import { sizeClass } from "../../kernels/device-memory.ts"
import { copy, createKernels, DeviceMemory, type Kernels, STORED, wholeView } from "../../kernels/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import fc from "../property.ts"

const MiB = 2 ** 20

let device: GPUDevice
let counts: Counts
let gpu: Kernels
beforeAll(async () => {
  device = await softwareDevice()
  counts = counted(device)
})
beforeEach(() => {
  gpu = createKernels(device)
})
afterAll(() => device?.destroy())

const f32 = (shape: number[], values: number[]) =>
  gpu.tensor({ dtype: "float32", shape, data: Float32Array.from(values) })

describe("a size class", () => {
  test("holds what is asked for, wastes at most a sixteenth of it, and is one of few", () => {
    const bytes = fc.integer({ min: 256, max: 2 ** 40 })
    fc.assert(
      fc.property(bytes, (asked) => {
        const size = sizeClass(asked, 2 ** 41)
        expect(size).toBeGreaterThanOrEqual(asked)
        expect(size).toBeLessThanOrEqual(asked * 1.0625)
        expect(sizeClass(size, 2 ** 41)).toBe(size)
      }),
    )
    expect(new Set(Array.from({ length: MiB }, (_, i) => sizeClass(MiB + i, 2 ** 41))).size).toBe(17)
  })
  test("is just what is asked for where the device has no larger buffers", () => {
    expect(sizeClass(1_000_001, 1_010_000)).toBe(1_000_004)
  })
})

describe("memory", () => {
  test("that is taken is given again, by its use and size, once nobody holds it", async () => {
    const memory = new DeviceMemory(device)
    const { held, isZero } = memory.take("a", 1000, STORED)
    held.retain().release()
    const other = memory.take("b", 1000, STORED).held
    held.release()
    await held.settled
    expect([isZero, memory.freeBytes]).toEqual([true, 1024])
    const again = memory.take("c", 1020, STORED)
    expect([again.held.buffer === held.buffer, again.isZero, other.buffer === held.buffer]).toEqual([
      true,
      false,
      false,
    ])
    expect(memory.take("d", 1000, STORED).isZero).toBe(true)
    expect(() => held.release()).toThrow(/held by nobody/)
  })

  test("that nobody holds is kept up to the budget, the class not used for longest given up first", async () => {
    const before = counts.live
    const memory = new DeviceMemory(device, 3 * MiB)
    const all = [MiB, MiB, 2 * MiB, 4 * MiB].map((bytes) => memory.take("part", bytes, STORED).held)
    for (const held of all) held.release()
    await Promise.all(all.map(({ settled }) => settled))
    expect(memory.freeBytes).toBe(3 * MiB)
    expect(counts.live - before).toBe(3 * MiB)
    expect(memory.take("large", 2 * MiB, STORED).isZero).toBe(false)
    memory.trim()
    expect(counts.live - before).toBe(2 * MiB)
  })

  test("that is shared is there once, and gone with the last who holds it", () => {
    const before = counts.live
    const memory = new DeviceMemory(device)
    expect(memory.shared("w")).toBeUndefined()
    const made = memory.share("w", "weights", 4096)
    const found = memory.shared("w")
    expect(found).toBe(made)
    made.release()
    expect(counts.live - before).toBe(4096)
    found!.release()
    expect(counts.live).toBe(before)
    expect(memory.shared("w")).toBeUndefined()
  })

  test("for scratch is one set of buffers for all, as large as the largest needs", () => {
    const before = counts.live
    const memory = new DeviceMemory(device)
    const first = memory.scratch([100, 4000, 2000])
    const second = memory.scratch([1500, 3000])
    expect(second.map(({ buffer }) => buffer)).toEqual([first[2]!.buffer, first[1]!.buffer])
    const third = memory.scratch([8000, 50])
    expect(counts.live - before).toBe(100 + 4000 + 2000 + 8000)
    for (const held of [...first, ...second, ...third]) held.release()
    expect(counts.live).toBe(before)
  })

  test("that could not be made is of no use to the next either, who is told, and is not kept", async () => {
    const memory = new DeviceMemory(device, 2 ** 30)
    const refused = expect.objectContaining({ code: "IPFA_INTERNAL" })
    const take = () => memory.take("over the device's limit", device.limits.maxBufferSize + 4, STORED).held
    const first = take()
    first.release()
    const second = take()
    expect(second.buffer).toBe(first.buffer)
    await expect(second.settled).rejects.toEqual(refused)
    second.release()
    expect(memory.freeBytes).toBe(0)
    const third = take()
    expect(third.buffer).not.toBe(first.buffer)
    third.release()
    await expect(third.settled).rejects.toEqual(refused)
    expect(memory.freeBytes).toBe(0)
  })
})

describe("the budget of kernels", () => {
  /** Bytes that are left on the device of 3 results of 1 MiB, once they are destroyed. */
  const left = async (budgetBytes?: number) => {
    const before = counts.live
    const own = createKernels(device, { budgetBytes })
    const x = own.tensor({ dtype: "float32", shape: [2 ** 18], data: new Float32Array(2 ** 18).fill(3) })
    const all = [x, await own.add(x, x), await own.mul(x, x)]
    expect((await all[1]!.read())[0]).toBe(6)
    expect((await all[2]!.read())[2 ** 18 - 1]).toBe(9)
    for (const one of all) one.destroy()
    const { freeBytes } = own.runtime.memory
    expect(counts.live - before).toBe(freeBytes)
    own.runtime.memory.trim()
    return freeBytes
  }

  test("is what they keep at most, and right whatever it is", async () => {
    expect(await left()).toBeGreaterThanOrEqual(3 * MiB)
    for (const budget of [0, 300, MiB, 2.5 * MiB, Number.POSITIVE_INFINITY]) {
      const kept = await left(budget)
      expect(kept).toBeLessThanOrEqual(budget)
      expect(kept).toBeGreaterThanOrEqual(Math.min(Math.floor(budget / MiB), 3) * MiB - 1024)
    }
  })

  test("is refused where it is none", () => {
    for (const budgetBytes of [-1, Number.NaN])
      expect(() => createKernels(device, { budgetBytes })).toThrow(
        expect.objectContaining({ code: "IPFA_INPUT_INVALID", data: expect.objectContaining({ path: "budgetBytes" }) }),
      )
  })
})

describe("tensors", () => {
  test("that share memory keep it until the last is destroyed", async () => {
    const x = f32([2, 3], [1, 2, 3, 4, 5, 6])
    const flat = x.share([6])
    x.destroy()
    x.destroy()
    const other = f32([2, 3], [0, 0, 0, 0, 0, 0])
    expect([...(await flat.read())]).toEqual([1, 2, 3, 4, 5, 6])
    expect(() => x.share()).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
    expect(() => flat.share([5])).toThrow(expect.objectContaining({ code: "IPFA_INPUT_SHAPE" }))
    for (const tensor of [flat, other]) tensor.destroy()
  })

  test("hold zeros where a kernel leaves them as they are, also in memory that held other numbers", async () => {
    const used = f32([4], [9, 9, 9, 9])
    await used.read()
    const { buffer } = used
    used.destroy()
    const one = f32([], [1])
    const made = await gpu.runtime.run(copy, [one], {
      from: wholeView([1]),
      to: { shape: [1], strides: [1], offset: 2 },
      shape: [4],
    })
    expect([...(await made.read())]).toEqual([0, 0, 1, 0])
    expect([made.buffer, one.buffer]).toContain(buffer)
    for (const tensor of [one, made]) tensor.destroy()
  })

  test("of a hundred steps leave nothing on the device, and take the memory of two", async () => {
    const steps = async () => {
      let x = f32([256, 64], new Array(256 * 64).fill(0.5))
      for (let i = 0; i < 100; i++) {
        const y = await gpu.sin(x)
        x.destroy()
        x = y
      }
      const values = await x.read()
      x.destroy()
      return values[0]!
    }
    const value = await steps()
    gpu.runtime.memory.trim()
    const baseline = counts.live
    counts.peak = baseline
    expect(await steps()).toBe(value)
    gpu.runtime.memory.trim()
    expect(counts.live).toBe(baseline)
    // and a readback of the last
    expect(counts.peak - baseline).toBeLessThanOrEqual(3 * 65_536 + 2 * 256)
  })
})
