import { describe, expect, test } from "vitest"
import { lower } from "../../engine/backends/wgsl/lower.ts"
import { Lowerable } from "../../engine/backends/wgsl/lowerable.ts"
import { model, value } from "../conformance/tiny-models.ts"

type Nodes = Parameters<typeof model>[0]["nodes"]
const ints = (name: string, ...list: number[]) => ({ name, type: 7, ints: list.map(BigInt) })
const node = (opType: string, input: string[], output: string, ...attribute: ReturnType<typeof ints>[]) => ({
  opType,
  input,
  output: [output],
  attribute,
})
const concat = (input: string[], output: string) => ({
  opType: "Concat",
  input,
  output: [output],
  attribute: [{ name: "axis", type: 2, i: 1n }],
})
const pool = (input: string, output: string, reach = 1) => {
  const size = 2 * reach + 1
  return node("MaxPool", [input], output, ints("kernel_shape", size, size), ints("pads", reach, reach, reach, reach))
}
/** Each with weights of its own: what several nodes compute alike is computed once. */
const conv = (input: string, output: string) => node("Conv", [input, `w ${output}`], output)

const limits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupStorageSize: 2 ** 14,
  maxComputeWorkgroupsPerDimension: 2 ** 16 - 1,
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
}

/** The program of a graph of x [1, 4, size, size] and convolutions of 4 channels to 4, and its kernels in order. */
function lowered(nodes: Nodes, { size = 8, outputs = ["y"] } = {}) {
  const long = (name: string, ...list: number[]) => {
    const data = new Uint8Array(BigInt64Array.from(list, BigInt).buffer)
    return { name, dims: [list.length], data, dtype: "int64" as const }
  }
  const weights = nodes.flatMap(({ opType, input }) => (opType === "Conv" ? input[1]! : []))
  const bytes = model({
    inputs: [value("x", "float32", [1, 4, size, size])],
    outputs: outputs.map((name) => value(name, "float32", ["n", "c", "h", "w"])),
    nodes,
    weights: [
      ...weights.map((name, i) => ({ name, dims: [4, 4, 1, 1], data: new Float32Array(16).fill(i) })),
      ...[0, 1, 2, 3].map((i) => long(`i${i}`, i)),
      long("end", 1000),
    ],
  })
  const program = lower(new Lowerable(bytes), { x: [1, 4, size, size] }, limits)
  return { program, kernels: program.ops.map(({ step }) => step.pipeline.label.split(":")[0]!) }
}
const kernels = (...given: Parameters<typeof lowered>) => lowered(...given).kernels

describe("a concatenation along the outermost axis", () => {
  test("costs nothing: what computes its parts writes them there", () => {
    const { program, kernels } = lowered([conv("x", "a"), conv("x", "b"), concat(["a", "b"], "y")])
    expect(kernels).toEqual(["conv2d", "conv2d"])
    const whole = program.outputs[0]!.value.buffer
    const bytes = 4 * 8 * 8 * 4
    expect(program.ops.map(({ writes, ranges }) => [writes, ranges.at(-1)])).toEqual([
      [whole, { at: 0, bytes }],
      [whole, { at: bytes, bytes }],
    ])
  })
  test("of a concatenation costs nothing either", () => {
    const nodes = [conv("x", "a"), conv("x", "b"), concat(["a", "b"], "c"), conv("x", "d"), concat(["d", "c"], "y")]
    expect(kernels(nodes)).toEqual(["conv2d", "conv2d", "conv2d"])
  })
  test("copies an input, a part that is there twice and one that no binding could begin at", () => {
    expect(kernels([conv("x", "a"), concat(["x", "a"], "y")])).toEqual(["conv2d", "copy"])
    expect(kernels([conv("x", "a"), concat(["a", "a"], "y")])).toEqual(["conv2d", "copy", "copy"])
    const nodes = [conv("x", "a"), conv("x", "b"), concat(["a", "b"], "y")]
    // 4 · 7 · 7 · 4 bytes are no multiple of 256
    expect(kernels(nodes, { size: 7 })).toEqual(["conv2d", "conv2d", "copy"])
  })
  test("copies as few parts as can be where one is computed from another", () => {
    const nodes = [conv("x", "a"), pool("a", "b"), pool("a", "c", 2), concat(["a", "b", "c"], "y")]
    const { program, kernels } = lowered(nodes)
    expect(kernels).toEqual(["conv2d", "max-pool", "max-pool", "copy"])
    for (const { reads, writes } of program.ops) expect(reads).not.toContain(writes)
  })
})

describe("a slice", () => {
  const slice = (input: string, start: string, axis: string, step: string, output: string) =>
    node("Slice", [input, start, "end", axis, step], output)
  test("of whole channels costs nothing", () => {
    expect(kernels([slice("x", "i2", "i1", "i1", "s"), node("Relu", ["s"], "y")])).toEqual(["relu"])
  })
  test("of a slice is one copy", () => {
    expect(kernels([slice("x", "i1", "i2", "i2", "s"), slice("s", "i0", "i3", "i2", "y")])).toEqual(["copy"])
  })
})

describe("what follows a convolution", () => {
  test("is done along with it: SiLU, and a residual after it", () => {
    const silu = [conv("x", "a"), node("Sigmoid", ["a"], "s"), node("Mul", ["a", "s"], "y")]
    expect(kernels(silu)).toEqual(["conv2d"])
    expect(kernels([...silu, node("Add", ["x", "y"], "z")], { outputs: ["z"] })).toEqual(["conv2d"])
  })
  test("a residual, and the activation after it", () => {
    expect(kernels([conv("x", "a"), node("Add", ["a", "x"], "b"), node("Relu", ["b"], "y")])).toEqual(["conv2d"])
  })
  test("is done apart where something else uses what comes before, or the residual comes later", () => {
    const silu = [conv("x", "a"), node("Sigmoid", ["a"], "s"), node("Mul", ["a", "s"], "y")]
    expect(kernels(silu, { outputs: ["y", "s"] })).toEqual(["conv2d", "sigmoid", "mul"])
    const added = [conv("x", "a"), node("Relu", ["a"], "b"), pool("x", "p"), node("Add", ["b", "p"], "y")]
    expect(kernels(added)).toEqual(["conv2d", "max-pool", "add"])
  })
  test("what nothing uses is not computed", () => {
    expect(kernels([conv("x", "y"), pool("x", "unused")])).toEqual(["conv2d"])
  })
})

test("the root of a sum of squares is one dispatch, unless something else uses the squares", () => {
  const length = [node("Mul", ["x", "x"], "s"), node("ReduceSum", ["s", "i1"], "t"), node("Sqrt", ["t"], "y")]
  expect(kernels(length)).toEqual(["reduce-l2"])
  expect(kernels(length, { outputs: ["y", "s"] })).toEqual(["mul", "reduce-sum", "sqrt"])
})

test("PReLU is one dispatch", () => {
  expect(kernels([node("PRelu", ["x", "x"], "y")])).toEqual(["prelu"])
})
