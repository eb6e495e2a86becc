import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type Counts, counted } from "../../bench/kernels/counted-device.ts"
import { worksOf } from "../../engine/backends/wgsl/works.ts"
import {
  type AnyKernel,
  KernelRuntime,
  type Limits,
  matmul,
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

  test("knows what a model needs, each kind once", () => {
    const works = worksOf(digitsModel, limits, { image: [4, 1, 8, 8] })
    const names = works.map(({ kernel }) => kernel.name)
    expect(names).toEqual(expect.arrayContaining(["conv2d", "matmul"]))
    expect(new Set(works.map(workKey)).size).toBe(works.length) // biome-ignore format: a line
  })
})
