import { afterAll, beforeAll, expect, test } from "vitest"
import { type Counts, counted } from "../../bench/kernels/counted-device.ts"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import type { Dtype, KeptTensor, Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { digits, digitsModel, distance } from "../support/digits.ts"
import { model, type Tiny, value } from "./tiny-models.ts"

let runtime: KernelRuntime
let counts: Counts
beforeAll(async () => {
  const device = await softwareDevice()
  counts = counted(device)
  runtime = new KernelRuntime(device)
})
afterAll(() => runtime?.device.destroy())

const open = () => WgslSession.open(runtime, digitsModel)

/** Runs the first `batch` of the sample images and expects their logits. */
async function runRight(session: WgslSession, batch: number, keep: string[] = []): Promise<Tensor | KeptTensor> {
  const samples = digits.samples.slice(0, batch)
  const data = Float32Array.from(samples.flatMap(({ image }) => image))
  const { outputs } = await session.run({ image: { dtype: "float32", shape: [batch, 1, 8, 8], data } }, { keep })
  const logits = outputs.logits!
  if ("data" in logits) {
    const expected = samples.flatMap((sample) => sample.logits)
    expect(distance((logits as Tensor<"float32">).data, expected)).toBeLessThan(digits.tolerance)
  }
  return logits
}

test("weights are on the device once, for all shapes of the inputs and all sessions", async () => {
  const one = await open()
  await runRight(one, 4)
  const before = counts.live
  for (const batch of [1, 2, 3]) await runRight(one, batch)
  const other = await open()
  await runRight(other, 2)
  // what each program has of its own: parameters of its steps
  expect(counts.live - before).toBeLessThan(digitsModel.byteLength / 4)
  expect(one.memoryBytes).toBeLessThan(before + digitsModel.byteLength / 4)
  await one.close()
  await runRight(other, 4)
  await other.close()
})

test("weights that are computed from others are computed once, and those others are gone then", async () => {
  const data = Float32Array.from({ length: 96 * 64 }, (_, i) => i % 7)
  const turned = model({
    inputs: [value("x", "float32", ["n", 64])],
    outputs: [value("y", "float32", ["n", 96])],
    weights: [{ name: "w", dims: [96, 64], data }],
    nodes: [
      { opType: "Transpose", input: ["w"], output: ["t"] },
      { opType: "MatMul", input: ["x", "t"], output: ["y"] },
    ],
  })
  const before = counts.live
  const session = await WgslSession.open(runtime, turned)
  const run = (n: number) =>
    session.run({ x: { dtype: "float32", shape: [n, 64], data: new Float32Array(n * 64).fill(1) } }, {})
  const expected = Array.from({ length: 96 }, (_, row) =>
    data.subarray(row * 64, row * 64 + 64).reduce((a, b) => a + b),
  )
  for (const n of [2, 1]) {
    const { outputs } = await run(n)
    expect([...(outputs.y as Tensor<"float32">).data.subarray(0, 96)]).toEqual(expected)
    expect(counts.live - before).toBeLessThan(1.5 * data.byteLength)
  }
  counts.dispatches = 0
  await run(3)
  expect(counts.dispatches).toBe(1)
  await session.close()
})

test("a product with stored bytes never takes what float32 would, for any number of rows", async () => {
  const size = 256
  const bytes = Uint8Array.from({ length: size * size }, (_, i) => (i * 37) % 256)
  const floats = Float32Array.from(bytes, (byte) => (byte - 128) / 64)
  const one = (name: string, dtype: Dtype, data: Float32Array | Uint8Array) => ({ name, dims: [], dtype, data })
  const ofFactor = (nodes: Tiny["nodes"], weights: Tiny["weights"]) =>
    model({
      inputs: [value("x", "float32", ["n", size])],
      outputs: [value("y", "float32", ["n", size])],
      nodes: [...nodes, { opType: "MatMul", input: ["x", "w"], output: ["y"] }],
      weights,
    })
  const packed = ofFactor(
    [{ opType: "DequantizeLinear", input: ["q", "scale", "point"], output: ["w"] }],
    [
      { name: "q", dims: [size, size], data: bytes, dtype: "uint8" },
      one("scale", "float32", Float32Array.of(1 / 64)),
      one("point", "uint8", Uint8Array.of(128)),
    ],
  )
  const plain = ofFactor([], [{ name: "w", dims: [size, size], data: floats }])
  const x = (rows: number) => ({
    dtype: "float32" as const,
    shape: [rows, size],
    data: Float32Array.from({ length: rows * size }, (_, i) => (i % 5) - 2),
  })
  const measured = async (of: Uint8Array<ArrayBuffer>) => {
    const before = counts.live
    counts.peak = before
    const session = await WgslSession.open(runtime, of)
    const results = []
    for (const rows of [1, 5]) results.push(((await session.run({ x: x(rows) }, {})).outputs.y as Tensor).data)
    const { memoryBytes } = session
    await session.close()
    return { results, peak: counts.peak - before, memoryBytes }
  }
  const [few, whole] = [await measured(packed), await measured(plain)]
  // whole numbers of 64ths, below 2^24 of them
  expect(few.results).toEqual(whole.results)
  const saved = floats.byteLength - 256 * 2 * (128 + 4)
  expect(whole.peak - few.peak).toBeGreaterThan(0.9 * saved)
  expect(whole.memoryBytes - few.memoryBytes).toBeGreaterThan(0.9 * saved)
})

test("what nodes compute alike is computed once, and no more is taken for alike", async () => {
  const steep = (alpha: number) => [{ name: "alpha", type: 1, f: alpha }]
  const bytes = model({
    inputs: [value("x", "float32", ["n"])],
    outputs: [value("y", "float32", ["n"]), value("b", "float32", ["n"])],
    weights: [
      { name: "two", dims: [1], data: Float32Array.of(2) },
      { name: "also two", dims: [1], data: Float32Array.of(2) },
    ],
    nodes: [
      // What an output of the graph has the name of is made all the same.
      { opType: "Exp", input: ["x"], output: ["a"] },
      { opType: "Exp", input: ["x"], output: ["b"] },
      // Alike by what their inputs are alike in, though these have other names.
      { opType: "Pow", input: ["a", "two"], output: ["c"] },
      { opType: "Pow", input: ["a", "also two"], output: ["d"] },
      { opType: "Erf", input: ["c"], output: ["e"] },
      { opType: "Erf", input: ["d"], output: ["f"] },
      // Other attributes, another order of the inputs.
      { opType: "LeakyRelu", input: ["x"], output: ["g"], attribute: steep(0.5) },
      { opType: "LeakyRelu", input: ["x"], output: ["h"], attribute: steep(0.25) },
      { opType: "Sub", input: ["e", "g"], output: ["i"] },
      { opType: "Sub", input: ["h", "f"], output: ["j"] },
      { opType: "Max", input: ["i", "j"], output: ["y"] },
    ],
  })
  const session = await WgslSession.open(runtime, bytes)
  counts.dispatches = 0
  const data = Float32Array.of(-2, -0.5, 0, 0.25)
  const { outputs } = await session.run({ x: { dtype: "float32", shape: [4], data } }, {})
  // Exp twice, Pow, Erf, LeakyRelu twice, Sub twice, Max.
  expect(counts.dispatches).toBe(9)
  const erfOf = [0.020665, 0.397118, 0.842701, 0.980281]
  const right = [...data].map((x, i) => {
    const leaky = (alpha: number) => Math.max(x, 0) + alpha * Math.min(x, 0)
    return Math.max(erfOf[i]! - leaky(0.5), leaky(0.25) - erfOf[i]!)
  })
  expect(distance((outputs.y as Tensor<"float32">).data, right)).toBeLessThan(1e-4)
  expect(distance((outputs.b as Tensor<"float32">).data, [...data].map(Math.exp))).toBeLessThan(1e-5)
  await session.close()
})

test("what doesn't live at once takes less than a buffer for each tensor would", async () => {
  const session = await open()
  await runRight(session, 4)
  const { peakBytes, sumBytes } = session.plan!
  expect(peakBytes).toBeLessThan(0.7 * sumBytes)
  await session.close()
})

test("sessions that were closed, in any order, leave nothing on the device, kept tensors neither", async () => {
  for (let round = 0; round < 3; round++) {
    const sessions = await Promise.all([open(), open(), open()])
    for (const [i, session] of sessions.entries()) {
      await runRight(session, i + 1)
      const { kept } = (await runRight(session, 3, ["logits"])) as KeptTensor
      await runRight(session, 3, ["logits"])
      if (i > 0) session.release([kept])
    }
    for (const i of [1, 0, 2]) await sessions[i]!.close()
    expect(counts.live).toBe(0)
  }
})
