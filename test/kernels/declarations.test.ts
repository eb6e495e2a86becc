import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { wgsl } from "../../kernels/generated/wgsl.ts"
import { workgroupGrid } from "../../kernels/grid.ts"
import {
  type AnyKernel,
  bitWidths,
  elems,
  embedding,
  fastActivations,
  fft,
  ggufFormats,
  groupSizes,
  hasFft,
  kernelRegistry,
  type Limits,
  makePlan,
  packedConv2d,
  packedMatmul,
  problemOf,
  traitsOf,
} from "../../kernels/index.ts"
import { packParams } from "../../kernels/params.ts"
import { pipelineKey } from "../../kernels/pipelines.ts"
import { preprocess, resolveIncludes } from "../../kernels/preprocess.ts"
import { reflect } from "../../kernels/reflect.ts"
import { generate } from "../../scripts/generate-wgsl.ts"

const root = join(import.meta.dirname, "../..")
const limits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
}
/** The sources but those that read an image, which no case has: front-ends.test.ts. */
const ofKernels = Object.keys(wgsl).filter((source) => source.startsWith("ops/"))
const int8Products = new Set(["packed_4x8_integer_dot_product"])
/** What SwiftShader has. */
const features = new Set([...int8Products, "subgroups"])
const subgroupMaxSize = 4

describe("generated sources", () => {
  test("are what the .wgsl files say", () => {
    for (const [path, content] of Object.entries(generate()))
      expect(readFileSync(join(root, path), "utf8"), `run node scripts/generate-wgsl.ts`).toBe(content)
  })
  test("are each used by a registered kernel", () => {
    const used = kernelRegistry.flatMap((kernel) => Object.values(kernel.algorithms).map((one) => one.source.path))
    expect(new Set(used)).toEqual(new Set(ofKernels))
  })
})

describe("each kernel", () => {
  test("has a folder with source, host, reference and cases", () => {
    for (const folder of globSync("kernels/ops/*", { cwd: root })) {
      const files = globSync("*", { cwd: join(root, folder) })
      expect(files).toEqual(expect.arrayContaining(["reference.ts", "cases.ts", `${folder.split(/[\\/]/).at(-1)}.ts`]))
      expect(files.some((file) => file.endsWith(".wgsl"))).toBe(true)
    }
  })
  // What docs/kernels.md says of the table of formats.
  test("of packed weights has cases of GGUF's blocks, and a product's are of every width in every group", () => {
    const formatsOf = ({ cases }: AnyKernel) => new Set(cases.map(({ attributes }) => attributes.format as string))
    const groups = bitWidths.flatMap((bits) => groupSizes.map((size) => `q${bits}g${size}`))
    expect([...formatsOf(packedMatmul)]).toEqual(expect.arrayContaining(groups))
    for (const kernel of [packedMatmul, packedConv2d, embedding] as AnyKernel[])
      expect([...formatsOf(kernel)], kernel.name).toEqual(expect.arrayContaining([...ggufFormats]))
  })
  test("is registered once, under a name of its own", () => {
    const names = kernelRegistry.map((kernel) => kernel.name)
    expect(new Set(names).size).toBe(names.length)
  })
  test("declares the inputs its sources bind", () => {
    for (const kernel of kernelRegistry)
      for (const { source } of Object.values((kernel as AnyKernel).algorithms)) {
        const read = source.bindings.filter((binding) => binding.access === "read").map((binding) => binding.name)
        expect([kernel.name, read]).toEqual([kernel.name, kernel.inputs.map((input) => input.name)])
        expect(source.bindings).toHaveLength(kernel.inputs.length + 2)
      }
  })
  test("has cases under distinct names: with no elements, with one, and over 65,535 workgroups where its source is not another's", () => {
    for (const kernel of kernelRegistry as readonly AnyKernel[]) {
      const sizes = kernel.cases.map((one) => elems(one.shapes[0]!))
      // what refuses one element makes one of the fewest that it takes
      const takesOne = kernel.cases.some((one) => {
        const single = one.shapes.with(0, one.shapes[0]!.map(() => 1)) // biome-ignore format: one element
        try {
          return problemOf(kernel, { ...one, shapes: single }) !== undefined
        } catch {
          return false
        }
      })
      const counts = takesOne ? sizes : kernel.cases.map((one) => elems(kernel.output(problemOf(kernel, one)).shape))
      expect([kernel.name, sizes.includes(0), counts.includes(1)]).toEqual([kernel.name, true, true])
      expect(new Set(kernel.cases.map((one) => one.name)).size).toBe(kernel.cases.length)
      expect(kernel.cases.every((one) => one.tolerance.formula)).toBe(true)
    }
    const large = kernelRegistry.flatMap((kernel: AnyKernel) =>
      kernel.cases.flatMap((one) => {
        const problem = problemOf(kernel, one)
        const plan = makePlan(kernel, problem, { ...limits, features, subgroupMaxSize }, one)
        const algorithm = kernel.algorithms[plan.algorithm]!
        return algorithm.dispatch(problem, plan.tuning).workgroups > 65_535 ? [algorithm.source.path] : []
      }),
    )
    expect(new Set(large)).toEqual(new Set(ofKernels))
  })
})

describe("matmul's plan", () => {
  const matmul = kernelRegistry.find((kernel) => kernel.name === "matmul")!
  const choice = (m: number, k: number, n: number, given: Limits = limits, transposeB = false, options = {}) => {
    const inputs = [[m, k], transposeB ? [n, k] : [k, n]].map((shape) => ({ dtype: "float32" as const, shape }))
    return makePlan(matmul, matmul.problem(inputs, { ...matmul.defaults, transposeB }), given, options)
  }
  test("tiles what fills tiles, and nothing else", () => {
    expect(choice(512, 510, 512)).toEqual({ algorithm: "tiled", tuning: { WG_X: 16, WG_Y: 16, TILE_K: 16 } })
    expect(choice(16, 32, 4096).algorithm).toBe("naive")
    expect(choice(1, 16, 4096).algorithm).toBe("naive")
    expect(choice(512, 3, 512).algorithm).toBe("naive")
  })
  test("splits the sums of blocks where few rows or columns are no tile, and is long enough for it", () => {
    for (const rows of [4, 8, 31]) {
      expect(choice(rows, 4098, 4096)).toEqual({ algorithm: "split-blocked", tuning: { WG_X: 8, WG_Y: 8 } })
      expect(choice(4096, 4098, rows).algorithm).toBe("split-blocked")
      expect(choice(rows, 4098, 4096, limits, true).tuning).toEqual({ WG_X: 1, WG_Y: 64 })
    }
    expect(choice(3, 4098, 4096).algorithm).toBe("split")
    expect(choice(32, 4098, 4096).algorithm).toBe("tiled")
    expect(choice(8, 63, 4096).algorithm).toBe("naive")
    expect(choice(8, 4096, 4096, { ...limits, maxComputeWorkgroupStorageSize: 2048 }).algorithm).toBe("naive")
  })
  test("reads by fours what lies so: from multiples of four on, in rows of whole fours", () => {
    const given = (a: [number[], number[]?], b: [number[], number[]?], attributes = {}) => {
      const inputs = [a, b].map(([shape, strides]) => ({ dtype: "float32" as const, shape, strides }))
      return makePlan(matmul, matmul.problem(inputs, { ...matmul.defaults, ...attributes }), limits).algorithm
    }
    const tiled = (isInFours: boolean) => (isInFours ? "tiled-vec4" : "tiled")
    for (const size of [62, 63, 64, 65]) {
      expect(given([[50, size]], [[size, 64]])).toBe(tiled(size === 64))
      expect(given([[50, 64]], [[64, size]])).toBe(tiled(size === 64))
      expect(given([[50, 64]], [[size, 64]], { transposeB: true })).toBe(tiled(size === 64))
      expect(given([[50, 64], [size, 1]], [[64, 64]])).toBe(tiled(size === 64)) // biome-ignore format: a view a line
      expect(given([[50, 64]], [[64, 64], [size, 1]])).toBe(tiled(size === 64)) // biome-ignore format: a view a line
      expect(given([[2, 50, 64], [size, 64, 1]], [[64, 64]])).toBe(tiled(size === 64)) // biome-ignore format: a view a line
      expect(given([[2, 50, 64]], [[2, 64, 64], [size, 64, 1]])).toBe(tiled(size === 64)) // biome-ignore format: a view a line
    }
    expect(given([[64, 52]], [[64, 64]], { transposeA: true })).toBe("tiled")
    expect(given([[50, 64], [64, 2]], [[64, 64]])).toBe("tiled") // biome-ignore format: a view a line
    expect(given([[8, 64]], [[64, 64]])).toBe("split-blocked-vec4")
    expect(() => choice(50, 64, 63, limits, false, { algorithm: "tiled-vec4" })).toThrow(
      expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED", message: expect.stringContaining("whole fours") }),
    )
    expect(() => choice(50, 0, 64, limits, false, { algorithm: "tiled-vec4" })).toThrow("whole fours")
  })
  test("splits long sums where there are few rows or columns, along what lies word by word in memory", () => {
    expect(choice(1, 4096, 4096)).toEqual({ algorithm: "split", tuning: { WG_X: 32, WG_Y: 8 } })
    expect(choice(4096, 4096, 1)).toEqual({ algorithm: "split", tuning: { WG_X: 1, WG_Y: 64 } })
  })
  test("adds up along k by subgroups where the device has them", () => {
    const given = { ...limits, features }
    expect(choice(1, 4096, 4096, given, true)).toEqual({ algorithm: "subgroup-split", tuning: { WG: 64 } })
    expect(choice(1, 4096, 4096, limits, true)).toEqual({ algorithm: "split", tuning: { WG_X: 1, WG_Y: 64 } })
    // where it is columns that lie word by word in memory, or there is but one
    expect(choice(1, 4096, 4096, given).algorithm).toBe("split")
    expect(choice(4096, 4096, 1, given).algorithm).toBe("split")
    expect(choice(512, 512, 512, given).algorithm).toBe("tiled-vec4")
  })
  test("has no subgroups in their place where they are forced and the device lacks them, nor parts of one", () => {
    const refused = (reason: string) => expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED", message: expect.stringContaining(reason) }) // biome-ignore format: a line
    for (const algorithm of ["subgroup-split", "subgroup-blocked"])
      expect(() => choice(8, 64, 64, limits, false, { algorithm })).toThrow(refused("subgroups"))
    const blocked = { algorithm: "subgroup-blocked" }
    const upTo = (most?: number) => choice(8, 64, 64, { ...limits, features, subgroupMaxSize: most }, false, blocked)
    expect(upTo(64).tuning).toEqual({ WG: 64 })
    for (const most of [128, undefined]) expect(() => upTo(most)).toThrow(refused("up to 128"))
  })
  test("takes smaller workgroups where the device has only those, and none where there is no room", () => {
    const small = { ...limits, maxComputeInvocationsPerWorkgroup: 128 }
    expect(choice(512, 512, 512, small).tuning).toEqual({ WG_X: 8, WG_Y: 8, TILE_K: 16 })
    expect(choice(512, 512, 512, { ...limits, maxComputeWorkgroupStorageSize: 2048 }).algorithm).toBe("naive")
  })
})

describe("fft's plan", () => {
  const plan = (rows: number, length: number, given: Limits) => {
    const inputs = [[rows, length], [length, 2]].map((shape) => ({ dtype: "float32" as const, shape })) // biome-ignore format: a line
    return makePlan(fft, fft.problem(inputs, fft.defaults), given).tuning
  }
  test("has lengths of twos, threes and fives that a workgroup's memory holds twice, and others not", () => {
    for (const length of [1, 2, 12, 400, 512, 1000, 1024]) expect([length, hasFft(length, limits)]).toEqual([length, true]) // biome-ignore format: a line
    for (const length of [0, 7, 14, 1022, 1025, 2048]) expect([length, hasFft(length, limits)]).toEqual([length, false])
    expect(hasFft(2048, { ...limits, maxComputeWorkgroupStorageSize: 2 ** 15 })).toBe(true)
    expect(() => plan(1, 2048, limits)).toThrow(expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" }))
    expect(() => plan(1, 14, limits)).toThrow(expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" }))
  })
  test("gives a workgroup several rows where they are short, and no more than there are", () => {
    expect(plan(1000, 16, limits)).toEqual({ WG: 64, ROWS: 16 })
    expect(plan(3, 16, limits)).toEqual({ WG: 64, ROWS: 3 })
    expect(plan(1000, 400, limits)).toEqual({ WG: 128, ROWS: 1 })
    expect(plan(1000, 1024, limits)).toEqual({ WG: 256, ROWS: 1 })
    const software = { limits, features, adapterInfo: { vendor: "google", architecture: "swiftshader" } }
    const given = traitsOf(software as unknown as GPUDevice)
    expect(plan(1000, 400, given)).toEqual({ WG: 4, ROWS: 1 })
    expect([125, 128].map((length) => hasFft(length, given))).toEqual([false, true])
  })
})

describe("conv2d's plan", () => {
  const conv2d = kernelRegistry.find((kernel) => kernel.name === "conv2d")!
  const choice = (x: number[], w: number[], attributes = {}) => {
    const inputs = [x, w].map((shape) => ({ dtype: "float32" as const, shape }))
    return makePlan(conv2d, conv2d.problem(inputs, { ...conv2d.defaults, ...attributes }), limits).algorithm
  }
  test("reads by fours where channels are whole fours, however many pixels there are", () => {
    expect(choice([1, 8, 2, 6], [16, 8, 1, 1])).toBe("pointwise-vec4")
    expect(choice([1, 8, 7, 7], [16, 8, 1, 1])).toBe("pointwise-vec4")
    expect(choice([1, 6, 4, 4], [16, 6, 1, 1])).toBe("pointwise")
    expect(choice([1, 8, 4, 4], [16, 8, 1, 1], { strides: [2, 2] })).toBe("blocked")
    expect(choice([1, 8, 4, 4], [8, 1, 1, 1], { group: 8 })).toBe("depthwise")
  })
})

describe("packed-matmul's int8 activations", () => {
  const packed = kernelRegistry.find((kernel) => kernel.name === "packed-matmul")!
  const inputs = [
    { dtype: "float32" as const, shape: [1, 32] },
    { dtype: "uint32" as const, shape: [20] },
  ]
  const plan = (activations: "int8" | "float32", given: Limits) =>
    makePlan(
      packed,
      packed.problem(inputs, { ...packed.defaults, format: "q4g32", shape: [4, 32], activations }),
      given,
    )
  test("are to be had where WGSL multiplies whole numbers, and refused elsewhere: nothing else is computed in their place", () => {
    expect(plan("int8", { ...limits, features: int8Products }).algorithm).toBe("gemv")
    expect(plan("float32", limits).algorithm).toBe("gemv")
    for (const given of [limits, { ...limits, features: new Set(["subgroups"]) }])
      expect(() => plan("int8", given)).toThrow(
        expect.objectContaining({
          code: "IPFA_DEVICE_UNSUPPORTED",
          message: expect.stringContaining("packed_4x8_integer_dot_product"),
        }),
      )
  })
  test("are what an adapter that has them is given, where they are precise enough", () => {
    expect(fastActivations({ ...limits, features: int8Products })).toBe("int8")
    expect(fastActivations(limits)).toBe("float32")
    const device = { limits, features: new Set<string>() } as unknown as GPUDevice
    expect(fastActivations(traitsOf(device, undefined, int8Products))).toBe("int8")
    expect(fastActivations(traitsOf(device))).toBe("float32")
    const software = { ...device, adapterInfo: { vendor: "google", architecture: "swiftshader" } } as GPUDevice
    expect(fastActivations(traitsOf(software, undefined, int8Products))).toBe("float32")
  })
})

describe("a grid of workgroups", () => {
  test("holds every count, with less than a row to spare", () => {
    for (const limit of [1, 3, 10, 65_535])
      for (const count of [0, 1, limit - 1, limit, limit + 1, limit * limit - 1, limit * limit]) {
        if (count < 0 || count > limit * limit) continue
        const [x, y] = workgroupGrid(count, limit)
        expect(x <= limit && y <= limit && x * y >= count && x * y - count < Math.max(y, 1)).toBe(true)
      }
  })
  test("is refused beyond two dimensions", () => {
    expect(() => workgroupGrid(10, 3)).toThrow(expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" }))
  })
})

describe("packed params", () => {
  test("lie in the order of the declaration, little-endian, padded to 16 bytes", () => {
    const bytes = packParams(
      { a: "u32", b: "f32", c: "i32", d: "u32", e: "u32" },
      { e: 5, d: 4, c: -1, b: 0.5, a: 2 ** 32 - 1 },
    )
    expect([...new Uint32Array(bytes)]).toEqual([0xffffffff, 0x3f000000, 0xffffffff, 4, 5, 0, 0, 0])
  })
  test("are refused where a field is missing, unknown or out of range", () => {
    for (const values of [{}, { n: 1, m: 2 }, { n: -1 }, { n: 1.5 }, { n: 2 ** 32 }, { n: Number.NaN }])
      expect(() => packParams({ n: "u32" }, values as Record<string, number>)).toThrow(/Params/)
    expect(() => packParams({ x: "f32" }, { x: Number.POSITIVE_INFINITY })).toThrow(/no f32/)
  })
})

describe("the preprocessor", () => {
  const run = (lines: string[], config = {}) => preprocess("t.wgsl", lines.join("\n"), config).split("\n")
  test("keeps what holds and leaves line numbers as they were", () => {
    const text = ["a", "#if X", "b", "#if OP == add", "c", "#else", "d", "#endif", "#else", "e", "#endif", "f"]
    expect(run(text, { X: true, OP: "add" }).join()).toBe("a,,b,,c,,,,,,,f")
    expect(run(text, { X: 1, OP: "mul" }).join()).toBe("a,,b,,,,d,,,,,f")
    expect(run(text, { OP: "add" }).join()).toBe("a,,,,,,,,,e,,f")
    expect(run(["#if !X", "a", "#endif"])).toEqual(["", "a", ""])
  })
  test("declares the numbers that are asked for, where their branch is kept", () => {
    expect(run(["#const N", "#if X", "#const M", "#endif"], { N: 0, M: 7, X: false })).toEqual(["const N = 0u;", "", "", ""]) // biome-ignore format: a line
    for (const config of [{}, { N: -1 }, { N: 0.5 }, { N: "a" }, { N: true }]) {
      expect(() => run(["", "#const N"], config)).toThrow("t.wgsl:2")
      expect(run(["#if X", "#const N", "#endif"], config)).toEqual(["", "", ""])
    }
  })
  test("refuses what is unbalanced or unknown, with the line", () => {
    expect(() => run(["a", "#else"])).toThrow("t.wgsl:2")
    expect(() => run(["#endif"])).toThrow("t.wgsl:1")
    expect(() => run(["#if X", "#else", "#else", "#endif"])).toThrow("t.wgsl:3")
    expect(() => run(["#if X"])).toThrow("#if without #endif")
    expect(() => run(["#ifdef X"])).toThrow("unknown directive")
    expect(() => run(["#if X && Y", "#endif"])).toThrow("expected NAME")
  })
  test("includes a file once, also from within another and in a circle", () => {
    const files: Record<string, string> = {
      a: '#include "b"\n#include "c"\nA',
      b: '#include "c"\nB\n',
      c: '#include "a"\nC',
    }
    expect(
      resolveIncludes("a", (path) => files[path]!)
        .split("\n")
        .filter(Boolean),
    ).toEqual(["C", "B", "A"])
  })
})

describe("reflection", () => {
  const source = (rest: string) =>
    `struct Params { n: u32, eps: f32 }\noverride WG: u32 = 64;\noverride M: u32 = WG * 2u;\n${rest}`
  const x = "@group(0) @binding(0) var<storage, read> x: array<f32>;"
  const params = (at: number) => `@group(0) @binding(${at}) var<uniform> params: Params;`
  test("reads bindings, params and the constants that may be set", () => {
    expect(
      reflect("t", source(`${x}\n@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n${params(2)}`)),
    ).toEqual({
      bindings: [
        { name: "x", access: "read" },
        { name: "y", access: "read_write" },
        { name: "params", access: "uniform" },
      ],
      params: { n: "u32", eps: "f32" },
      overrides: { WG: 64 },
    })
  })
  test("refuses what departs from the conventions", () => {
    expect(() => reflect("t", source(params(1)))).toThrow("expected @group(0) @binding(0)")
    expect(() => reflect("t", source(`${params(0)}\n${x.replace("(0) @binding(0)", "(0) @binding(1)")}`))).toThrow(
      "then params",
    )
    expect(reflect("t", source(`@group(0) @binding(0) var image: texture_2d<f32>;\n${params(1)}`)).bindings[0]).toEqual(
      {
        name: "image",
        access: "texture",
      },
    )
    expect(() => reflect("t", source(`@group(0) @binding(0) var s: sampler;\n${params(1)}`))).toThrow()
    expect(() => reflect("t", `struct Params { v: vec3<f32> }\n${params(0)}`)).toThrow("vec3")
    expect(() => reflect("t", params(0))).toThrow("struct Params")
  })
})

describe("a pipeline's key", () => {
  const base = { label: "op:a", source: Object.values(wgsl)[0]!, config: { A: true, B: 1 }, tuning: { WG: 64 } }
  test("depends on source, config and tuning, not on the order they are written in", () => {
    expect(pipelineKey({ ...base, label: "other", config: { B: 1, A: true } })).toBe(pipelineKey(base))
    const others = [
      { ...base, config: { A: false, B: 1 } },
      { ...base, tuning: { WG: 32 } },
      { ...base, source: { ...base.source, hash: "another" } },
    ]
    expect(new Set([base, ...others].map(pipelineKey)).size).toBe(4)
  })
})

describe("quirks", () => {
  const kernel = (name: string) => kernelRegistry.find((one) => one.name === name)!
  const device = (info: Partial<GPUAdapterInfo>, has: Iterable<string> = features) =>
    ({ limits, features: has, adapterInfo: { subgroupMaxSize, ...info } }) as unknown as GPUDevice
  const choice = (name: string, shapes: number[][], info: Partial<GPUAdapterInfo>, has?: Iterable<string>) => {
    const inputs = shapes.map((shape) => ({ dtype: "float32" as const, shape }))
    const { defaults, problem } = kernel(name)
    return makePlan(kernel(name), problem(inputs, defaults), traitsOf(device(info, has)))
  }
  const matrices = [
    [512, 512],
    [512, 512],
  ]
  test("software adapters get no barriers among more than four: products in registers, rows by four", () => {
    const swiftshader = { vendor: "google", architecture: "swiftshader" }
    expect(choice("matmul", matrices, swiftshader)).toEqual({ algorithm: "blocked-vec4", tuning: { WG: 64, SIDE: 2 } })
    expect(choice("matmul", [[64, 510], [510, 64]], swiftshader)).toMatchObject({ algorithm: "blocked" }) // biome-ignore format: a line
    expect(choice("matmul", [[1, 512], [512, 512]], swiftshader)).toEqual({ algorithm: "subgroup-split", tuning: { WG: 4 } }) // biome-ignore format: a line
    expect(choice("matmul", [[1, 512], [512, 512]], swiftshader, [])).toMatchObject({ algorithm: "naive" }) // biome-ignore format: a line
    expect(choice("softmax", [[3, 700]], swiftshader).tuning).toEqual({ WG: 4 })
  })
  test("software adapters get few workgroups for what goes element by element, as large as a device allows", () => {
    const swiftshader = { vendor: "google", architecture: "swiftshader" }
    expect(choice("relu", [[700]], swiftshader)).toEqual({ algorithm: "flat", tuning: { WG: 256 } })
    expect(choice("copy", [[700]], swiftshader)).toEqual({ algorithm: "strided", tuning: { WG: 256 } })
    expect(choice("relu", [[700]], { vendor: "nvidia" }).tuning).toEqual({ WG: 64 })
    const relu = kernel("relu")
    const tight = { ...traitsOf(device(swiftshader)), maxComputeInvocationsPerWorkgroup: 128 }
    expect(makePlan(relu, relu.problem([{ dtype: "float32", shape: [700] }], relu.defaults), tight).tuning).toEqual({ WG: 128 }) // biome-ignore format: a line
  })
  test("software adapters get blocks for products of few rows, whose values are loaded by fours, or else once for a subgroup where there are any", () => {
    const swiftshader = { vendor: "google", architecture: "swiftshader" }
    const few = [[8, 510], [510, 512]] // biome-ignore format: a line
    const fours = (rows: number) =>
      choice(
        "matmul",
        [
          [rows, 512],
          [512, 512],
        ],
        swiftshader,
      )
    expect(fours(8)).toEqual({ algorithm: "blocked-vec4", tuning: { WG: 64, SIDE: 2 } })
    expect(fours(4)).toEqual({ algorithm: "blocked-vec4", tuning: { WG: 64, SIDE: 1 } })
    expect(choice("matmul", few, swiftshader)).toEqual({ algorithm: "subgroup-blocked", tuning: { WG: 4 } })
    expect(choice("matmul", few, swiftshader, [])).toEqual({ algorithm: "blocked", tuning: { WG: 64, SIDE: 2 } })
    expect(choice("matmul", [[4, 510], [510, 512]], swiftshader, []).tuning).toEqual({ WG: 64, SIDE: 1 }) // biome-ignore format: a line
    expect(choice("matmul", few, { vendor: "nvidia" })).toMatchObject({ algorithm: "split-blocked" })
  })
  test("software adapters get large blocks for convolutions, but none that would be half empty", () => {
    const swiftshader = { vendor: "google", architecture: "swiftshader" }
    const conv = (outs: number, size: number) => choice("conv2d", [[1, 8, 9, 9], [outs, 8, size, size]], swiftshader) // biome-ignore format: a case is a line
    expect(conv(16, 3)).toEqual({ algorithm: "blocked", tuning: { WG: 64, SIDE: 2 } })
    expect(conv(16, 1)).toEqual({ algorithm: "pointwise-vec4", tuning: { WG: 64, SIDE: 2 } })
    expect(conv(4, 1)).toEqual({ algorithm: "pointwise-vec4", tuning: { WG: 64, SIDE: 1 } })
    expect(choice("conv2d", [[1, 8, 9, 9], [16, 8, 1, 1]], {}).tuning).toEqual({ WG: 64, SIDE: 1 }) // biome-ignore format: a case is a line
  })
  test("other adapters, and those that nothing is known of, get the kernel's own choice", () => {
    for (const info of [{ vendor: "nvidia", architecture: "ampere" }, {}]) {
      expect(choice("matmul", matrices, info)).toMatchObject({ algorithm: "tiled-vec4" })
      expect(choice("softmax", [[3, 700]], info).tuning).toEqual({ WG: 64 })
    }
  })
  test("what a caller forces stands", () => {
    const given = device({ vendor: "google", architecture: "swiftshader" })
    const softmax = kernel("softmax")
    const problem = softmax.problem([{ dtype: "float32", shape: [3, 700] }], softmax.defaults)
    expect(makePlan(softmax, problem, traitsOf(given), { tuning: { WG: 32 } }).tuning).toEqual({ WG: 32 })
    expect(makePlan(softmax, problem, traitsOf(given), { algorithm: "line" as never }).tuning).toEqual({ WG: 64 })
  })
})
