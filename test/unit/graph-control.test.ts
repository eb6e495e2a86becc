import { describe, expect, test } from "vitest"
import { inferCost, inferShapes, validateModel, writeModel } from "../../graph/index.ts"
import { type ModelInit, tensorType, tinyModel } from "../attacks/onnx-build.ts"

const INT64 = 7
const BOOL = 9
const expandTo = (name: string, ...dims: number[]) => ({
  node: [
    { opType: "Constant", output: ["shape"], attribute: [{ name: "value_ints", type: 7, ints: dims.map(BigInt) }] },
    { opType: "Expand", name, input: ["x", "shape"], output: ["out"] },
  ],
  output: [{ name: "out" }],
})

describe("If", () => {
  const branches = (then: object, other: object) =>
    tinyModel({
      node: [
        {
          opType: "If",
          name: "if",
          input: ["c"],
          output: ["y"],
          attribute: [
            { name: "then_branch", type: 5, g: then },
            { name: "else_branch", type: 5, g: other },
          ],
        },
      ],
      input: [
        { name: "x", type: tensorType([1, 3]) },
        { name: "c", type: tensorType([], BOOL) },
      ],
      output: [{ name: "y", type: tensorType(["n", 3]) }],
    })
  const both = branches(expandTo("small", 2, 3), expandTo("large", 5, 3))

  test("with a known condition the branch taken decides", () => {
    expect(inferShapes(both, {}, { values: { c: [1] } }).outputs[0]!.shape).toEqual([2, 3])
    expect(inferShapes(both, {}, { values: { c: [0] } }).outputs[0]!.shape).toEqual([5, 3])
    expect(inferCost(both, {}, { values: { c: [0] } }).perNode.map((n) => n.name)).toContain("large")
  })
  test("without it, what the branches agree on is known and the rest is not", () => {
    expect(inferShapes(both).outputs[0]).toEqual({ name: "y", dtype: "float32", shape: [null, 3] })
  })
  test("a branch whose shapes contradict each other is not the one taken", () => {
    expect(inferShapes(branches(expandTo("small", 2, 3), expandTo("bad", 2, 7))).outputs[0]!.shape).toEqual([2, 3])
    expect(() => inferShapes(branches(expandTo("bad", 2, 7), expandTo("bad", 2, 7)))).toThrow("broadcast")
  })
})

describe("functions of the model", () => {
  const functions: ModelInit["functions"] = [
    {
      name: "ConcatTwice",
      domain: "own",
      input: ["a"],
      output: ["out"],
      attribute: ["axis"],
      node: [
        {
          opType: "Concat",
          input: ["a", "a"],
          output: ["out"],
          attribute: [{ name: "axis", type: 2, refAttrName: "axis" }],
        },
      ],
      opsetImport: [{ domain: "", version: 17n }],
    },
  ]
  const calls = (axis: number) =>
    tinyModel(
      {
        node: [
          {
            opType: "ConcatTwice",
            domain: "own",
            input: ["x"],
            output: ["y"],
            attribute: [{ name: "axis", type: 2, i: BigInt(axis) }],
          },
        ],
        output: [{ name: "y", type: tensorType(["a", "b"]) }],
      },
      {
        opsetImport: [
          { domain: "", version: 17n },
          { domain: "own", version: 1n },
        ],
        functions,
      },
    )

  test("are valid, and inferred with the attributes of their call", () => {
    expect(validateModel(writeModel(calls(0))).operators).toEqual({ Concat: 1, "own:ConcatTwice": 1 })
    expect(inferShapes(calls(0)).outputs[0]!.shape).toEqual([4, 3])
    expect(inferShapes(calls(1)).outputs[0]!.shape).toEqual([2, 6])
    expect(inferShapes(calls(1)).unknownOperators).toEqual([])
  })
})

test("an initializer that is an input too gives way to what is fed", () => {
  const model = tinyModel({
    node: [{ opType: "Reshape", input: ["x", "s"], output: ["y"] }],
    initializer: [{ name: "s", dims: [2n], dataType: INT64, int64Data: [3n, 2n] }],
    input: [
      { name: "x", type: tensorType([2, 3]) },
      { name: "s", type: tensorType([2], INT64) },
    ],
    output: [{ name: "y" }],
  })
  expect(inferShapes(model).outputs[0]!.shape).toEqual([3, 2])
  expect(inferShapes(model, { s: [2] }, { values: { s: [6, 1] } }).outputs[0]!.shape).toEqual([6, 1])
  expect(inferShapes(model, { s: [2] }).outputs[0]!.shape).toEqual([null, null])
})
