import { describe, expect, test } from "vitest"
import { knownOperators, readModel, validateModel } from "../../graph/index.ts"
import { tinyBytes } from "../attacks/onnx-build.ts"
import { absent, readShared, sharedModels } from "./graph-shared.ts"

describe.skipIf(absent)(`validation of the shared models${absent}`, () => {
  test.each(sharedModels)("$file is accepted, its parameters are counted, its operators are all known", (one) => {
    const bytes = readShared(one.file)
    const info = validateModel(bytes)
    expect(info.parameters).toBe(one.parameters)
    expect(info.weightBytes).toBeLessThan(bytes.length)
    expect(info.externalFiles).toEqual([])
    expect(knownOperators).toEqual(expect.arrayContaining(Object.keys(info.operators)))
  })

  test.each([
    ["mobilenetv2/mobilenet_v2_1.0_224_fp32.onnx", "float32"],
    ["squeezenet-fp16/squeezenet_fp16.onnx", "float16"],
    ["mobilenetv2/mobilenet_v2_1.0_224_qdq.onnx", "int8"],
    ["kws-dscnn/kws_ref_model_int8_qdq.onnx", "int8"],
    ["silero-vad/silero_vad.onnx", "float32"],
  ])("%s is of the precision that most of its weights are", (file, precision) => {
    expect(validateModel(readShared(file)).precision).toBe(precision)
  })

  test("silero-vad: what its documentation says is what is found", () => {
    expect(validateModel(readShared("silero-vad/silero_vad.onnx"))).toMatchObject({
      irVersion: 8,
      opsets: { "ai.onnx": 16 },
      inputs: [
        { name: "input", dtype: "float32", shape: [null, null] },
        { name: "state", dtype: "float32", shape: [2, null, 128] },
        { name: "sr", dtype: "int64", shape: [] },
      ],
      outputs: [
        { name: "output", dtype: "float32", shape: [null, 1] },
        { name: "stateN", dtype: "float32", shape: [null, null, null] },
      ],
      operators: { If: 25, LSTM: 4, Conv: 12, Constant: 341 },
    })
  })

  test("symbols are kept by name", () => {
    const { inputs } = validateModel(readShared("stories260k/stories260K_decoder.onnx"))
    expect(inputs[0]).toEqual({ name: "input_ids", dtype: "int64", shape: ["batch", "seq"] })
    expect(inputs[2]!.shape).toEqual(["batch", 4, "past", 8])
  })

  test("weights that an old export lists as inputs are not inputs", () => {
    const bytes = readShared("ultraface-rfb320/version-RFB-320.onnx")
    expect(readModel(bytes).graph!.input.length).toBe(245)
    expect(validateModel(bytes).inputs).toEqual([{ name: "input", dtype: "float32", shape: [1, 3, 240, 320] }])
  })

  test("reading shares the file's memory: 14 MB of weights are not copied", () => {
    const bytes = readShared("mobilenetv2/mobilenet_v2_1.0_224_fp32.onnx")
    const model = readModel(bytes)
    expect(model.graph!.initializer.length).toBe(108)
    for (const t of model.graph!.initializer) expect(t.rawData.buffer).toBe(bytes.buffer)
  })
})

describe("the precision of a model", () => {
  const weight = (dataType: number, elems: number, bytes: number) => ({
    name: `w${dataType}`,
    dims: [BigInt(elems)],
    dataType,
    rawData: new Uint8Array(bytes),
  })
  const graph = (...initializer: ReturnType<typeof weight>[]) => ({
    node: [{ opType: "Identity", input: ["x"], output: ["y"] }],
    initializer,
  })

  test.each([
    [
      "float32 where its weights are few beside a large table of indices",
      graph(weight(1, 4, 16), weight(7, 9, 72)),
      "float32",
    ],
    ["int8 where they are uint8, and more than the float32 scales", graph(weight(2, 8, 8), weight(1, 4, 16)), "int8"],
    ["int4 where they are uint4", graph(weight(21, 8, 4), weight(1, 2, 8)), "int4"],
    ["none where it has no weights", graph(weight(7, 9, 72)), undefined],
  ])("is %s", (_, graph, precision) => {
    expect(validateModel(tinyBytes(graph)).precision).toBe(precision)
  })

  test("is int4 where MatMulNBits has them in bytes", () => {
    const ints = { K: 32, N: 4, bits: 4, block_size: 32 }
    const attribute = Object.entries(ints).map(([name, i]) => ({ name, type: 2, i: BigInt(i) }))
    const node = { opType: "MatMulNBits", domain: "com.microsoft", input: ["x", "w2", "w1"], output: ["y"], attribute }
    const bytes = tinyBytes(
      { node: [node], initializer: [weight(2, 64, 64), weight(1, 4, 16)] },
      {
        opsetImport: [
          { domain: "", version: 17n },
          { domain: "com.microsoft", version: 1n },
        ],
      },
    )
    expect(validateModel(bytes).precision).toBe("int4")
  })
})
