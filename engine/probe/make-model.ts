/**
 * Writes known-model.ts: the known case as an ONNX file, base64 in a module of its own, since a worker must not have to fetch what it tests
 * a device with. `node engine/probe/make-model.ts`; with `--check` it writes nothing and fails when the committed file differs.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { create } from "@bufbuild/protobuf"
import { ModelProtoSchema } from "../../graph/generated/onnx_pb.js"
import { elementTypeNumber, writeModel } from "../../graph/index.ts"
import { knownCase, shapes } from "./known-case.ts"

const float32 = elementTypeNumber("float32")
const initializer = (name: string, dims: readonly number[], data: Float32Array) => ({
  name,
  dims: dims.map(BigInt),
  dataType: float32,
  rawData: new Uint8Array(data.buffer),
})
const value = (name: string, dims: readonly number[]) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: {
        elemType: float32,
        shape: { dim: dims.map((d) => ({ value: { case: "dimValue" as const, value: BigInt(d) } })) },
      },
    },
  },
})
const node = (opType: string, input: string[], output: string) => ({ opType, name: output, input, output: [output] })
const answer = [1, shapes.weights[1]]

const model = create(ModelProtoSchema, {
  irVersion: 8n,
  producerName: "ipfs-accelerate known case",
  opsetImport: [{ domain: "", version: 13n }],
  graph: {
    name: "known",
    input: [value("input", shapes.input)],
    output: [value("scores", answer), value("probabilities", answer)],
    initializer: [
      initializer("filters", shapes.filters, knownCase.filters),
      initializer("bias", shapes.bias, knownCase.bias),
      initializer("weights", shapes.weights, knownCase.weights),
    ],
    node: [
      node("Conv", ["input", "filters", "bias"], "convolved"),
      node("Relu", ["convolved"], "rectified"),
      node("Flatten", ["rectified"], "hidden"),
      node("MatMul", ["hidden", "weights"], "scores"),
      node("Softmax", ["scores"], "probabilities"),
    ],
  },
})

const file = join(import.meta.dirname, "known-model.ts")
const base64 = Buffer.from(writeModel(model)).toString("base64")
const text = `/** Written by make-model.ts: the known case as an ONNX file, base64. */
export const knownModelBase64 =
  "${base64}"
`
if (!process.argv.includes("--check")) writeFileSync(file, text)
else if (readFileSync(file, "utf8") !== text) {
  console.error("engine/probe/known-model.ts is out of date: run node engine/probe/make-model.ts")
  process.exit(1)
}
