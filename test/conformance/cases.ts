/** The models every device is tried with, their inputs, and the answers known to be right (SOURCE.txt beside each shared model). */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { type DeviceInfo, float16Bits, type Tensor } from "../../protocol/index.ts"
import { planes, readImage } from "../support/image.ts"
import { sharedModel } from "../support/shared.ts"
import { readWave } from "../support/wave.ts"
import { argmax, type Drive, type Driven, type Feeds } from "./drive.ts"
import { accumulate, convolution } from "./tiny-models.ts"

export interface ConformanceCase {
  name: string
  /** A file, or the bytes. */
  model: string | Uint8Array<ArrayBuffer>
  /** Why it can't be tried here: the shared folder is absent. */
  skip?: string
  /** Needed by ONNX Runtime's backends, else they must refuse with IPFA_DEVICE_UNSUPPORTED; our own kernels compute it in float32. */
  needs?: "float16"
  /** What our own kernels can't compute yet: their refusal says this. */
  lackedByWgsl?: RegExp
  plan(): Drive
  /** What is known to be right, as [what, got, expected] that must be equal. */
  known(driven: Driven): [what: string, got: unknown, expected: unknown][]
  /** |got − onnxruntime-node's| ≤ absolute + relative · |onnxruntime-node's|, for each element of each output. */
  tolerance: { absolute: number; relative: number }
}

/** Sums of float32 products in another order, through some dozens of layers. */
const float32 = { absolute: 2e-5, relative: 2e-4 }
/** One unit in the last place of a float16 near 1 is 2^-10; layers of them add up. */
const float16 = { absolute: 4e-3, relative: 0 }

/** What the refusal of `device` must say; undefined where it has to compute the case. */
export function refusalOf(
  { needs, lackedByWgsl }: ConformanceCase,
  { backend, dtypes }: DeviceInfo,
): RegExp | undefined {
  if (backend === "wgsl") return lackedByWgsl
  return needs && !dtypes.includes(needs) ? /f16|float16/ : undefined
}

const values = (t: Tensor | undefined) => t?.data as Float32Array<ArrayBuffer>
const softmax = (x: Float32Array) => {
  const exps = x.map((v) => Math.exp(v - Math.max(...x)))
  return exps.map((e) => e / exps.reduce((a, b) => a + b, 0))
}

function shared(
  folder: string,
  file: string,
  rest: Omit<ConformanceCase, "name" | "model" | "skip">,
  name = folder,
): ConformanceCase {
  const { path = "", skip } = sharedModel(`${folder}/${file}`)
  return { name, model: path, skip, ...rest }
}

const path = (name: string) => sharedModel(name).path as string
const kitten = () => readImage(path("squeezenet-fp16/kitten_224.png"))
const rgb = (): Feeds => ({
  input: { dtype: "float32", shape: [1, 3, 224, 224], data: planes(kitten(), (x) => (x - 128) / 128) },
})
const tabby = (driven: Driven): [string, unknown, unknown][] => {
  const probs = values(driven.outputs[0]?.probs)
  return [
    ["class (282 is tabby)", argmax(probs), 282],
    ["probability", Math.abs(probs[282]! - 0.93) < 0.05, true],
  ]
}

interface DigitSamples {
  shape: number[]
  tolerance: number
  samples: { image: number[]; logits: number[] }[]
}
const digitsFolder = resolve(import.meta.dirname, "../../models/digits")
const digits = (): DigitSamples => JSON.parse(readFileSync(resolve(digitsFolder, "samples.json"), "utf8"))

export const cases: readonly ConformanceCase[] = [
  {
    name: "a running sum that is kept",
    model: accumulate(),
    plan: () => ({
      kind: "carried",
      runs: [1, 2, 3].map((i) => ({ x: { dtype: "float32", shape: [4], data: Float32Array.of(i, 10, 0.5, -1) } })),
      carry: { sum: "total" },
      initial: { total: { dtype: "float32", shape: [4], data: new Float32Array(4) } },
    }),
    known: (driven) => [["twice the sum", [...values(driven.outputs[2]?.twice)], [12, 60, 3, -6]]],
    tolerance: { absolute: 0, relative: 0 },
  },
  ...[3, 6, 8, 9].map((channels) => ({
    // 6 and 9 are what ONNX Runtime 1.30's WebGPU provider gets wrong.
    name: `a convolution of ${channels} channels`,
    model: convolution(channels),
    plan: (): Drive => {
      const data = Float32Array.from({ length: channels * 25 }, (_, i) => Math.sin(i))
      return { kind: "runs", runs: [{ x: { dtype: "float32", shape: [1, channels, 5, 5], data } }] }
    },
    known: () => [],
    tolerance: float32,
  })),
  {
    name: "digits",
    model: resolve(digitsFolder, "digits.onnx"),
    plan() {
      const { samples, shape } = digits()
      const image = Float32Array.from(samples.flatMap((s) => s.image))
      return { kind: "runs", runs: [{ image: { dtype: "float32", shape: [samples.length, ...shape], data: image } }] }
    },
    known(driven) {
      const { samples, tolerance } = digits()
      const logits = values(driven.outputs[0]?.logits)
      const rows = samples.map((_, i) => logits.subarray(i * 10, i * 10 + 10))
      const worst = samples.flatMap((s, i) => s.logits.map((x, j) => Math.abs(x - rows[i]![j]!)))
      return [
        // Torch's digits, not the labels: the model reads two of these wrong, and so must every device.
        ["digits", rows.map(argmax), samples.map((s) => argmax(s.logits))],
        ["logits within the sample's tolerance of torch's", Math.max(...worst) <= tolerance, true],
      ]
    },
    tolerance: float32,
  },
  shared("mnist-cnn", "mnist.onnx", {
    plan: () => ({
      kind: "runs",
      runs: Array.from({ length: 10 }, (_, i) => {
        const { data } = readImage(path(`mnist-cnn/samples/sample${i}.png`))
        return { Input3: { dtype: "float32", shape: [1, 1, 28, 28], data: Float32Array.from(data) } }
      }),
    }),
    known: (driven) => [
      ["digits", driven.outputs.map((o) => argmax(values(o.Plus214_Output_0))), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ],
    // Its inputs are not normalised: logits are in the thousands and the small ones are differences of big ones.
    tolerance: { absolute: 2e-2, relative: 2e-4 },
  }),
  shared("squeezenet-fp16", "squeezenet_fp16.onnx", {
    needs: "float16",
    plan: () => ({
      kind: "runs",
      runs: [
        {
          data_0: {
            dtype: "float16",
            shape: [1, 3, 224, 224],
            data: Uint16Array.from(
              planes(kitten(), (x) => x, true),
              float16Bits,
            ),
          },
        },
      ],
    }),
    known(driven) {
      // The bits of positive float16 numbers are in the numbers' order.
      const bits = driven.outputs[0]?.softmaxout_1?.data as Uint16Array
      return [["class (281 is tabby)", argmax(bits), 281]]
    },
    tolerance: float16,
  }),
  shared(
    "mobilenetv2",
    "mobilenet_v2_1.0_224_fp32.onnx",
    { plan: () => ({ kind: "runs", runs: [rgb()] }), known: tabby, tolerance: float32 },
    "mobilenetv2 float32",
  ),
  shared(
    "mobilenetv2",
    "mobilenet_v2_1.0_224_qdq.onnx",
    // Rounding to 8 bits turns a difference in the last place into one whole step, which the layers after it carry on.
    { plan: () => ({ kind: "runs", runs: [rgb()] }), known: tabby, tolerance: { absolute: 0.03, relative: 0 } },
    "mobilenetv2 QDQ",
  ),
  shared("kwt1", "kwt1.onnx", {
    plan: () => ({
      kind: "runs",
      runs: ["yes", "no"].map((word) => ({
        audio: { dtype: "float32", shape: [1, 16000], data: readWave(path(`kwt1/wav/${word}_1000ms.wav`)) },
      })),
    }),
    known(driven) {
      const labels = readFileSync(path("kwt1/labels.txt"), "utf8").trim().split("\n")
      const words = driven.outputs.map((o) => softmax(values(o.logits)))
      return [
        ["words", words.map((p) => labels[argmax(p)]), ["yes", "no"]],
        ["probabilities", words.map((p) => Math.max(...p).toFixed(2)), ["0.91", "0.91"]],
      ]
    },
    tolerance: { absolute: 1e-3, relative: 1e-3 },
  }),
  shared("silero-vad", "silero_vad.onnx", {
    lackedByWgsl: /they have no If\./,
    plan() {
      const wave = readWave(path("silero-vad/test.wav"))
      // A frame is 512 samples after the last 64 of the frame before; the first has silence there.
      const padded = new Float32Array(64 + wave.length)
      padded.set(wave, 64)
      return {
        kind: "carried",
        runs: Array.from({ length: 8 }, (_, i) => ({
          input: { dtype: "float32", shape: [1, 576], data: padded.slice(i * 512, i * 512 + 576) },
          sr: { dtype: "int64", shape: [], data: BigInt64Array.of(16_000n) },
        })),
        carry: { stateN: "state" },
        initial: { state: { dtype: "float32", shape: [2, 1, 128], data: new Float32Array(256) } },
      }
    },
    known: (driven) => [
      [
        "speech probabilities",
        driven.outputs.map((o) => values(o.output)[0]!.toFixed(3)),
        (JSON.parse(readFileSync(path("silero-vad/test.wav.probs.json"), "utf8")) as number[])
          .slice(0, 8)
          .map((p) => p.toFixed(3)),
      ],
    ],
    tolerance: { absolute: 1e-4, relative: 1e-3 },
  }),
  shared("stories260k", "stories260K_decoder.onnx", {
    plan: () => ({
      kind: "greedy",
      first: 1,
      count: 32,
      layers: 5,
      empty: { dtype: "float32", shape: [1, 4, 0, 8], data: new Float32Array(0) },
    }),
    known(driven) {
      const { token_ids } = JSON.parse(readFileSync(path("stories260k/expected_greedy.json"), "utf8"))
      return [["greedy tokens", driven.tokens, token_ids.slice(0, 32)]]
    },
    tolerance: float32,
  }),
]
