/** Single operations: what our kernels and an ONNX runtime are both asked to compute. */
import type { GpuTensor, Kernels } from "../../kernels/index.ts"
import { model, type Tiny, value } from "../../test/conformance/tiny-models.ts"
import { attentionDecode, attentionPrefill, gemv4bit } from "./language-cases.ts"

export type Float32 = GpuTensor<"float32">

export interface OperationCase {
  name: string
  /** Of the inputs, float32, by the names that they have in the model. */
  inputs: Record<string, number[]>
  /** Of the result, whose name is y. */
  output: number[]
  /** Operations, and bytes that can't be avoided: read once, written once. */
  flops: number
  bytes: number
  /** Held against what the adapter can do at most, too. */
  ofPeak?: boolean
  /** Other outputs of the model, each of them written over an input: a cache. */
  inPlace?: Record<string, string>
  model(): Uint8Array<ArrayBuffer>
  /** Puts on the device what it needs beside its inputs, in order; what comes back is a run of it, whose result is the caller's to destroy. */
  open(gpu: Kernels, inputs: Float32[]): () => Promise<Float32>
}

const elems = (shape: readonly number[]) => shape.reduce((n, dim) => n * dim, 1)
const names = ["a", "b", "c"]

function operation(
  name: string,
  shapes: number[][],
  output: number[],
  flops: number,
  node: Pick<Tiny["nodes"][number], "opType" | "attribute">,
  run: (gpu: Kernels, inputs: Float32[]) => Promise<Float32>,
): OperationCase {
  const input = shapes.map((_, i) => names[i]!)
  return {
    name,
    inputs: Object.fromEntries(shapes.map((shape, i) => [input[i]!, shape])),
    output,
    flops,
    bytes: 4 * [...shapes, output].reduce((sum, shape) => sum + elems(shape), 0),
    model: () =>
      model({
        inputs: shapes.map((shape, i) => value(input[i]!, "float32", shape)),
        outputs: [value("y", "float32", output)],
        nodes: [{ ...node, input, output: ["y"] }],
      }),
    open: (gpu, inputs) => () => run(gpu, inputs),
  }
}

// numbers of AttributeProto.AttributeType
const INT = 2
const INTS = 7
const ints = (name: string, list: number[]) => ({ name, type: INTS, ints: list.map(BigInt) })

const matmul = (m: number, k: number, n: number) =>
  operation(
    `matmul ${m}x${k}x${n} f32`,
    [
      [m, k],
      [k, n],
    ],
    [m, n],
    2 * m * k * n,
    { opType: "MatMul" },
    (gpu, [a, b]) => gpu.matmul(a!, b!),
  )

function conv(name: string, x: number[], w: number[], stride: number, group = 1): OperationCase {
  const [n, , height, width] = x as [number, number, number, number]
  const [outs, each, size] = w as [number, number, number]
  const pad = size >> 1
  const along = (length: number) => Math.floor((length + 2 * pad - size) / stride) + 1
  const output = [n, outs, along(height), along(width)]
  const attribute = [
    ints("strides", [stride, stride]),
    ints("pads", [pad, pad, pad, pad]),
    { name: "group", type: INT, i: BigInt(group) },
  ]
  return operation(
    `conv ${name} f32`,
    [x, w, [outs]],
    output,
    2 * elems(output) * each * size * size,
    { opType: "Conv", attribute },
    (gpu, [a, b, c]) => gpu.conv2d(a!, b!, c, { strides: [stride, stride], pads: [pad, pad, pad, pad], group }),
  )
}

const softmax = (rows: number, cols: number) =>
  operation(
    `softmax ${rows}x${cols} f32`,
    [[rows, cols]],
    [rows, cols],
    5 * rows * cols,
    { opType: "Softmax" },
    (gpu, [x]) => gpu.softmax(x!),
  )

const layerNorm = (rows: number, cols: number) =>
  operation(
    `layer norm ${rows}x${cols} f32`,
    [[rows, cols], [cols], [cols]],
    [rows, cols],
    8 * rows * cols,
    { opType: "LayerNormalization" },
    (gpu, [x, w, bias]) => gpu.layerNorm(x!, w!, bias),
  )

const ofPeak = (one: OperationCase): OperationCase => ({ ...one, ofPeak: true })

export const operations: readonly OperationCase[] = [
  matmul(128, 128, 128),
  matmul(256, 256, 256),
  ofPeak(matmul(512, 512, 512)),
  matmul(64, 768, 768),
  ofPeak(matmul(1, 1024, 1024)),
  conv("3x3 64→64 56x56", [1, 64, 56, 56], [64, 64, 3, 3], 1),
  ofPeak(conv("1x1 64→256 56x56", [1, 64, 56, 56], [256, 64, 1, 1], 1)),
  conv("3x3 stride 2 3→32 224x224", [1, 3, 224, 224], [32, 3, 3, 3], 2),
  conv("3x3 depthwise 144 56x56", [1, 144, 56, 56], [144, 1, 3, 3], 1, 144),
  ofPeak(softmax(512, 1024)),
  ofPeak(layerNorm(512, 768)),
  ofPeak(gemv4bit(4096, 4096)),
  ofPeak(attentionDecode(32, 8, 4096)),
]

/** A prompt, from values to values: as our backend computes it, which takes another way than the kernel where that is faster. */
export const prefill: OperationCase = attentionPrefill(12, 256)

/** Sizes that fill a GPU. */
export const largeOperations: readonly OperationCase[] = [
  matmul(512, 512, 512),
  matmul(1024, 1024, 1024),
  matmul(4096, 4096, 4096),
  matmul(64, 4096, 4096),
  matmul(1, 4096, 4096),
  conv("3x3 64→64 224x224", [1, 64, 224, 224], [64, 64, 3, 3], 1),
  conv("1x1 256→256 112x112", [1, 256, 112, 112], [256, 256, 1, 1], 1),
  conv("3x3 depthwise 512 112x112", [1, 512, 112, 112], [512, 1, 3, 3], 1, 512),
  softmax(4096, 4096),
  layerNorm(4096, 4096),
  gemv4bit(4096, 4096),
  gemv4bit(11008, 4096),
  attentionDecode(32, 8, 4096),
  attentionPrefill(32, 1024),
].map(ofPeak)
