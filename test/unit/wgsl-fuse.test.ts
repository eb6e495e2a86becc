import { describe, expect, test } from "vitest"
import { lower } from "../../engine/backends/wgsl/lower.ts"
import { Lowerable } from "../../engine/backends/wgsl/lowerable.ts"
import { model, value } from "../conformance/tiny-models.ts"

type Nodes = Parameters<typeof model>[0]["nodes"]
const node = (opType: string, input: string[], output: string) => ({ opType, input, output: [output] })

/** mean … y, in the two ways that exporters write a normalization. */
const byDivision: Nodes = [
  node("ReduceMean", ["x", "axes"], "mean"),
  node("Sub", ["x", "mean"], "centred"),
  node("Pow", ["centred", "two"], "square"),
  node("ReduceMean", ["square", "axes"], "variance"),
  node("Add", ["eps", "variance"], "shifted"),
  node("Sqrt", ["shifted"], "deviation"),
  node("Div", ["centred", "deviation"], "even"),
  node("Mul", ["w", "even"], "scaled"),
  node("Add", ["scaled", "b"], "y"),
]
const byReciprocal: Nodes = [
  node("ReduceMean", ["x", "axes"], "mean"),
  node("Sub", ["x", "mean"], "centred"),
  node("Mul", ["centred", "centred"], "square"),
  node("ReduceMean", ["square", "axes"], "variance"),
  node("Add", ["variance", "eps"], "shifted"),
  node("Sqrt", ["shifted"], "deviation"),
  node("Reciprocal", ["deviation"], "inverse"),
  node("Mul", ["inverse", "w"], "factor"),
  node("Mul", ["x", "factor"], "scaled"),
  node("Mul", ["mean", "factor"], "away"),
  node("Sub", ["b", "away"], "moved"),
  node("Add", ["scaled", "moved"], "y"),
]
const ofSquares: Nodes = [
  node("Mul", ["x", "x"], "square"),
  node("ReduceMean", ["square", "axes"], "variance"),
  node("Add", ["variance", "eps"], "shifted"),
  node("Sqrt", ["shifted"], "deviation"),
  node("Div", ["x", "deviation"], "even"),
  node("Mul", ["even", "w"], "y"),
]

const limits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeWorkgroupsPerDimension: 2 ** 16 - 1,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
}

/** The kernels that a graph of x [6, 6] becomes, in order. */
function kernels(nodes: Nodes, { axis = -1, two = [2], outputs = ["y"] } = {}): string[] {
  const floats = (name: string, dims: number[], ...data: number[]) => ({ name, dims, data: Float32Array.from(data) })
  const bytes = model({
    inputs: [value("x", "float32", [6, 6])],
    outputs: outputs.map((name) => value(name, "float32", name === "mean" ? [6, 1] : [6, 6])),
    nodes,
    weights: [
      floats("m", [6, 6], ...new Array(36).fill(0.5)),
      floats("w", [6], 1, 2, 3, 4, 5, 6),
      floats("b", [6], 1, 2, 3, 4, 5, 6),
      floats("eps", [], 1e-6),
      floats("two", two.length === 1 ? [] : [two.length], ...two),
      { name: "axes", dims: [1], data: new Uint8Array(BigInt64Array.of(BigInt(axis)).buffer), dtype: "int64" },
    ],
  })
  const { ops } = lower(new Lowerable(bytes), { x: [6, 6] }, limits)
  return ops.map(({ step }) => step.pipeline.label.split(":")[0]!)
}

describe("a normalization that is written as many nodes", () => {
  test.each([
    ["layer-norm", "by division", byDivision],
    ["layer-norm", "by a reciprocal", byReciprocal],
    ["rms-norm", "of squares", ofSquares],
  ])("is one %s, %s", (kernel, _, nodes) => {
    expect(kernels(nodes)).toEqual([kernel])
  })
  test("stays as it is along another axis, with another power, or where something else uses a part of it", () => {
    expect(kernels(byDivision, { axis: 0 })).toContain("sqrt")
    expect(kernels(byDivision, { two: [3] })).toContain("sqrt")
    expect(kernels(byDivision, { two: [2, 4, 2, 4, 2, 4] })).toContain("sqrt")
    // what is left of it is a normalization without a mean
    expect(kernels(byDivision, { outputs: ["y", "mean"] })).toEqual(["reduce-mean", "sub", "rms-norm", "add"])
    expect(kernels([...byReciprocal, node("Relu", ["mean"], "z")], { outputs: ["y", "z"] })).toContain("sqrt")
  })
})

describe("what is stored and added to a product", () => {
  test("is its bias, and the clip after it goes along", () => {
    const nodes = [node("MatMul", ["x", "m"], "p"), node("Add", ["b", "p"], "q"), node("Relu", ["q"], "y")]
    expect(kernels(nodes)).toEqual(["matmul"])
  })
  test("is added apart where something else uses the product", () => {
    const nodes = [node("MatMul", ["x", "m"], "p"), node("Add", ["b", "p"], "y"), node("Relu", ["p"], "z")]
    expect(kernels(nodes, { outputs: ["y", "z"] })).toEqual(["matmul", "add", "relu"])
  })
})
