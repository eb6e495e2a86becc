/** Single operations: the rows of the benchmarks, and which sizes. */
import { imageCases } from "./image-cases.ts"
import { attentionDecode, attentionPrefill, gemv4bit, matmul8bit, rope } from "./language-cases.ts"
import { movingCases } from "./moving-cases.ts"
import { elems, int, ints, type OperationCase, operation, plainly } from "./operation.ts"
import { layerNorm, rowCases, softmax } from "./row-cases.ts"
import { soundCases } from "./sound-cases.ts"

const matmul = (m: number, k: number, n: number) =>
  operation(
    {
      name: `matmul ${m}x${k}x${n} f32`,
      measures: ["matmul"],
      shapes: [
        [m, k],
        [k, n],
      ],
      output: [m, n],
      flops: 2 * m * k * n,
      node: { opType: "MatMul" },
    },
    plainly((gpu, [a, b]) => gpu.matmul(a!, b!)),
  )

function conv(name: string, x: number[], w: number[], stride: number, group = 1): OperationCase {
  const [n, , height, width] = x as [number, number, number, number]
  const [outs, each, size] = w as [number, number, number]
  const pad = size >> 1
  const along = (length: number) => Math.floor((length + 2 * pad - size) / stride) + 1
  const output = [n, outs, along(height), along(width)]
  const attribute = [ints("strides", [stride, stride]), ints("pads", [pad, pad, pad, pad]), int("group", group)]
  return operation(
    {
      name: `conv ${name} f32`,
      measures: ["conv2d"],
      shapes: [x, w, [outs]],
      output,
      flops: 2 * elems(output) * each * size * size,
      node: { opType: "Conv", attribute },
    },
    plainly((gpu, [a, b, c]) =>
      gpu.conv2d(a!, b!, c, { strides: [stride, stride], pads: [pad, pad, pad, pad], group }),
    ),
  )
}

const ofPeak = (one: OperationCase): OperationCase => ({ ...one, ofPeak: true })

export const operations: readonly OperationCase[] = [
  matmul(128, 128, 128),
  matmul(256, 256, 256),
  ofPeak(matmul(512, 512, 512)),
  matmul(64, 768, 768),
  matmul(8, 1024, 1024),
  ofPeak(matmul(1, 1024, 1024)),
  conv("3x3 64→64 56x56", [1, 64, 56, 56], [64, 64, 3, 3], 1),
  ofPeak(conv("1x1 64→256 56x56", [1, 64, 56, 56], [256, 64, 1, 1], 1)),
  conv("3x3 stride 2 3→32 224x224", [1, 3, 224, 224], [32, 3, 3, 3], 2),
  conv("3x3 depthwise 144 56x56", [1, 144, 56, 56], [144, 1, 3, 3], 1, 144),
  ofPeak(softmax(512, 1024)),
  ofPeak(layerNorm(512, 768)),
  ofPeak(gemv4bit(4096, 4096)),
  matmul8bit(64, 768, 768),
  ofPeak(attentionDecode(32, 8, 4096)),
  rope(12, 256),
  ...rowCases,
  ...movingCases,
  ...imageCases,
  ...soundCases,
]

/** A prompt, from values to values: as our backend computes it, which takes another way than the kernel where that is faster. */
export const prefill: OperationCase = attentionPrefill(12, 256)

/** Sizes that fill a GPU. */
export const largeOperations: readonly OperationCase[] = [
  matmul(512, 512, 512),
  matmul(1024, 1024, 1024),
  matmul(4096, 4096, 4096),
  matmul(64, 4096, 4096),
  matmul(8, 4096, 4096),
  matmul(1, 4096, 4096),
  conv("3x3 64→64 224x224", [1, 64, 224, 224], [64, 64, 3, 3], 1),
  conv("1x1 256→256 112x112", [1, 256, 112, 112], [256, 256, 1, 1], 1),
  conv("3x3 depthwise 512 112x112", [1, 512, 112, 112], [512, 1, 3, 3], 1, 512),
  softmax(4096, 4096),
  layerNorm(4096, 4096),
  gemv4bit(4096, 4096),
  gemv4bit(11008, 4096),
  matmul8bit(1, 4096, 4096),
  matmul8bit(64, 4096, 4096),
  attentionDecode(32, 8, 4096),
  attentionPrefill(32, 1024),
].map(ofPeak)

/** Folders of kernels/ops that no row is of, and why. */
export const unmeasured: Readonly<Record<string, string>> = {
  embedding:
    "a model holds indices and weights of it, so that ONNX Runtime computes it once, as a constant; gather's row moves as much, gemv's unpacks as much",
  "from-pixels": "no operator makes a tensor of an image's bytes",
  gated: "no operator of onnxruntime-web's; stories260k has its parts",
  "packed-conv2d": "no operator convolves with packed weights; model mobilenetv2 QDQ does",
  philox: "no operator gives random words by counter and key",
  sample: "no operator draws a token",
  scatter: "an operator copies all it scatters into first, which would be most of what is measured",
}
