import { create } from "@bufbuild/protobuf"
import { InferenceSession, Tensor } from "onnxruntime-node"
import { GraphProtoSchema, type ModelProto, ValueInfoProtoSchema } from "../../graph/generated/onnx_pb.js"
import { elementType } from "../../graph/index.ts"
import type { Dtype } from "../../protocol/dtype.ts"

/** Opens a session that says nothing: the models are strange on purpose. */
export const openSession = (bytes: Uint8Array) =>
  InferenceSession.create(bytes, { logSeverityLevel: 4, graphOptimizationLevel: "disabled", intraOpNumThreads: 1 })

/** A copy of `model` that returns every value of its main graph, so that a runtime tells each one's shape. */
export function exposing(model: ModelProto): { model: ModelProto; names: string[] } {
  const graph = model.graph!
  const names = graph.node.flatMap((n) => n.output).filter((name) => name !== "")
  const had = new Set(graph.output.map((o) => o.name))
  const added = names.filter((name) => !had.has(name)).map((name) => create(ValueInfoProtoSchema, { name }))
  const copy = create(GraphProtoSchema, { ...graph, $unknown: undefined, output: [...graph.output, ...added] } as never)
  return { model: { ...model, graph: copy }, names }
}

/**
 * Node 24 has Float16Array, so onnxruntime-common 1.30 puts float16 data in one, and onnxruntime-node then reads it as empty (N-API has no
 * such type). It looks for the class once, when the first tensor is made.
 */
const { Float16Array: hidden } = globalThis
Reflect.deleteProperty(globalThis, "Float16Array")
new Tensor("bool", [true], [1])
Object.defineProperty(globalThis, "Float16Array", { value: hidden, writable: true, configurable: true })

const ones: Partial<Record<Dtype, (n: number) => Tensor.DataType>> = {
  float32: (n) => new Float32Array(n).map((_, i) => ((i * 7919) % 201) / 100 - 1),
  float16: (n) => new Uint16Array(n).fill(0x3800), // 0.5
  int64: (n) => new BigInt64Array(n).fill(1n),
}

/** Tensors of small fixed numbers for a model's inputs; `values` where a number matters. */
export function feedTensors(
  model: ModelProto,
  shapes: Record<string, number[]>,
  values: Record<string, number[]> = {},
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const type = model.graph!.input.find((x) => x.name === name)!.type!.value
      const dtype = elementType(type.case === "tensorType" ? type.value.elemType : 0)!.dtype!
      const n = shape.reduce((a, b) => a * b, 1)
      const data = values[name] ? BigInt64Array.from(values[name], BigInt) : ones[dtype]!(n)
      return [name, new Tensor(dtype as "float32", data as Float32Array, shape)]
    }),
  )
}
