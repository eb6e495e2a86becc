import { describe, expect, test } from "vitest"
import { knownOperators, readModel, validateModel } from "../../graph/index.ts"
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
