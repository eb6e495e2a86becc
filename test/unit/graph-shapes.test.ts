import { describe, expect, test } from "vitest"
import { inferShapes, readModel, validateModel, writeModel } from "../../graph/index.ts"
import { exposing, feedTensors, openSession } from "./graph-runtime.ts"
import { absent, feedShapes, readShared, shared, sharedModels } from "./graph-shared.ts"

describe.skipIf(absent)(`shapes of the shared models${absent}`, () => {
  const infer = (one: (typeof sharedModels)[number]) => {
    const model = readModel(readShared(one.file))
    const feeds = feedShapes(model, one)
    return { model, feeds, inferred: inferShapes(model, feeds, { values: one.values }) }
  }

  test.each(sharedModels)("$file: all are known", (one) => {
    const { inferred } = infer(one)
    expect(inferred.unknownOperators).toEqual([])
    for (const t of inferred.tensors.values()) expect(t.shape, t.name).not.toContain(null)
  })

  test("style-transfer/mosaic.onnx: all are those of candy.onnx, whose weights alone are others", () => {
    const shapes = (file: string) =>
      [...infer(shared(file)).inferred.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])
    expect(shapes("style-transfer/mosaic.onnx")).toEqual(shapes("style-transfer/candy.onnx"))
  })

  // Every value of the graph becomes an output; of the two that make images of images these would take gigabytes.
  const compared = sharedModels
    .filter(({ file }) => file !== "style-transfer/mosaic.onnx")
    .map((one) => ({ ...one, what: one.file === "style-transfer/candy.onnx" ? "its output" : "every value" }))
  test.each(compared)("$file: that of $what equals what onnxruntime-node computes", async (one) => {
    const { model, feeds, inferred } = infer(one)
    const all = one.what === "every value" ? exposing(model) : { model, names: [] }
    const session = await openSession(writeModel(all.model))
    const results = await session.run(feedTensors(model, feeds, one.values))
    await session.release()
    const [computed, expected]: Record<string, unknown>[] = [{}, {}]
    for (const [name, t] of Object.entries(results)) {
      computed![name] = [t.type, [...t.dims]]
      const found = inferred.tensors.get(name)
      expected![name] = [found?.dtype, found?.shape]
    }
    expect(Object.keys(computed!).length).toBeGreaterThanOrEqual(Math.max(1, all.names.length))
    expect(expected).toEqual(computed)
  })

  test.each(sharedModels)("$file: no output's declared dimension is contradicted", (one) => {
    const bytes = readShared(one.file)
    const model = readModel(bytes)
    const info = validateModel(bytes)
    const { outputs } = inferShapes(model, feedShapes(model, one), { values: one.values })
    outputs.forEach((out, i) => {
      const declared = info.outputs[i]!
      expect(out.name).toBe(declared.name)
      expect(out.dtype).toBe(declared.dtype)
      declared.shape.forEach((d, k) => {
        if (typeof d === "number") expect(out.shape![k]).toBe(d)
      })
    })
  })
})

describe.skipIf(absent)(`what inference does not know${absent}`, () => {
  const vad = shared("silero-vad/silero_vad.onnx")
  const model = absent ? undefined! : readModel(readShared(vad.file))

  test("with nothing fed, symbols stay unknown and fixed dimensions stay", () => {
    const { outputs } = inferShapes(readModel(readShared("stories260k/stories260K_decoder.onnx")))
    expect(outputs[0]!.shape).toEqual([null, null, 512])
    expect(outputs[1]!.shape).toEqual([null, 4, null, 8])
  })
  test("without the sample rate, what both branches of the If agree on is known", () => {
    const { outputs } = inferShapes(model, vad.feeds)
    expect(outputs.map((o) => o.shape)).toEqual([
      [1, 1],
      [2, 1, 128],
    ])
  })
  test("feeds that don't fit are refused by name", () => {
    const code = (feeds: Record<string, number[]>) => {
      try {
        inferShapes(model, feeds)
      } catch (e) {
        const { code, data } = e as { code: string; data: { path: string } }
        return [code, data.path]
      }
      return undefined
    }
    expect(code({ input: [1, 576, 1] })).toEqual(["IPFA_INPUT_SHAPE", "input"])
    expect(code({ state: [3, 1, 128] })).toEqual(["IPFA_INPUT_SHAPE", "state"])
    expect(code({ input: [-1, 576] })).toEqual(["IPFA_INPUT_SHAPE", "input"])
    expect(code({ inputs: [1, 576] })).toEqual(["IPFA_INPUT_INVALID", "inputs"])
  })
})
