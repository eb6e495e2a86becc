import { create, createRegistry, equals } from "@bufbuild/protobuf"
import { describe, expect, test } from "vitest"
import { ModelProtoSchema, NodeProtoSchema } from "../../graph/generated/onnx_pb.js"
import { readModel, writeModel } from "../../graph/index.ts"
import { field, tinyBytes, tinyModel } from "../attacks/onnx-build.ts"
import { feedTensors, openSession } from "./graph-runtime.ts"
import { absent, feedShapes, readShared, sharedModels } from "./graph-shared.ts"

/** Unknown fields count as well. */
const exactly = { unknown: true, registry: createRegistry() }

describe.skipIf(absent)(`reading and writing the shared models${absent}`, () => {
  test.each(sharedModels)("$file: what is written says the same, and gives the same answers", async (one) => {
    const bytes = readShared(one.file)
    const model = readModel(bytes)
    const written = writeModel(model)
    expect(equals(ModelProtoSchema, readModel(written), model, exactly)).toBe(true)
    if (one.file.startsWith("style-transfer")) return // seconds of arithmetic that show nothing more
    const feeds = feedTensors(model, feedShapes(model, one), one.values)
    const [before, after] = await Promise.all(
      [bytes, written].map(async (b) => {
        const session = await openSession(b)
        const results = await session.run(feeds)
        await session.release()
        return Object.entries(results).map(([name, t]) => [name, t.dims, t.data])
      }),
    )
    expect(after).toEqual(before)
  })
})

test("fields that this version does not know are written back", () => {
  const node = new Uint8Array([0x0a, 1, 0x78, 0x12, 1, 0x79, 0x22, 3, 0x41, 0x64, 0x64, ...field(10, [0x0a, 1, 0x63])])
  const bytes = Uint8Array.from([
    ...tinyBytes({}, { graph: undefined }),
    ...field(7, field(1, node)),
    ...field(99, [1, 2, 3]),
  ])
  const model = readModel(bytes)
  expect(model.graph!.node[0]!.$unknown).toHaveLength(1)
  expect(model.$unknown?.map((f) => f.no)).toEqual([99])
  expect(equals(ModelProtoSchema, readModel(writeModel(model)), model, exactly)).toBe(true)
  const bare = create(NodeProtoSchema, { opType: "Add", input: ["x"], output: ["y"] })
  expect(equals(NodeProtoSchema, model.graph!.node[0]!, bare, exactly)).toBe(false)
})

test("the extremes of every number survive", () => {
  const t = {
    name: "w",
    dims: [3n],
    dataType: 7,
    int64Data: [-(2n ** 63n), 2n ** 63n - 1n, 0n],
  }
  const attribute = [
    { name: "f", type: 1, f: Math.fround(-1e-45) },
    { name: "g", type: 6, floats: [Number.NaN, Number.POSITIVE_INFINITY, -0] },
    { name: "s", type: 3, s: Uint8Array.from([0xff, 0x00, 0xc3]) },
  ]
  const model = tinyModel({ initializer: [t], node: [{ opType: "Add", attribute }] })
  const back = readModel(writeModel(model))
  expect(back.graph!.initializer[0]!.int64Data).toEqual(t.int64Data)
  expect(back.graph!.node[0]!.attribute[1]!.floats).toEqual([Number.NaN, Number.POSITIVE_INFINITY, -0])
  expect([...back.graph!.node[0]!.attribute[2]!.s]).toEqual([0xff, 0x00, 0xc3])
})
