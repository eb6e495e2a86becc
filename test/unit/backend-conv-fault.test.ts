import { create } from "@bufbuild/protobuf"
import { describe, expect, test } from "vitest"
import { findConvFault } from "../../engine/backends/webgpu-conv-fault.ts"
import { ModelProtoSchema } from "../../graph/generated/onnx_pb.js"
import { readModel, writeModel } from "../../graph/index.ts"

const FLOAT = 1
const weights = (outputs: number, inputs: number) => ({
  name: "w",
  dataType: FLOAT,
  dims: [outputs, inputs, 1, 1].map(BigInt),
  rawData: new Uint8Array(4 * outputs * inputs),
})
const conv = (name: string, group = 1, weight = "w") => ({
  name,
  opType: "Conv",
  input: ["x", weight],
  output: ["y"],
  attribute: [{ name: "group", type: 2, i: BigInt(group) }],
})
const bytesOf = (graph: object, rest: object = {}) =>
  writeModel(create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }], graph, ...rest }))

describe("nodes that ONNX Runtime's WebGPU provider computes wrong", () => {
  test.for([
    [3, 4, false],
    [4, 4, false],
    [6, 4, true],
    [6, 5, false],
    [8, 8, false],
    [9, 128, true],
    [12, 4, false],
    [129, 128, true],
  ] as const)("%i channels to %i: %s", ([inputs, outputs, wrong]) => {
    const model = bytesOf({ node: [conv("c")], initializer: [weights(outputs, inputs)] })
    expect(findConvFault(model)).toEqual({ model, cpuNodes: wrong ? ["c"] : [] })
  })

  test("grouped ones are right", () => {
    expect(findConvFault(bytesOf({ node: [conv("c", 2)], initializer: [weights(4, 6)] })).cpuNodes).toEqual([])
  })

  test("weights are followed through dequantization and Constant nodes", () => {
    const dequantized = { opType: "DequantizeLinear", input: ["w", "s"], output: ["d"] }
    const [node, initializer] = [[dequantized, conv("c", 1, "d")], [weights(4, 6)]]
    expect(findConvFault(bytesOf({ node, initializer })).cpuNodes).toEqual(["c"])
    const attribute = [{ name: "value", type: 4, t: weights(4, 8) }]
    const constant = { opType: "Constant", output: ["k"], attribute }
    expect(findConvFault(bytesOf({ node: [constant, conv("c", 1, "k")] })).cpuNodes).toEqual([])
  })

  test("weights that are an input are known by its declared shape", () => {
    const declared = (dim: object[]) => ({
      name: "w",
      type: { value: { case: "tensorType", value: { elemType: FLOAT, shape: { dim } } } },
    })
    const sizes = (outputs: number, inputs: number) =>
      [outputs, inputs, 1, 1].map((n) => ({ value: { case: "dimValue", value: BigInt(n) } }))
    const open = sizes(4, 8).with(1, { value: { case: "dimParam", value: "c" } } as never)
    const cpuNodes = (dim: object[]) => findConvFault(bytesOf({ node: [conv("c")], input: [declared(dim)] })).cpuNodes
    expect([sizes(4, 8), sizes(4, 6), open].map(cpuNodes)).toEqual([[], ["c"], ["c"]])
  })

  test("whose weights are only known when it runs count as wrong", () => {
    expect(findConvFault(bytesOf({ node: [conv("c", 1, "computed")] })).cpuNodes).toEqual(["c"])
  })

  test("in a branch are found, with weights from outside it", () => {
    const branch = { type: 5, name: "then_branch", g: { node: [conv("inner")] } }
    const node = [{ opType: "If", input: ["b"], output: ["y"], attribute: [branch] }]
    expect(findConvFault(bytesOf({ node, initializer: [weights(4, 6)] })).cpuNodes).toEqual(["inner"])
    expect(findConvFault(bytesOf({ node, initializer: [weights(4, 8)] })).cpuNodes).toEqual([])
  })

  test("without a name get one", () => {
    const { model, cpuNodes } = findConvFault(bytesOf({ node: [conv("")], initializer: [weights(4, 6)] }))
    expect(readModel(model).graph?.node.map((n) => n.name)).toEqual(cpuNodes)
    expect(cpuNodes[0]).not.toBe("")
  })

  test("in a function, where names are not kept, are refused", () => {
    const model = bytesOf({ node: [] }, { functions: [{ name: "f", domain: "d", node: [conv("c")] }] })
    expect(() => findConvFault(model)).toThrow(expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" }))
  })
})
