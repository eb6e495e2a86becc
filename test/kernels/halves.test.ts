import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { withHalves } from "../../kernels/halves.ts"
import {
  type AnyKernel,
  createKernels,
  KernelRuntime,
  kernelRegistry,
  prepare,
  problemOf,
  runCase,
  type StoredDtype,
} from "../../kernels/index.ts"
import { preprocess } from "../../kernels/preprocess.ts"
import { float16Bits, float16Value } from "../../protocol/index.ts"
import { softwareDevice, softwareLimits } from "./software-gpu.ts"

type Case = AnyKernel["cases"][number]

let runtime: KernelRuntime
beforeAll(async () => {
  const device = await softwareDevice()
  runtime = new KernelRuntime(device, softwareLimits(device))
})
afterAll(() => runtime?.device.destroy())

/** The case with float16 in the place of each float32. */
function halved(one: Case): Case {
  const { dtype = "float32" } = one
  return {
    ...one,
    dtype: one.shapes.map((_, i): StoredDtype => {
      const own = typeof dtype === "string" ? dtype : dtype[i]!
      return own === "float32" ? "float16" : own
    }),
  }
}

/** Of each algorithm of `kernel` the first case that has anything to compute. */
function firstCases(kernel: AnyKernel): Case[] {
  const found = new Map<string, Case>()
  for (const one of kernel.cases) {
    if (one.large || one.shapes.some((shape) => shape?.includes(0))) continue
    problemOf(kernel, one)
    const types = one.shapes.map((shape, i) => shape && { shape, dtype: halved(one).dtype![i] as StoredDtype })
    const { label } = prepare(kernel, types, one.attributes ?? {}, runtime.limits, one).pipeline
    if (!found.has(label)) found.set(label, one)
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

  test.each(["matmul", "conv2d", "packed-matmul", "layer-norm", "gather", "add"])(
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
    expect(withHalves("t", code, ["x"]).split("\n").slice(0, 2)).toEqual([
      "@group(0) @binding(0) var<storage, read> x: array<u32>;",
      "let y = x_half(u32(x_of[i] + u32(x_half(u32(2))))) + s.x[0] + max[1];",
    ])
    expect(() => withHalves("t", "var<storage, read> x: array<i32>;", ["x"])).toThrow("i32")
  })
})
