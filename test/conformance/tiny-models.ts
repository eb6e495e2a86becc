import { create, type MessageInitShape } from "@bufbuild/protobuf"
import { type AttributeProtoSchema, ModelProtoSchema } from "../../graph/generated/onnx_pb.js"
import { elementTypeNumber, writeModel } from "../../graph/index.ts"
import type { Dtype } from "../../protocol/index.ts"

type Dim = number | string

/** An input or output. */
export const value = (name: string, dtype: Dtype, dims: readonly Dim[]) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: {
        elemType: elementTypeNumber(dtype),
        shape: {
          dim: dims.map((d) =>
            typeof d === "string"
              ? { value: { case: "dimParam" as const, value: d } }
              : { value: { case: "dimValue" as const, value: BigInt(d) } },
          ),
        },
      },
    },
  },
})

export interface Tiny {
  inputs: ReturnType<typeof value>[]
  outputs: ReturnType<typeof value>[]
  nodes: {
    opType: string
    domain?: string
    input: string[]
    output: string[]
    name?: string
    attribute?: MessageInitShape<typeof AttributeProtoSchema>[]
  }[]
  weights?: { name: string; dims: number[]; data: Float32Array | Uint8Array; dtype?: Dtype }[]
  /** Of ai.onnx; 21 unless given. */
  opset?: number
}

/** A model of a few nodes, as bytes. */
export function model({ inputs, outputs, nodes, weights = [], opset = 21 }: Tiny): Uint8Array<ArrayBuffer> {
  const proto = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: "", version: BigInt(opset) },
      ...[...new Set(nodes.flatMap(({ domain }) => domain ?? []))].map((domain) => ({ domain, version: 1n })),
    ],
    graph: {
      name: "tiny",
      input: inputs,
      output: outputs,
      node: nodes,
      initializer: weights.map(({ name, dims, data, dtype = "float32" }) => ({
        name,
        dims: dims.map(BigInt),
        dataType: elementTypeNumber(dtype),
        rawData: new Uint8Array(data.buffer as ArrayBuffer),
      })),
    },
  })
  return new Uint8Array(writeModel(proto))
}

/** x → y, both `dtype` [n]. */
export function identity(dtype: Dtype): Uint8Array<ArrayBuffer> {
  return model({
    inputs: [value("x", dtype, ["n"])],
    outputs: [value("y", dtype, ["n"])],
    nodes: [{ opType: "Identity", input: ["x"], output: ["y"] }],
  })
}

/** x → y, both strings [n]: x with itself behind it. No GPU will ever run it. */
export function stringConcat(): Uint8Array<ArrayBuffer> {
  return model({
    inputs: [value("x", "string", ["n"])],
    outputs: [value("y", "string", ["n"])],
    nodes: [{ opType: "StringConcat", input: ["x", "x"], output: ["y"] }],
  })
}

/** x 4-bit [n] → y float32 [n], by dequantization with scale 1; and back to `again`, 4-bit. */
export function fourBit(dtype: "int4" | "uint4", back: boolean): Uint8Array<ArrayBuffer> {
  return model({
    inputs: [value("x", dtype, ["n"]), value("scale", "float32", [])],
    outputs: [value("y", "float32", ["n"]), ...(back ? [value("again", dtype, ["n"])] : [])],
    nodes: [
      { opType: "DequantizeLinear", input: ["x", "scale"], output: ["y"] },
      ...(back ? [{ opType: "QuantizeLinear", input: ["y", "scale", "zero"], output: ["again"] }] : []),
    ],
    weights: back ? [{ name: "zero", dims: [], data: Uint8Array.of(0), dtype }] : [],
  })
}

/** total, x → sum = total + x and twice = sum + sum, all float32 [4]: something to keep between runs that every device computes by itself. */
export function accumulate(): Uint8Array<ArrayBuffer> {
  return model({
    inputs: [value("total", "float32", [4]), value("x", "float32", [4])],
    outputs: [value("sum", "float32", [4]), value("twice", "float32", [4])],
    nodes: [
      { opType: "Add", input: ["total", "x"], output: ["sum"] },
      { opType: "Add", input: ["sum", "sum"], output: ["twice"] },
    ],
  })
}

/** n int64 [1] → y float32 [1], the sum of n ones laid out in memory. */
export function ones(): Uint8Array<ArrayBuffer> {
  return model({
    inputs: [value("n", "int64", [1])],
    outputs: [value("y", "float32", ["one"])],
    nodes: [
      { opType: "Expand", input: ["one", "n"], output: ["all"] },
      { opType: "ReduceSum", input: ["all"], output: ["y"] },
    ],
    weights: [{ name: "one", dims: [1], data: Float32Array.of(1) }],
  })
}

/** x float32 [1, channels, 5, 5] → y, by a 3×3 convolution to 4 channels, whose node has no name, and a tanh. */
export function convolution(channels: number): Uint8Array<ArrayBuffer> {
  const data = Float32Array.from({ length: 4 * channels * 9 }, (_, i) => ((i * 37) % 101) / 101 - 0.5)
  return model({
    inputs: [value("x", "float32", [1, channels, 5, 5])],
    outputs: [value("y", "float32", [1, 4, 3, 3])],
    nodes: [
      { opType: "Conv", input: ["x", "w"], output: ["c"] },
      { opType: "Tanh", input: ["c"], output: ["y"] },
    ],
    weights: [{ name: "w", dims: [4, channels, 3, 3], data }],
  })
}

/** q, k, v float32 [1, tokens, 64] → y of that shape: 2 heads, each token over all. */
export function attention(tokens: number): Uint8Array<ArrayBuffer> {
  const names = ["q", "k", "v"]
  return model({
    inputs: names.map((name) => value(name, "float32", [1, tokens, 64])),
    outputs: [value("y", "float32", [1, tokens, 64])],
    nodes: [
      {
        domain: "com.microsoft",
        opType: "MultiHeadAttention",
        input: names,
        output: ["y"],
        attribute: [{ name: "num_heads", type: 2, i: 2n }],
      },
    ],
  })
}
