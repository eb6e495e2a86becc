import { runInNewContext } from "node:vm"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { GpuDtype, StoredAs, TensorDtype } from "../../kernels/index.ts"
import {
  createKernels,
  type GpuTensor,
  KernelRuntime,
  type Kernels,
  kernelRegistry,
  makePlan,
  matmul,
  problemOf,
  relu,
  runCase,
} from "../../kernels/index.ts"
import type { TensorData } from "../../protocol/index.ts"
import { softwareDevice } from "./software-gpu.ts"

let device: GPUDevice
let gpu: Kernels
const made: GpuTensor[] = []
beforeAll(async () => {
  device = await softwareDevice()
  gpu = createKernels(device)
})
afterEach(() => {
  for (const tensor of made.splice(0)) tensor.destroy()
})
afterAll(() => device?.destroy())

const keep = <D extends GpuDtype>(tensor: GpuTensor<D>) => {
  made.push(tensor as unknown as GpuTensor)
  return tensor
}
const f32 = (shape: number[], values: number[], kernels = gpu) =>
  keep(kernels.tensor({ dtype: "float32", shape, data: Float32Array.from(values) }))
const code = (value: string) => expect.objectContaining({ code: value })

describe("operations", () => {
  test("chain on the device and are read at the end", async () => {
    const a = f32([2, 3], [1, 2, 3, 4, 5, 6])
    const b = f32([3, 2], [1, 0, 0, 1, 1, 1])
    const product = keep(await gpu.matmul(a, b))
    const doubled = keep(await gpu.mul(product, f32([], [2])))
    const shifted = keep(await gpu.add(f32([1], [-10]), doubled))
    const positive = keep(await gpu.relu(shifted))
    const turned = keep(await gpu.transpose(positive))
    expect(turned.shape).toEqual([2, 2])
    expect([...(await turned.read())]).toEqual([0, 10, 0, 12])
  })

  test("softmax, rmsNorm and gelu take their attributes", async () => {
    const x = f32([1, 2], [3, -4])
    const probabilities = await keep(await gpu.softmax(x)).read()
    expect(probabilities[0]).toBeCloseTo(1 / (1 + Math.exp(-7)), 6)
    const normed = await keep(await gpu.rmsNorm(x, f32([2], [1, 2]), undefined, undefined, { eps: 12.5 })).read()
    expect([...normed]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(-1.6, 6)])
    const [byErf, byTanh] = [await gpu.gelu(x), await gpu.gelu(x, { approximate: "tanh" })].map(keep)
    expect((await byErf!.read())[0]).toBeCloseTo(2.99595, 5)
    expect((await byTanh!.read())[0]).toBeCloseTo(2.996363, 5)
  })

  test("gemm takes a bias, a residual and a scale, and both norms a bias and a residual", async () => {
    const x = f32([1, 2], [3, -4])
    const [bias, residual] = [f32([2], [10, 20]), f32([1, 2], [100, 200])]
    const product = await gpu.gemm(x, f32([2, 2], [1, 0, 0, 1]), bias, residual, { scale: 2 })
    expect([...(await keep(product).read())]).toEqual([116, 212])
    const same = f32([2], [1, 1])
    // Of 7 and 1: the root of their mean of squares is 5, their mean 4 and their deviation 3.
    const to = f32([1, 2], [4, 5])
    const [rms, layer] = [await gpu.rmsNorm(x, same, bias, to), await gpu.layerNorm(x, same, bias, to)].map(keep)
    const near = (list: number[]) => list.map((value) => expect.closeTo(value, 4))
    expect([...(await rms!.read())]).toEqual(near([10 + 7 / 5, 20 + 1 / 5]))
    expect([...(await layer!.read())]).toEqual(near([11, 19]))
  })

  test("transpose keeps the bits of a NaN and of 32-bit integers", async () => {
    const bits = new Uint32Array([0x7fc0beef, 0xffffffff, 0x00000001, 0x80000000])
    const x = keep(gpu.tensor({ dtype: "uint32", shape: [2, 2], data: bits }))
    expect([...(await keep(await gpu.transpose(x)).read())]).toEqual([0x7fc0beef, 1, 0xffffffff, 0x80000000])
  })

  test("cast takes the way of whole numbers from float32 to float32 alone", async () => {
    const x = f32([3], [2.5, -2.5, 3])
    expect(await keep(await gpu.cast(x, { to: "float32", whole: true })).read()).toEqual(Float32Array.of(2, -2, 3))
    const whole = keep(gpu.tensor({ dtype: "int32", shape: [1], data: Int32Array.of(1) }))
    const refused = { code: "IPFA_INPUT_INVALID", data: { path: "whole" } }
    await expect(gpu.cast(x, { to: "uint32", whole: true })).rejects.toMatchObject(refused)
    await expect(gpu.cast(x, { to: "float32", truth: true, whole: true })).rejects.toMatchObject(refused)
    await expect(gpu.cast(whole, { to: "float32", whole: true })).rejects.toMatchObject(refused)
  })

  test("write into a given tensor, again and again", async () => {
    const into = f32([2], [0, 0])
    expect(await gpu.add(f32([2], [1, 2]), f32([2], [3, 4]), { into })).toBe(into)
    expect([...(await into.read())]).toEqual([4, 6])
    await gpu.add(f32([2], [5, 6]), f32([], [1]), { into })
    expect([...(await into.read())]).toEqual([6, 7])
  })

  test("give an empty tensor for an empty input", async () => {
    expect(await keep(await gpu.softmax(f32([0, 4], []))).read()).toEqual(new Float32Array(0))
  })
})

describe("a tensor of a dtype that is no word's", () => {
  const of = <D extends TensorDtype>(dtype: D, data: TensorData<D>) =>
    keep(gpu.tensor({ dtype, shape: [data.length], data }) as GpuTensor<never>) as unknown as GpuTensor<StoredAs<D>>

  test("is computed as 32-bit words, and read as itself again", async () => {
    const wide = BigInt64Array.of(-1n, 2n ** 31n - 2n, -(2n ** 31n))
    const one = of("int32", Int32Array.of(1))
    const sum = keep(await gpu.add(of("int64", wide), one))
    expect(sum.dtype).toBe("int32")
    expect(await sum.read("int64")).toEqual(wide.map((value) => value + 1n))
    const bytes = Int8Array.of(-128, 126)
    expect(await keep(await gpu.add(of("int8", bytes), one)).read("int8")).toEqual(Int8Array.of(-127, 127))
    expect(await of("uint8", Uint8Array.of(0, 255)).read("uint8")).toEqual(Uint8Array.of(0, 255))
    expect(await of("uint16", Uint16Array.of(65535)).read()).toEqual(Int32Array.of(65535))
    const truth = of("bool", Uint8Array.of(1, 0))
    expect(await keep(await gpu.where(truth, one, of("int16", Int16Array.of(-7)))).read("int16")).toEqual(
      Int16Array.of(1, -7),
    )
    expect(await keep(await gpu.less(one, of("int8", bytes))).read("bool")).toEqual(Uint8Array.of(0, 1))
  })

  test("float16 is rounded to the nearest, and read as numbers", async () => {
    const halves = of("float16", Uint16Array.of(0x3c00, 0xc100))
    expect(await halves.read("float32")).toEqual(Float32Array.of(1, -2.5))
    expect(await f32([2], [1 + 2 ** -12, -2.5]).read("float16")).toEqual(Uint16Array.of(0x3c00, 0xc100))
  })

  test("is refused what it does not hold, going there and coming back", async () => {
    const refused = (...words: string[]) =>
      expect.objectContaining({ code: "IPFA_INPUT_INVALID", message: expect.stringMatching(words.join(".*")) })
    expect(() => of("int64", BigInt64Array.of(0n, 2n ** 31n))).toThrow(refused("2147483648", "32 bits"))
    expect(() => of("float64" as "float32", new Float64Array(1) as never)).toThrow(refused("float64", "int8"))
    const x = of("int32", Int32Array.of(3, 128))
    await expect(x.read("int8")).rejects.toEqual(refused("Element 1 is 128", "int8", "as int32"))
    await expect(x.read("bool" as "int8")).rejects.toEqual(refused("int32", "bool", "cast"))
    await expect(of("uint32", Uint32Array.of(2)).read("bool")).rejects.toEqual(refused("Element 0 is 2"))
  })
})

describe("a dispatch over the limit of one dimension is made two-dimensional", () => {
  test("every small case of 4 to 9 workgroups holds where a dimension takes 3", async () => {
    const tight = new KernelRuntime(device, narrowed({ maxComputeWorkgroupsPerDimension: 3 }))
    let ran = 0
    for (const kernel of kernelRegistry)
      for (const one of kernel.cases.filter((test) => !test.large)) {
        const problem = problemOf(kernel, one)
        // Without WGSL's optional features.
        if (one.algorithm && kernel.algorithms[one.algorithm]?.needs?.(problem)) continue
        const { algorithm, tuning } = makePlan(kernel, problem, tight.limits, one)
        const { workgroups } = kernel.algorithms[algorithm]!.dispatch(problem, tuning)
        if (workgroups <= 3 || workgroups > 9) continue
        ran++
        const { outcome, reason } = await runCase(tight, kernel, one)
        expect([kernel.name, one.name, outcome, reason]).toEqual([kernel.name, one.name, "PASS", undefined])
      }
    expect(ran).toBeGreaterThan(kernelRegistry.length)
  })

  test("one that would need more is refused", async () => {
    const tight = new KernelRuntime(device, narrowed({ maxComputeWorkgroupsPerDimension: 3 }))
    const x = tight.upload("float32", [10 * 256], new Float32Array(10 * 256))
    made.push(x)
    await expect(tight.run(relu, [x])).rejects.toThrow(/at most 3²/)
  })
})

/** The device's limits, some of them tighter. */
function narrowed(tighter: Partial<Record<keyof KernelRuntime["limits"], number>>): KernelRuntime["limits"] {
  const names = [
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX",
    "maxComputeWorkgroupSizeY",
    "maxComputeWorkgroupStorageSize",
    "maxComputeWorkgroupsPerDimension",
    "maxStorageBufferBindingSize",
    "maxBufferSize",
  ] as const
  const limits = names.map((name) => [name, tighter[name] ?? device.limits[name]])
  return Object.fromEntries(limits) as KernelRuntime["limits"]
}

describe("pipelines", () => {
  test("equal requests in flight compile once, different ones each", async () => {
    let compilations = 0
    const counting = new Proxy(device, {
      get(target, key) {
        if (key === "createComputePipelineAsync") compilations++
        const value = Reflect.get(target, key, target)
        return typeof value === "function" ? value.bind(target) : value
      },
    })
    const kernels = createKernels(counting)
    const x = f32([3], [1, 2, 3], kernels)
    await Promise.all([kernels.relu(x), kernels.relu(x), kernels.relu(x)].map(async (result) => keep(await result)))
    keep(await kernels.relu(f32([5, 1], [1, 2, 3, 4, 5], kernels)))
    expect(compilations).toBe(1)
    keep(await kernels.relu(x, { tuning: { WG: 32 } }))
    keep(await kernels.gelu(x))
    expect(compilations).toBe(3)
    expect(kernels.runtime.pipelines.size).toBe(3)
  })

  test("a shader that does not compile is reported with op, variant, file and line, and may be asked for again", async () => {
    const source = {
      ...relu.algorithms.flat.source,
      code: relu.algorithms.flat.source.code.replace("let v = x[i];", "let v = z[i];"),
      hash: "broken",
    }
    const broken = { ...relu, algorithms: { flat: { ...relu.algorithms.flat, source } } }
    const line = source.code.slice(0, source.code.indexOf("let v = z[i];")).split("\n").length
    for (let time = 0; time < 2; time++)
      await expect(gpu.runtime.run(broken, [f32([1], [1])])).rejects.toMatchObject({
        code: "IPFA_INTERNAL",
        message: expect.stringContaining(`relu:flat: ops/unary/unary.wgsl:${line}: unresolved value 'z'`),
      })
  })
})

describe("a forced choice that can't be had fails", () => {
  const pair = () => [f32([2, 2], [1, 2, 3, 4]), f32([2, 2], [1, 0, 0, 1])] as const

  test("an algorithm that does not exist", async () => {
    await expect(gpu.matmul(...pair(), { algorithm: "fast" as "tiled" })).rejects.toEqual(code("IPFA_INPUT_INVALID"))
  })
  test("a constant that does not exist", async () => {
    await expect(gpu.matmul(...pair(), { algorithm: "naive", tuning: { WG_X: 8 } })).rejects.toEqual(
      code("IPFA_INPUT_INVALID"),
    )
  })
  test("a workgroup or its memory over the device's limits, with both numbers", async () => {
    await expect(gpu.matmul(...pair(), { algorithm: "naive", tuning: { WG: 512 } })).rejects.toThrow(
      /512 invocations.*256/,
    )
    await expect(gpu.matmul(...pair(), { algorithm: "tiled", tuning: { TILE_K: 128 } })).rejects.toEqual(
      code("IPFA_DEVICE_UNSUPPORTED"),
    )
    const small = new KernelRuntime(device, narrowed({ maxComputeWorkgroupStorageSize: 1024 }))
    await expect(small.run(matmul, [...pair()], {}, { algorithm: "tiled" })).rejects.toThrow(/8192 bytes.*1024/)
  })
  test("a reduction over a number of invocations that is no power of two", async () => {
    await expect(gpu.softmax(f32([1], [1]), {}, { tuning: { WG: 48 } })).rejects.toThrow(/power of two/)
  })
})

describe("inputs are refused before anything runs", () => {
  test("shapes that do not fit", async () => {
    const row = f32([3], [1, 2, 3])
    const square = f32([2, 2], [1, 2, 3, 4])
    const shape = code("IPFA_INPUT_SHAPE")
    await expect(gpu.matmul(square, row)).rejects.toEqual(shape)
    await expect(gpu.matmul(square, f32([3, 1], [1, 2, 3]))).rejects.toEqual(shape)
    await expect(gpu.add(square, f32([4], [1, 2, 3, 4]))).rejects.toEqual(shape)
    await expect(gpu.softmax(f32([], [1]))).rejects.toEqual(shape)
    await expect(gpu.rmsNorm(square, row)).rejects.toEqual(shape)
    await expect(gpu.transpose(row)).rejects.toEqual(shape)
    expect(() => f32([2, 2], [1])).toThrow(shape)
    expect(() => f32([-1], [])).toThrow(shape)
  })
  test("attributes and dtypes that are none", async () => {
    const x = f32([2], [1, 2])
    const invalid = code("IPFA_INPUT_INVALID")
    await expect(gpu.gelu(x, { approximate: "fast" as "tanh" })).rejects.toEqual(invalid)
    await expect(gpu.rmsNorm(x, x, undefined, undefined, { eps: 0 })).rejects.toEqual(invalid)
    const square = f32([2, 2], [1, 2, 3, 4])
    for (const activation of [{ slope: Number.POSITIVE_INFINITY }, { low: 1, high: 0 }])
      await expect(gpu.gemm(square, square, undefined, undefined, { activation })).rejects.toEqual(invalid)
    const whole = keep(gpu.tensor({ dtype: "int32", shape: [2], data: Int32Array.of(1, 2) }))
    await expect(gpu.relu(whole as unknown as typeof x)).rejects.toEqual(invalid)
    await expect(gpu.add(x, whole as unknown as typeof x)).rejects.toEqual(invalid)
  })
  test("an array of another kind than the dtype's, by name", () => {
    for (const [data, given] of [[Int32Array.of(1, 2), "Int32Array"], [[1, 2], "object"], [undefined, "undefined"]]) // biome-ignore format: a line
      expect(() => gpu.tensor({ dtype: "float32", shape: [2], data: data as never })).toThrow(
        expect.objectContaining({
          code: "IPFA_INPUT_INVALID",
          message: `A tensor of float32 takes its data as Float32Array, not as ${given}.`,
        }),
      )
  })
  test("but not an array of another frame", async () => {
    const other = runInNewContext("Float32Array.of(1, 2)")
    expect([...(await keep(gpu.tensor({ dtype: "float32", shape: [2], data: other })).read())]).toEqual([1, 2])
  })
  test("destroyed tensors, tensors of another device, an output that is an input", async () => {
    const invalid = code("IPFA_INPUT_INVALID")
    const x = f32([2], [1, 2])
    const gone = f32([2], [1, 2])
    gone.destroy()
    await expect(gpu.relu(gone)).rejects.toEqual(invalid)
    await expect(gone.read()).rejects.toEqual(invalid)
    await expect(gpu.relu(x, { into: x })).rejects.toEqual(invalid)
    await expect(gpu.relu(x, { into: f32([1], [1]) })).rejects.toEqual(invalid)
    const other = await softwareDevice()
    await expect(gpu.relu(f32([2], [1, 2], createKernels(other)))).rejects.toEqual(invalid)
    other.destroy()
  })
  test("a tensor over the binding limit, in and out", async () => {
    const small = new KernelRuntime(device, narrowed({ maxStorageBufferBindingSize: 1024 }))
    expect(() => small.upload("float32", [257], new Float32Array(257))).toThrow(code("IPFA_DEVICE_MEMORY"))
    const column = keep(small.upload("float32", [20, 1], new Float32Array(20)))
    const row = keep(small.upload("float32", [1, 20], new Float32Array(20)))
    await expect(small.run(matmul, [column, row])).rejects.toThrow(/1600 bytes.*1024/)
  })
})

describe("a lost device", () => {
  test("is reported by what runs and by what is read, and nothing hangs", async () => {
    const doomed = await softwareDevice()
    const kernels = createKernels(doomed)
    const x = f32([2], [1, 2], kernels)
    const y = keep(await kernels.relu(x))
    doomed.destroy()
    await doomed.lost
    await expect(y.read()).rejects.toEqual(code("IPFA_DEVICE_LOST"))
    await expect(kernels.relu(x)).rejects.toEqual(code("IPFA_DEVICE_LOST"))
    await expect(kernels.gelu(x)).rejects.toEqual(code("IPFA_DEVICE_LOST"))
    expect(() => f32([1], [1], kernels)).toThrow(code("IPFA_DEVICE_LOST"))
  })
  test("is reported by a read and a compilation that were under way", async () => {
    const doomed = await softwareDevice()
    const kernels = createKernels(doomed)
    const x = f32([2], [1, 2], kernels)
    const pending = Promise.allSettled([x.read(), kernels.gelu(x).then((y) => y.read())])
    doomed.destroy()
    for (const result of await pending) expect(result).toEqual({ status: "rejected", reason: code("IPFA_DEVICE_LOST") })
  })
})
