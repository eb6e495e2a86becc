import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fromBinary } from "@bufbuild/protobuf"
import { describe, expect, test } from "vitest"
import { TensorProtoSchema } from "../../graph/generated/onnx_pb.js"
import { elementType, inferCost, inferShapes, readModel } from "../../graph/index.ts"
import { storedValue } from "../../graph/infer/value.ts"
import { absent, models } from "./graph-shared.ts"

const root = join(models, "onnx-node-tests/node")
const cases = absent ? [] : readdirSync(root).sort()

/** Output shapes that depend on the elements of a large or computed input, so that no inference knows them. */
const DATA_DEPENDENT = new Set(["test_nonzero_example"])

const tensor = (name: string, file: string) =>
  storedValue(fromBinary(TensorProtoSchema, readFileSync(join(root, name, "test_data_set_0", file))))

describe.skipIf(absent)(`ONNX's own node tests${absent}`, () => {
  test("there are 382 of them", () => expect(cases.length).toBe(382))

  test.each(cases)("%s: shape and element type of each output are inferred", (name) => {
    const model = readModel(readFileSync(join(root, name, "model.onnx")))
    const { input, output } = model.graph!
    const feeds: Record<string, number[]> = {}
    const values: Record<string, number[]> = {}
    input.forEach((info, i) => {
      const fed = tensor(name, `input_${i}.pb`)
      feeds[info.name] = fed.shape as number[]
      if (fed.data) values[info.name] = fed.data as number[]
    })
    const { outputs, unknownOperators } = inferShapes(model, feeds, { values })
    expect(unknownOperators).toEqual([])
    output.forEach((info, i) => {
      if (!existsSync(join(root, name, "test_data_set_0", `output_${i}.pb`))) return
      const want = tensor(name, `output_${i}.pb`)
      const declared = info.type?.value.case === "tensorType" ? info.type.value.value.elemType : 0
      expect(outputs[i]!.dtype).toBe(elementType(declared)!.name)
      if (DATA_DEPENDENT.has(name)) {
        expect(outputs[i]!.shape).toContain(null)
        for (const [k, d] of outputs[i]!.shape!.entries()) expect([null, want.shape![k]]).toContain(d)
      } else expect(outputs[i]!.shape).toEqual(want.shape)
    })
    expect(inferCost(model, feeds, { values }).uncounted.length).toBe(DATA_DEPENDENT.has(name) ? 1 : 0)
  })
})
