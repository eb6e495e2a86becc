import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { withHalves } from "../../kernels/halves.ts"
import {
  type AnyKernel,
  createKernels,
  type GpuTensor,
  KernelRuntime,
  kernelRegistry,
  type Limits,
  prepare,
  problemOf,
  runCase,
  type StoredDtype,
} from "../../kernels/index.ts"
import { preprocess } from "../../kernels/preprocess.ts"
import { float16Bits, float16Value } from "../../protocol/index.ts"
import { halved } from "./halved.ts"
import { softwareDevice, softwareLimits } from "./software-gpu.ts"

type Case = AnyKernel["cases"][number]

let runtime: KernelRuntime
beforeAll(async () => {
  const device = await softwareDevice()
  runtime = new KernelRuntime(device, softwareLimits(device))
})
afterAll(() => runtime?.device.destroy())

/** Of each algorithm of `kernel` the first case that has anything to compute, the first by fours, and the first of each number of pixels beyond those. */
function firstCases(kernel: AnyKernel): Case[] {
  const found = new Map<string, Case>()
  for (const one of kernel.cases) {
    if (one.large || one.shapes.some((shape) => shape?.includes(0))) continue
    problemOf(kernel, one)
    const types = one.shapes.map((shape, i) => shape && { shape, dtype: halved(one).dtype![i] as StoredDtype })
    const { label, config } = prepare(kernel, types, one.attributes ?? {}, runtime.limits, one).pipeline
    const name = JSON.stringify([label, config.FOUR, config.REST])
    if (!found.has(name)) found.set(name, one)
  }
  return [...found.values()]
}

describe("float16 in the place of float32", () => {
  test("is what the sources of all kernels can be made to read", async () => {
    for (const kernel of kernelRegistry as readonly AnyKernel[])
      for (const one of firstCases(kernel)) {
        const types = one.shapes.map((shape, i) => shape && { shape, dtype: halved(one).dtype![i] as StoredDtype })
        const { pipeline } = prepare(kernel, types, one.attributes ?? {}, runtime.limits, one)
        const code = preprocess(pipeline.source.path, pipeline.source.code, pipeline.config)
        const { messages } = await runtime.device.createShaderModule({ code }).getCompilationInfo()
        expect([pipeline.label, messages.filter(({ type }) => type === "error").map(({ message }) => message)]).toEqual(
          [pipeline.label, []],
        )
      }
  })

  test.each(["matmul", "conv2d", "packed-matmul", "layer-norm", "gather", "add", "where", "rope"])(
    "%s: the right answer",
    async (name) => {
      const kernel = kernelRegistry.find((one) => one.name === name) as AnyKernel
      for (const one of firstCases(kernel)) {
        const { outcome, reason } = await runCase(runtime, kernel, halved(one))
        expect({ name: one.name, outcome, reason }).toEqual({ name: one.name, outcome: "PASS", reason: undefined })
      }
    },
  )

  test("takes half the memory, an odd number of them too, and is read back bit for bit", async () => {
    const gpu = createKernels(runtime.device)
    const data = Uint16Array.from([0, 1.5, -2, 65504, 3, 4, 5, 6, 2 ** -24], float16Bits)
    const x = gpu.tensor({ dtype: "float16", shape: [9], data })
    expect(x.memory.bytes).toBe(20)
    expect(await x.read()).toEqual(data)
    const y = await runtime.run(kernelRegistry.find((one) => one.name === "neg")!, [x])
    expect([...(await y.read())].slice(0, 8)).toEqual([...data.subarray(0, 8)].map((bits) => -float16Value(bits)))
    x.destroy()
    y.destroy()
  })

  test("is made by a cast, and taken for a cache of keys and values, in half the memory", async () => {
    const gpu = createKernels(runtime.device)
    const made: GpuTensor[] = []
    const keep = <T extends GpuTensor>(tensor: T): T => {
      made.push(tensor)
      return tensor
    }
    const numbers = [1.5, -2, 0.25, 3, -0.5, 1, 2, -1, 0.125, 4, -3, 0.75]
    const x = keep(gpu.tensor({ dtype: "float32", shape: [1, 1, 3, 4], data: Float32Array.from(numbers) }))
    const half = keep(await gpu.cast(keep(x.share([3, 4])), { to: "float16" }))
    expect([half.dtype, half.shape, half.memory.bytes]).toEqual(["float16", [3, 4], 24])
    expect(await half.read()).toEqual(Uint16Array.from(numbers, float16Bits))
    const odd = keep(await gpu.cast(keep(keep(x.share([12])).slice(0, 1, 3)), { to: "float16" }))
    expect([...(await odd.read("float32"))]).toEqual(numbers.slice(1, 4))
    await expect(gpu.cast(x, { to: "float16" }, { into: half as GpuTensor })).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID" }) // biome-ignore format: a line

    const sequences = keep(gpu.tensor({ dtype: "int32", shape: [1, 3], data: Int32Array.of(0, 1, 0) }))
    const cache = keep(gpu.tensor({ dtype: "float16", shape: [2, 1, 2, 4], data: new Uint16Array(16) }))
    expect(await gpu.kvAppend(x, sequences, cache)).toBe(cache)
    expect([...(await cache.read("float32"))]).toEqual([...numbers.slice(8), 0, 0, 0, 0, ...numbers.slice(0, 8)])
    const wide = keep(await gpu.cast(cache, { to: "float32" }))
    const filled = keep(gpu.tensor({ dtype: "int32", shape: [1, 3], data: Int32Array.of(3, 1, 0) }))
    const [byHalves, byFloats] = await Promise.all(
      [cache, wide].map(async (k) => [
        ...(await keep(await gpu.attention({ q: x, k, v: k, sequences: filled })).read()),
      ]),
    )
    expect(byHalves).toEqual(byFloats)
    for (const tensor of made) tensor.destroy()
  })

  test("is refused where a kernel takes no float32", async () => {
    const gpu = createKernels(runtime.device)
    const x = gpu.tensor({ dtype: "float16", shape: [1], data: Uint16Array.of(0) })
    const remainder = kernelRegistry.find((one) => one.name === "remainder")!
    await expect(runtime.run(remainder, [x, x])).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID" })
    x.destroy()
  })

  test("sources are rewritten where they read, indices within indices too, and nowhere else", () => {
    const code =
      "@group(0) @binding(0) var<storage, read> x: array<f32>;\nlet y = x[x_of[i] + u32(x[2])] + s.x[0] + max[1];"
    expect(withHalves("t", code, ["x"], false).split("\n").slice(0, 2)).toEqual([
      "@group(0) @binding(0) var<storage, read> x: array<u32>;",
      "let y = x_half(u32(x_of[i] + u32(x_half(u32(2))))) + s.x[0] + max[1];",
    ])
    expect(() => withHalves("t", "var<storage, read> x: array<i32>;", ["x"], false)).toThrow("i32")
  })

  test("is read as such where the device has shader-f16, and from words elsewhere", () => {
    const code = (given: Limits, type: string) => {
      const kernel = kernelRegistry.find((one) => one.name === type) as AnyKernel
      const [one] = firstCases(kernel)
      const types = one!.shapes.map((shape, i) => shape && { shape, dtype: halved(one!).dtype![i] as StoredDtype })
      const { pipeline } = prepare(kernel, types, one!.attributes ?? {}, given, one)
      return preprocess(pipeline.source.path, pipeline.source.code, pipeline.config)
    }
    const native = { ...runtime.limits, features: new Set(["shader-f16"]) }
    for (const [kernel, stored, read] of [
      ["matmul", "b: array<f16>", "return f32(b[i]);"],
      ["packed-matmul", "a: array<vec4<f16>>", "return vec4<f32>(a[i]);"],
      ["gather", "x: array<f16>", "return bitcast<u32>(f32(x[i]));"],
    ] as const) {
      expect(code(native, kernel)).toMatch(/^enable f16; /)
      expect(code(native, kernel)).toContain(stored)
      expect(code(native, kernel)).toContain(read)
      const words = code({ ...runtime.limits, features: new Set() }, kernel)
      expect(words).not.toContain("f16;")
      expect(words).toContain("unpack2x16float")
      expect(words.split("\n").length).toBe(code(native, kernel).split("\n").length)
    }
  })
})
