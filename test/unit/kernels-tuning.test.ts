import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type Counts, counted } from "../../bench/kernels/counted-device.ts"
import { attentionDecode, gemv4bit } from "../../bench/kernels/language-cases.ts"
import { worksOf } from "../../engine/backends/wgsl/works.ts"
import {
  type Algorithm,
  type AnyKernel,
  attention,
  commonWorks,
  KernelRuntime,
  type Limits,
  matmul,
  packedMatmul,
  packedWords,
  parseWinners,
  prepare,
  relu,
  type TensorType,
  traitsOf,
  tune,
  type Winner,
  workKey,
} from "../../kernels/index.ts"
import { variantsOf } from "../../kernels/tuning/variants.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { digitsModel } from "../support/digits.ts"

let device: GPUDevice
let counts: Counts
let limits: Limits
beforeAll(async () => {
  device = await softwareDevice()
  counts = counted(device)
  limits = traitsOf(device)
})
afterAll(() => device?.destroy())

const f32 = (...shape: number[]): TensorType => ({ dtype: "float32", shape })
const key = (kernel: AnyKernel, inputs: TensorType[], attributes = {}) => workKey({ kernel, inputs, attributes })
const pair = (m: number, k: number, n: number) => [f32(m, k), f32(k, n)]
const won = (choice: Pick<Winner, "algorithm" | "tuning">): Winner => ({ ...choice, ms: 1, planMs: 2 })

describe("what was measured", () => {
  const winners = new Map([[key(matmul, pair(64, 64, 64)), won({ algorithm: "naive", tuning: { WG: 32 } })]])
  const planned = (inputs: TensorType[], options = {}, given: Limits = { ...limits, winners }) => {
    const { label, tuning } = prepare(matmul, inputs, {}, given, options).pipeline
    return { label, tuning }
  }

  test("is planned for sizes that round up to the same, and for no others", () => {
    expect(planned(pair(64, 64, 64), {}, limits).label).toBe("matmul:blocked-vec4")
    for (const size of [33, 63, 64]) expect(planned(pair(size, 64, 40)).label).toBe("matmul:naive")
    expect(planned(pair(64, 64, 64)).tuning).toEqual({ WG: 32 })
    expect(planned(pair(65, 64, 64)).label).toBe("matmul:blocked-vec4")
  })

  test("gives way to what a caller forces, which fails where it can't be had", () => {
    expect(planned(pair(64, 64, 64), { algorithm: "blocked" }).label).toBe("matmul:blocked")
    expect(planned(pair(64, 64, 64), { tuning: { WG: 16 } })).toEqual({
      label: "matmul:blocked-vec4",
      tuning: { WG: 16, SIDE: 2 },
    })
    expect(() => planned(pair(64, 64, 64), { algorithm: "naive", tuning: { WG: 4096 } })).toThrow(
      expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" }),
    )
  })

  test("is not planned on a device that can't have it, nor after a source was changed", () => {
    const large = won({ algorithm: "naive", tuning: { WG: 128 } })
    const small = { ...limits, winners: new Map([[key(matmul, pair(64, 64, 64)), large]]) }
    expect(planned(pair(64, 64, 64), {}, small).tuning).toEqual({ WG: 128 })
    expect(planned(pair(64, 64, 64), {}, { ...small, maxComputeInvocationsPerWorkgroup: 64 }).label).toBe(
      "matmul:blocked-vec4",
    )
    const { naive } = matmul.algorithms
    const changed = { ...matmul, algorithms: { ...matmul.algorithms, naive: { ...naive, source: { ...naive.source, hash: "0" } } } } // biome-ignore format: a line
    expect(key(changed as AnyKernel, pair(64, 64, 64))).not.toBe(key(matmul, pair(64, 64, 64)))
  })

  test("depends on switches and names among the attributes", () => {
    const keys = [{}, { transposeB: true }, { transposeA: true }].map((one) => key(matmul, pair(64, 64, 64), one))
    expect(new Set(keys).size).toBe(3)
  })

  test("holds whether defaults and inputs that are left out are named or not", () => {
    const inputs: [TensorType, TensorType] = [f32(1, 64), { dtype: "uint32", shape: [packedWords("q4g32", 8, 64)] }]
    const attributes = { format: "q4g32", shape: [8, 64] } as const
    const named = { kernel: packedMatmul, inputs: [...inputs, undefined, undefined], attributes: { ...attributes, activations: "float32", scale: 1 } } // biome-ignore format: a line
    expect(workKey(named)).toBe(key(packedMatmul, inputs, attributes))
    expect(workKey({ ...named, inputs: [...inputs, undefined, f32(1, 8)] })).not.toBe(workKey(named))
    expect(workKey({ ...named, attributes: { ...attributes, activations: "int8" } })).not.toBe(workKey(named))
  })

  test("is read as it was stored; anything else is refused", () => {
    const stored = { "google swiftshader": Object.fromEntries(winners) }
    expect(parseWinners(JSON.stringify(stored))).toEqual(stored)
    for (const text of ["", "[]", '{"a":1}', '{"a":{"k":{"algorithm":"naive"}}}', '{"a":{"k":{"algorithm":1,"ms":1,"planMs":1}}}']) // biome-ignore format: a line
      expect(() => parseWinners(text)).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
  })
})

describe("variants", () => {
  test("begin with the plan's own choice; none is there twice, or where it can't be had", () => {
    const problem = matmul.problem(pair(64, 64, 64), matmul.defaults)
    const tight = { ...limits, maxComputeInvocationsPerWorkgroup: 64 }
    const all = variantsOf(matmul, problem, tight)
    expect(all[0]).toEqual({ algorithm: "blocked-vec4", tuning: { WG: 64, SIDE: 2 } })
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(all.length)
    expect(all.map(({ tuning }) => (tuning.WG ?? 0) <= 64)).not.toContain(false)
    expect(all.map(({ algorithm }) => algorithm)).toContain("naive")
  })

  test("of attention are of several sizes of workgroups, each with memory for its heads", () => {
    const problem = attention.problem([f32(1, 2, 1, 96), f32(1, 1, 8, 96), f32(1, 1, 8, 32)], attention.defaults)
    const tunings = variantsOf(attention, problem, limits).map(({ tuning }) => tuning)
    expect(tunings).toEqual([64, 4, 32, 128, 256].map((WG) => ({ WG, SIZE: 96, V_SIZE: 32 })))
  })

  test("are several for each of the common works", () => {
    for (const { kernel, inputs, attributes } of commonWorks)
      expect(variantsOf(kernel, kernel.problem(inputs, { ...kernel.defaults, ...attributes }), limits).length).toBeGreaterThan(1) // biome-ignore format: a line
  })
})

describe("tuning", () => {
  const { flat } = relu.algorithms
  /** What relu is planned by is its source's own. */
  const plain = () => new KernelRuntime(device, { ...limits, quirks: [] })
  /** Of two variants. */
  const two = { ...relu, algorithms: { flat: { ...flat, tunings: [{ WG: 32 }] } } } as AnyKernel
  const inputs = [f32(64)]

  test("measures every variant, finds one no slower than the plan's, and leaves nothing on the device", async () => {
    const runtime = plain()
    const before = counts.live
    const tuned = await tune(runtime, { kernel: two, inputs, attributes: {} }, { budgetMs: 1 })
    const { winner, variants, key: found } = tuned!
    expect(found).toBe(key(relu, inputs))
    expect(variants).toEqual([64, 32].map((WG) => ({ algorithm: "flat", tuning: { WG }, ms: expect.any(Number) })))
    expect(winner.planMs).toBe(variants[0]!.ms)
    expect(winner.ms).toBeLessThanOrEqual(winner.planMs)
    expect(variants).toContainEqual(expect.objectContaining({ tuning: winner.tuning, ms: winner.ms }))
    runtime.memory.trim()
    expect(counts.live).toBe(before)
  })

  test("lets no variant win whose answer is another, or that does not compile", async () => {
    const source = (code: string, hash: string) => ({ ...flat.source, hash, code: flat.source.code.replace("let v = x[i];", code) }) // biome-ignore format: a line
    const kernel = {
      ...relu,
      algorithms: {
        flat: { ...flat, tunings: [] },
        idle: { ...flat, tunings: [], source: source("let v = y[i];", "idle") },
        broken: { ...flat, tunings: [], source: source("let v = z[i];", "broken") },
      },
    } as unknown as AnyKernel
    const tuned = await tune(plain(), { kernel, inputs: [f32(4096)], attributes: {} })
    expect(tuned!.winner.algorithm).toBe("flat")
    expect(tuned!.variants.map(({ reason }) => reason)).toEqual([
      undefined,
      expect.stringMatching(/^its answer differs by 1 of/),
      expect.stringMatching(/unresolved value/),
    ])
  })

  /** The kernel with this algorithm, and beside it the same with its source changed. */
  const changed = (kernel: AnyKernel, algorithm: string, from: string, to: string): AnyKernel => {
    const own: Algorithm<unknown> = kernel.algorithms[algorithm]!
    const source = { ...own.source, code: own.source.code.replace(from, to), hash: "changed" }
    return { ...kernel, algorithms: { [algorithm]: { ...own, tunings: [] }, changed: { ...own, tunings: [], source } } }
  }
  test.each([
    {
      of: "weights that are packed",
      kernel: changed(packedMatmul, "gemv", "sum[c] +=", "sum[c] -="),
      inputs: [f32(1, 64), { dtype: "uint32", shape: [packedWords("q4g32", 8, 64)] } as TensorType],
      attributes: { format: "q4g32", shape: [8, 64] },
    },
    {
      of: "the tokens of sequences",
      kernel: changed(attention, "online", "sum += shares", "sum -= shares"),
      inputs: [f32(2, 1, 1, 64), f32(4, 1, 4, 64), f32(4, 1, 4, 64), undefined, { dtype: "int32", shape: [2, 3] } as TensorType], // biome-ignore format: a line
      attributes: { causal: true },
    },
  ])("takes $of, and tells a variant that gets them wrong", async ({ kernel, inputs, attributes }) => {
    const tuned = await tune(plain(), { kernel, inputs, attributes }, { budgetMs: 1 })
    expect(tuned!.variants.find(({ algorithm }) => algorithm === "changed")?.reason).toMatch(/^its answer differs by 2 of/) // biome-ignore format: a line
  })

  test("ends when it may not go on, with no winner and nothing on the device", async () => {
    const runtime = new KernelRuntime(device, limits)
    const before = counts.live
    let asked = 0
    const mayGoOn = () => ++asked < 4
    expect(await tune(runtime, { kernel: two, inputs, attributes: {} }, { mayGoOn })).toBeUndefined()
    expect(asked).toBe(4)
    runtime.memory.trim()
    expect(counts.live).toBe(before)
  })

  test("of common works holds for what a graph asks for to decode a token", () => {
    const common = new Set(commonWorks.map(workKey))
    const asked = [gemv4bit(1024, 1024), attentionDecode(32, 8, 4096)].flatMap(({ model }) => worksOf(model(), limits))
    const found = asked.filter((work) => common.has(workKey(work))).map(({ kernel }) => kernel.name)
    expect(found).toEqual(["packed-matmul", "attention"])
  })

  test("knows what a model needs, each kind once", () => {
    const works = worksOf(digitsModel, limits, { image: [4, 1, 8, 8] })
    const names = works.map(({ kernel }) => kernel.name)
    expect(names).toEqual(expect.arrayContaining(["conv2d", "matmul"]))
    expect(new Set(works.map(workKey)).size).toBe(works.length) // biome-ignore format: a line
  })
})
