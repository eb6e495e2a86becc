// Models as quantizers write them, QuantizeLinear and DequantizeLinear around what is to be of few bits: right, and of few bits on the device.
import * as ort from "onnxruntime-node"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import type { Dtype, Tensor } from "../../protocol/index.ts"
import { softwareDevice } from "../kernels/software-gpu.ts"
import { int, ints, tensor } from "./single-node.ts"
import { model, type Tiny, value } from "./tiny-models.ts"

let runtime: KernelRuntime
let uploaded: number[] = []
beforeAll(async () => {
  const device = await softwareDevice()
  const create = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    if (descriptor.label === "weights") uploaded.push(descriptor.size)
    return create(descriptor)
  }
  runtime = new KernelRuntime(device)
})
afterAll(() => runtime?.device.destroy())

type Weight = NonNullable<Tiny["weights"]>[number]
interface Given {
  x: Tensor
  nodes: Tiny["nodes"]
  weights: Weight[]
  /** Rank of y. */
  rank: number
}

const weight = (name: string, dtype: Dtype, dims: number[], low: number, high: number, seed = 1): Weight => {
  const data = tensor(dtype, dims, low, high, seed).data as Uint8Array
  return { name, dtype, dims, data }
}
const scale = (name: string, count = 0) => weight(name, "float32", count > 0 ? [count] : [], 0.01, 0.02, 5)

/** Expects onnxruntime-node's answer; gives the bytes of each weight on the device. */
async function agree({ x, nodes, weights, rank }: Given): Promise<number[]> {
  const bytes = model({
    inputs: [value("x", x.dtype, x.shape)],
    outputs: [
      value(
        "y",
        "float32",
        Array.from({ length: rank }, (_, axis) => `y${axis}`),
      ),
    ],
    nodes,
    weights,
  })
  uploaded = []
  const ours = await WgslSession.open(runtime, bytes)
  const got = (await ours.run({ x }, {})).outputs.y as Tensor
  await ours.close()
  // As it stands: optimized it would round activations to 8 bits as well.
  const theirs = await ort.InferenceSession.create(bytes, { executionProviders: ["cpu"], graphOptimizationLevel: "disabled" }) // biome-ignore format: a line
  const { y } = await theirs.run({ x: new ort.Tensor(x.dtype as "float32", x.data as Float32Array, x.shape) })
  await theirs.release()
  expect(got.shape).toEqual(y!.dims)
  const want = y!.data as Float32Array
  const most = want.reduce((size, one) => Math.max(size, Math.abs(one)), 0)
  const off = want.map((one, i) => Math.abs(one - (got.data as Float32Array)[i]!))
  expect(Math.max(...off)).toBeLessThanOrEqual(1e-5 * most)
  return uploaded
}

const dequantize = (name: string, attribute: Tiny["nodes"][number]["attribute"] = [], hasPoint = true) => ({
  opType: "DequantizeLinear",
  input: [name, `${name}_scale`, ...(hasPoint ? [`${name}_point`] : [])],
  output: [`${name}_number`],
  attribute,
})

describe("a table of few bits", () => {
  const indices = { dtype: "int64" as const, shape: [2, 3], data: BigInt64Array.from([0, 8, -1, 5, -9, 8], BigInt) }
  const early = (attribute: Tiny["nodes"][number]["attribute"] = [], hasPoint = true): Tiny["nodes"] => [
    dequantize("w", attribute, hasPoint),
    { opType: "Gather", input: ["w_number", "x"], output: ["y"] },
  ]
  const late: Tiny["nodes"] = [
    { opType: "Gather", input: ["w", "x"], output: ["p"] },
    { ...dequantize("w"), input: ["p", "w_scale", "w_point"], output: ["y"] },
  ]
  const bytes = [weight("w", "uint8", [9, 200], 0, 255), scale("w_scale"), weight("w_point", "uint8", [], 120, 130)]
  const nibbles = { ...weight("w", "uint8", [9, 32], 0, 255), dtype: "int4" as const, dims: [9, 64] }

  test("is on the device in few bits, whether rows are picked before or after they are made numbers", async () => {
    // 9 rows of two groups of 128, with two float32 each
    for (const nodes of [early(), late])
      expect(await agree({ x: indices, nodes, weights: bytes, rank: 3 })).toEqual([9 * 2 * (128 + 8)])
  })
  test("may have a scale a row, signed numbers, no zero point", async () => {
    const weights = [weight("w", "int8", [9, 200], -128, 127), scale("w_scale", 9)]
    expect(await agree({ x: indices, nodes: early([int("axis", 0)], false), weights, rank: 3 })).toEqual([9 * 2 * (128 + 8)]) // biome-ignore format: a line
  })
  test("may have blocks of 4-bit numbers", async () => {
    const weights = [nibbles, { ...scale("w_scale", 18), dims: [9, 2] }]
    const nodes = early([int("axis", 1), int("block_size", 32)], false)
    expect(await agree({ x: indices, nodes, weights, rank: 3 })).toEqual([9 * 2 * (16 + 8)])
  })
  test("is float32 where it has a scale a column, or is too small to gain", async () => {
    const columns = [bytes[0]!, scale("w_scale", 200), weight("w_point", "uint8", [200], 120, 130)]
    expect(await agree({ x: indices, nodes: early(), weights: columns, rank: 3 })).toEqual([9 * 200 * 4])
    const small = [weight("w", "uint8", [9, 5], 0, 255), ...bytes.slice(1)]
    for (const nodes of [early(), late])
      expect(await agree({ x: indices, nodes, weights: small, rank: 3 })).toEqual([9 * 5 * 4])
  })
})

describe("windows of few bits", () => {
  const image = (channels: number, size: number) => tensor("float32", [2, channels, size, size]) as Tensor
  const conv = (attribute: Tiny["nodes"][number]["attribute"]): Tiny["nodes"] => [
    dequantize("w", [int("axis", 0)]),
    { opType: "Conv", input: ["x", "w_number", "b"], output: ["c"], attribute },
    { opType: "Relu", input: ["c"], output: ["y"] },
  ]
  const weights = (dims: number[], count = 0): Weight[] => [
    weight("w", "uint8", dims, 0, 255),
    scale("w_scale", count),
    weight("w_point", "uint8", count > 0 ? [count] : [], 120, 130),
    weight("b", "float32", [dims[0]!], -1, 1),
  ]
  /** Bytes of the weights, the bias left out. */
  const weightBytes = async (given: Given, outs: number) => (await agree(given)).filter((bytes) => bytes !== 4 * outs)

  test("are on the device in few bits, a scale for all or one an output, and give onnxruntime's numbers", async () => {
    const pixels = { x: image(40, 5), nodes: conv([]), weights: weights([6, 40, 1, 1]), rank: 4 }
    expect(await weightBytes(pixels, 6)).toEqual([6 * (64 + 8)])
    const padded = { x: image(9, 5), nodes: conv([ints("pads", [1, 1, 1, 1])]), weights: weights([5, 9, 3, 3], 5), rank: 4 } // biome-ignore format: a line
    expect(await weightBytes(padded, 5)).toEqual([5 * (3 * (32 + 8))])
    const groups = { x: image(24, 4), nodes: conv([int("group", 2)]), weights: weights([8, 12, 2, 2], 8), rank: 4 }
    expect(await weightBytes(groups, 8)).toEqual([8 * (64 + 8)])
  })
  test("along a line too", async () => {
    const line = { ...image(9, 5), shape: [2, 9, 25] }
    expect(await weightBytes({ x: line, nodes: conv([]), weights: weights([4, 9, 5], 4), rank: 3 }, 4)).toEqual([
      4 * (64 + 8),
    ])
  })
  test("are float32 where each channel is on its own, and where they are too few", async () => {
    const depthwise = { x: image(8, 5), nodes: conv([int("group", 8)]), weights: weights([8, 1, 5, 5], 8), rank: 4 }
    expect(await weightBytes(depthwise, 8)).toEqual([8 * 25 * 4])
    const few = { x: image(9, 5), nodes: conv([]), weights: weights([5, 9, 1, 1], 5), rank: 4 }
    expect(await weightBytes(few, 5)).toEqual([5 * 9 * 4])
  })
})

describe("a factor of few bits", () => {
  const rows = tensor("float32", [5, 40]) as Tensor
  const product = (attribute: Tiny["nodes"][number]["attribute"] = [], hasPoint = true): Tiny["nodes"] => [
    dequantize("w", attribute, hasPoint),
    { opType: "MatMul", input: ["x", "w_number"], output: ["y"] },
  ]
  const turned = (attribute: Tiny["nodes"][number]["attribute"] = []): Tiny["nodes"] => [
    dequantize("w", attribute),
    { opType: "Transpose", input: ["w_number"], output: ["t"] },
    { opType: "MatMul", input: ["x", "t"], output: ["y"] },
  ]
  const weights = (dims: number[], count = 0): Weight[] => [
    weight("w", "uint8", dims, 0, 255),
    scale("w_scale", count),
    weight("w_point", "uint8", count > 0 ? [count] : [], 120, 130),
  ]
  /** A group of 64 for each of 6 columns. */
  const packedBytes = [6 * (64 + 8)]

  test("is on the device in few bits, a scale for all or one a column, and gives onnxruntime's numbers", async () => {
    expect(await agree({ x: rows, nodes: product(), weights: weights([40, 6]), rank: 2 })).toEqual(packedBytes)
    expect(await agree({ x: rows, nodes: product(), weights: weights([40, 6], 6), rank: 2 })).toEqual(packedBytes)
    const signed = [weight("w", "int8", [40, 6], -128, 127), scale("w_scale", 6)]
    expect(await agree({ x: rows, nodes: product([], false), weights: signed, rank: 2 })).toEqual(packedBytes)
  })
  test("for a vector, a row, and rows of several matrices", async () => {
    for (const shape of [[40], [1, 40], [2, 3, 40], [2, 1, 3, 40]]) {
      const x = tensor("float32", shape) as Tensor
      const given = { x, nodes: product(), weights: weights([40, 6]), rank: shape.length }
      expect(await agree(given)).toEqual(packedBytes)
    }
  })
  test("stored the other way round, too, for Gemm and behind a Transpose", async () => {
    const own = weights([6, 40], 6)
    const bias = weight("b", "float32", [6], -1, 1)
    const attribute = [int("transB", 1)]
    const nodes = [dequantize("w", [int("axis", 0)]), { opType: "Gemm", input: ["x", "w_number", "b"], output: ["y"], attribute }] // biome-ignore format: a line
    const gemm = await agree({ x: rows, nodes, weights: [...own, bias], rank: 2 })
    expect(gemm.filter((bytes) => bytes !== 4 * 6)).toEqual(packedBytes)
    expect(await agree({ x: rows, nodes: turned([int("axis", 0)]), weights: own, rank: 2 })).toEqual(packedBytes)
  })
  test("in blocks of 4-bit numbers down its columns", async () => {
    const x = tensor("float32", [5, 64]) as Tensor
    const nibbles = { ...weight("w", "uint8", [64, 3], 0, 255), dtype: "int4" as const, dims: [64, 6] }
    const scales = { ...scale("w_scale", 12), dims: [2, 6] }
    const nodes = product([int("axis", 0), int("block_size", 32)], false)
    expect(await agree({ x, nodes, weights: [nibbles, scales], rank: 2 })).toEqual([6 * 2 * (16 + 8)])
  })
  test("is float32 where it has a scale a row, is too small to gain, or meets a transposed matrix", async () => {
    const nodes = product([int("axis", 0)])
    expect(await agree({ x: rows, nodes, weights: weights([40, 6], 40), rank: 2 })).toEqual([40 * 6 * 4])
    const few = tensor("float32", [5, 9]) as Tensor
    expect(await agree({ x: few, nodes: product(), weights: weights([9, 6]), rank: 2 })).toEqual([9 * 6 * 4])
    const columns = tensor("float32", [40, 5]) as Tensor
    const gemm = { opType: "Gemm", input: ["x", "w_number"], output: ["y"], attribute: [int("transA", 1)] }
    const transposed = { x: columns, nodes: [dequantize("w"), gemm], weights: weights([40, 6]), rank: 2 }
    expect(await agree(transposed)).toEqual([40 * 6 * 4])
  })
})
