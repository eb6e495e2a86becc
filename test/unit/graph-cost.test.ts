import { describe, expect, test } from "vitest"
import { type InferredCost, inferCost, readModel } from "../../graph/index.ts"
import { tensorType, tinyModel } from "../attacks/onnx-build.ts"
import { absent, feedShapes, readShared, shared } from "./graph-shared.ts"

const float = (name: string, dims: number[]) => ({
  name,
  dims: dims.map(BigInt),
  dataType: 1,
  rawData: new Uint8Array(4 * dims.reduce((a, b) => a * b, 1)),
})
const one = (opType: string, input: number[], weights: number[][], attribute: object[] = []) =>
  tinyModel({
    node: [{ opType, name: "n", input: ["x", ...weights.map((_, i) => `w${i}`)], output: ["y"], attribute }],
    initializer: weights.map((dims, i) => float(`w${i}`, dims)),
    input: [{ name: "x", type: tensorType(input) }],
    output: [{ name: "y" }],
  })
const ints = (name: string, ...values: number[]) => ({ name, type: 7, ints: values.map(BigInt) })
const int = (name: string, i: number) => ({ name, type: 2, i: BigInt(i) })

describe("cost, by hand", () => {
  test.each([
    // 2 × 3 additions; 6 + 3 numbers read, 6 written, 4 bytes each
    ["Add", one("Add", [2, 3], [[3]]), 6, 60],
    // 2 × 5 outputs of 3 multiply-adds
    ["MatMul", one("MatMul", [2, 3], [[3, 5]]), 2 * 10 * 3, 4 * (6 + 15 + 10)],
    ["batched MatMul", one("MatMul", [4, 2, 3], [[3, 5]]), 2 * 40 * 3, 4 * (24 + 15 + 40)],
    ["Gemm with bias", one("Gemm", [2, 3], [[5, 3], [5]], [int("transB", 1)]), 2 * 10 * 3 + 10, 4 * (6 + 15 + 5 + 10)],
    // 6 × 6 outputs in each of 4 channels, over 3 × 3 × 2 inputs, and a bias
    ["Conv", one("Conv", [1, 2, 8, 8], [[4, 2, 3, 3], [4]]), 144 * (2 * 18 + 1), 4 * (128 + 72 + 4 + 144)],
    // one input channel for each output channel
    ["depthwise Conv", one("Conv", [1, 4, 8, 8], [[4, 1, 3, 3]], [int("group", 4)]), 144 * 18, 4 * (256 + 36 + 144)],
    // 8 × 8 inputs of 2 channels, each spread over 4 × 3 × 3
    ["ConvTranspose", one("ConvTranspose", [1, 2, 8, 8], [[2, 4, 3, 3]]), 2 * 128 * 36, 4 * (128 + 72 + 400)],
    [
      "MaxPool",
      one("MaxPool", [1, 1, 4, 4], [], [ints("kernel_shape", 2, 2), ints("strides", 2, 2)]),
      16,
      4 * (16 + 4),
    ],
    ["Transpose", one("Transpose", [2, 3], []), 0, 48],
    ["Flatten", one("Flatten", [2, 3], []), 0, 0],
    // 5 steps of a batch of 1: 4 gates of 2 (3 + 2) products, 2 biases, an activation; 5 more; for each of 2 hidden units
    [
      "LSTM",
      one(
        "LSTM",
        [5, 1, 3],
        [
          [1, 8, 3],
          [1, 8, 2],
        ],
        [int("hidden_size", 2)],
      ),
      5 * 2 * (4 * (2 * 5 + 3) + 5),
      4 * (15 + 24 + 16 + 10),
    ],
  ] as const)("%s", (_, model, flops, bytes) => {
    expect(inferCost(model)).toMatchObject({ flops, bytes, unknownOperators: [], uncounted: [] })
  })

  test("an unknown operator and an unknown shape are named, and nothing is made up for them", () => {
    expect(inferCost(one("Mystery", [2, 3], []))).toMatchObject({
      flops: 0,
      unknownOperators: ["Mystery"],
      uncounted: ["n"],
    })
    const open = tinyModel({ input: [{ name: "x", type: tensorType(["batch", 3]) }] })
    expect(inferCost(open)).toMatchObject({ flops: 0, unknownOperators: [], uncounted: ["add"] })
    expect(inferCost(open, { x: [7, 3] })).toMatchObject({ flops: 21, uncounted: [] })
  })
})

describe.skipIf(absent)(`cost of real models${absent}`, () => {
  const cost = (file: string): InferredCost => {
    const model = readModel(readShared(file))
    return inferCost(model, feedShapes(model, shared(file)), { values: shared(file).values })
  }

  test("mobilenetv2 takes the 300 million multiply-adds of its paper (arXiv 1801.04381, table 4)", () => {
    const { flops, perNode, uncounted } = cost("mobilenetv2/mobilenet_v2_1.0_224_fp32.onnx")
    const macs = perNode.filter((n) => n.operator === "Conv").reduce((sum, n) => sum + n.flops, 0) / 2
    expect(macs / 1e6).toBeGreaterThan(300)
    expect(macs / 1e6).toBeLessThan(305)
    expect(flops).toBeGreaterThan(2 * macs)
    expect(flops / 1e9).toBeLessThan(0.65)
    expect(uncounted).toEqual([])
  })

  test("yolox-nano takes the 1.08 GFLOPs of its paper (arXiv 2107.08430, table 4), squeezenet 0.7", () => {
    expect(cost("yolox-nano/yolox_nano.onnx").flops / 1e9).toBeCloseTo(1.08, 1)
    expect(cost("squeezenet-fp16/squeezenet_fp16.onnx").flops / 1e9).toBeCloseTo(0.7, 1)
  })

  test("a QDQ model computes the same products as its float32 twin", () => {
    const conv = (c: InferredCost) =>
      c.perNode.filter((n) => n.operator === "Conv").reduce((sum, n) => sum + n.flops, 0)
    const [fp32, qdq] = ["fp32", "qdq"].map((kind) => cost(`mobilenetv2/mobilenet_v2_1.0_224_${kind}.onnx`))
    expect(conv(qdq!)).toBe(conv(fp32!))
  })

  test("a decoder's cost grows with the tokens fed and with those cached", () => {
    const model = readModel(readShared("stories260k/stories260K_decoder.onnx"))
    const at = (seq: number, past: number) => {
      const feeds = feedShapes(model, shared("stories260k/stories260K_decoder.onnx"))
      for (const name of Object.keys(feeds)) feeds[name] = name.startsWith("past") ? [1, 4, past, 8] : [1, seq]
      return inferCost(model, feeds).flops
    }
    expect(at(2, 0)).toBeGreaterThan(1.9 * at(1, 0))
    expect(at(1, 100)).toBeGreaterThan(at(1, 0))
  })

  test("silero-vad costs only the branch that its sample rate picks", () => {
    const model = readModel(readShared("silero-vad/silero_vad.onnx"))
    const { feeds } = shared("silero-vad/silero_vad.onnx")
    const at16k = inferCost(model, feeds, { values: { sr: [16000] } })
    const either = inferCost(model, feeds)
    expect(either.flops).toBeGreaterThanOrEqual(at16k.flops)
    expect(at16k.perNode.every((n) => !n.name.includes("else_branch.node"))).toBe(true)
    expect(at16k.uncounted).toEqual([])
  })
})
