/** The models every device is tried with, their inputs, and the answers known to be right (SOURCE.txt beside each shared model). */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Tensor } from "../../protocol/index.ts"
import { distance } from "../support/digits.ts"
import { readImage } from "../support/image.ts"
import { readWave } from "../support/wave.ts"
import { type ConformanceCase, float32, type Known, path, shared, values } from "./case.ts"
import { argmax, type Drive, type Feeds } from "./drive.ts"
import { pictureCases } from "./picture-cases.ts"
import { accumulate, convolution } from "./tiny-models.ts"

const softmax = (x: Float32Array) => {
  const exps = x.map((v) => Math.exp(v - Math.max(...x)))
  return exps.map((e) => e / exps.reduce((a, b) => a + b, 0))
}

interface DigitSamples {
  shape: number[]
  tolerance: number
  samples: { image: number[]; logits: number[] }[]
}
const digitsFolder = resolve(import.meta.dirname, "../../models/digits")
const digits = (): DigitSamples => JSON.parse(readFileSync(resolve(digitsFolder, "samples.json"), "utf8"))

/** Of kwt1's sounds, what is heard in each, and how surely. */
type Sounds = Readonly<Record<string, readonly [probability: number, word?: string]>>
const words: Sounds = { yes_1000ms: [0.909, "yes"], no_1000ms: [0.911, "no"] }
const others: Sounds = {
  silence_1000ms: [0.908, "_silence_"],
  marvin_617de221_0: [0.921, "_unknown_"],
  // nothing, whatever word is the likeliest
  noise_1000ms: [0.245],
}

const kwt1 = (name: string, sounds: Sounds, heavy?: true): ConformanceCase =>
  shared(
    "kwt1",
    "kwt1.onnx",
    {
      heavy,
      plan: () => ({
        kind: "runs",
        runs: Object.keys(sounds).map((name) => ({
          audio: { dtype: "float32", shape: [1, 16000], data: readWave(path(`kwt1/wav/${name}.wav`)) },
        })),
      }),
      known(driven) {
        const labels = readFileSync(path("kwt1/labels.txt"), "utf8").trim().split("\n")
        return Object.entries(sounds).flatMap(([name, [probability, word]], i): Known[] => {
          const heard = softmax(values(driven.outputs[i]?.logits))
          return [
            [`${name}: how surely`, Math.abs(Math.max(...heard) - probability) < 1e-3, true],
            [`${name}: the word`, word && labels[argmax(heard)], word],
          ]
        })
      },
      tolerance: float32,
    },
    name,
  )

const stories = (name: string, count: number, heavy?: true): ConformanceCase =>
  shared(
    "stories260k",
    "stories260K_decoder.onnx",
    {
      heavy,
      plan: () => ({
        kind: "greedy",
        first: 1,
        count,
        layers: 5,
        empty: { dtype: "float32", shape: [1, 4, 0, 8], data: new Float32Array(0) },
      }),
      known(driven) {
        const { token_ids } = JSON.parse(readFileSync(path("stories260k/expected_greedy.json"), "utf8"))
        return [["greedy tokens", driven.tokens, token_ids.slice(0, count)]]
      },
      // Nothing but tokens comes out.
      tolerance: { absolute: 0, relative: 0 },
    },
    name,
  )

interface Sentences {
  sentences: string[]
  token_ids: number[][]
  embeddings_first4: number[][]
  nearest: [sentence: string, other: string, similarity: number][]
}
const sentences = (): Sentences => JSON.parse(readFileSync(path("model2vec-vq64/expected_similarity.json"), "utf8"))

/** The tokens of a thousand hellos. */
function hello(): number[] {
  const { model } = JSON.parse(readFileSync(path("model2vec-vq64/tokenizer.json"), "utf8"))
  return new Array(1000).fill((model.vocab as [string, number][]).findIndex(([piece]) => piece === "▁hello"))
}

/** Sentences of different lengths as one batch. */
function padded(ids: number[][]): Feeds {
  const shape = [ids.length, Math.max(...ids.map(({ length }) => length))]
  const rows = (of: (id?: number) => number): Tensor => ({
    dtype: "int64",
    shape,
    data: BigInt64Array.from(ids.flatMap((row) => Array.from({ length: shape[1]! }, (_, i) => BigInt(of(row[i]))))),
  })
  return { input_ids: rows((id) => id ?? 0), attention_mask: rows((id) => (id === undefined ? 0 : 1)) }
}

/** Which of the others has the largest cosine with one; all are of length 1. */
function nearestTo(one: number, all: readonly Float32Array[]): { other: number; cosine: number } {
  const cosines = all.map((e, i) => (i === one ? -1 : e.reduce((sum, x, j) => sum + x * all[one]![j]!, 0)))
  const other = argmax(cosines)
  return { other, cosine: cosines[other]! }
}

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
  ...pictureCases,
  kwt1("kwt1", words),
  kwt1("kwt1, more sounds", others, true),
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
  shared("model2vec-vq64", "model.onnx", {
    plan: () => ({ kind: "runs", runs: [padded(sentences().token_ids), padded([hello()])] }),
    known({ outputs: [pairs, repeated] }) {
      const { nearest, sentences: texts, embeddings_first4 } = sentences()
      const embeddings = texts.map((_, i) => values(pairs?.sentence_embedding).subarray(i * 64, i * 64 + 64))
      const [expected] = JSON.parse(readFileSync(path("model2vec-vq64/expected_hello_x1000.json"), "utf8"))
      const first4 = embeddings.flatMap((e) => [...e.subarray(0, 4)])
      const found = embeddings.map((_, i) => nearestTo(i, embeddings))
      const similarities = nearest.map(([, , similarity]) => similarity)
      return [
        ["embeddings", distance(first4, embeddings_first4.flat()) < 1e-5, true],
        ["nearest sentences", found.map(({ other }) => texts[other]), nearest.map(([, other]) => other)],
        [
          "their similarities",
          distance(
            found.map(({ cosine }) => cosine),
            similarities,
          ) < 1e-3,
          true,
        ],
        ["a word, a thousand times", distance(values(repeated?.sentence_embedding), expected) < 1e-5, true],
      ]
    },
    tolerance: float32,
  }),
  stories("stories260k", 32),
  stories("stories260k, more tokens", 96, true),
]
