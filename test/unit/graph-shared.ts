import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { ModelProto } from "../../graph/index.ts"

export const models = join(resolve(import.meta.dirname, "../..", process.env.IPFA_SHARED ?? "../shared"), "models")
/** Why tests on the shared models are skipped, for the suite's title; empty where they are there. */
export const absent = existsSync(models) ? "" : " (skipped: the shared models are absent)"

interface Shared {
  file: string
  /** Shapes of inputs whose declared shape has unknown dimensions. */
  feeds?: Record<string, number[]>
  /** Known elements of small inputs. */
  values?: Record<string, number[]>
  /** Elements of every initializer and Constant, as counted by Debian's onnx 1.12 (python3-onnx). */
  parameters: number
}

const cached = (layers: number, past: number[]) =>
  Object.fromEntries(
    Array.from({ length: layers }, (_, i) => ["key", "value"].map((kv) => [`past_key_values.${i}.${kv}`, past])).flat(),
  )
const silero = { feeds: { input: [1, 576], state: [2, 1, 128] }, values: { sr: [16000] } }

export const sharedModels: readonly Shared[] = [
  { file: "basic-pitch/nmp.onnx", feeds: { "serving_default_input_2:0": [1, 43844, 1] }, parameters: 36037 },
  { file: "deeplabv3-mnv2/deeplabv3_mnv2_dm05_fp32.onnx", parameters: 688371 },
  { file: "g2p-en/g2p_decoder_step.onnx", parameters: 432715 },
  { file: "g2p-en/g2p_encoder.onnx", feeds: { ids: [5, 1] }, parameters: 402176 },
  { file: "kws-dscnn/kws_ref_model_float32.onnx", parameters: 22604 },
  { file: "kws-dscnn/kws_ref_model_int8_qdq.onnx", parameters: 24936 },
  { file: "kwt1/kwt1.onnx", parameters: 865502 },
  { file: "mnist-cnn/mnist.onnx", parameters: 5998 },
  { file: "mobilenetv1-025/mobilenet_v1_0.25_128_fp32.onnx", parameters: 467595 },
  { file: "mobilenetv1-025/mobilenet_v1_0.25_128_qdq.onnx", parameters: 467767 },
  { file: "mobilenetv2/mobilenet_v2_1.0_224_fp32.onnx", parameters: 3489099 },
  { file: "mobilenetv2/mobilenet_v2_1.0_224_qdq.onnx", parameters: 3489441 },
  { file: "model2vec-vq64/model.onnx", feeds: { input_ids: [2, 7], attention_mask: [2, 7] }, parameters: 67246 },
  { file: "silero-vad/silero_vad.onnx", ...silero, parameters: 545597 },
  { file: "silero-vad/silero_vad_16k_op15.onnx", ...silero, parameters: 309795 },
  { file: "silero-vad/silero_vad_op18_ifless.onnx", ...silero, parameters: 545689 },
  { file: "squeezenet-fp16/squeezenet_fp16.onnx", parameters: 1235496 },
  {
    file: "stories260k/stories260K_decoder.onnx",
    feeds: { input_ids: [1, 2], position_ids: [1, 2], ...cached(5, [1, 4, 3, 8]) },
    parameters: 297039,
  },
  { file: "style-transfer/candy.onnx", feeds: { inputImage: [1, 3, 720, 720] }, parameters: 424905 },
  { file: "style-transfer/mosaic.onnx", feeds: { inputImage: [1, 3, 720, 720] }, parameters: 424905 },
  {
    file: "tiny-shakespeare/decoder.onnx",
    feeds: { input_ids: [1, 2], position_ids: [1, 2], ...cached(4, [1, 4, 0, 32]) },
    parameters: 3295777,
  },
  { file: "ultraface-rfb320/version-RFB-320.onnx", parameters: 307683 },
  { file: "yolox-nano/yolox_nano.onnx", parameters: 904481 },
]

export const shared = (file: string): Shared => sharedModels.find((m) => m.file === file)!
export const readShared = (file: string): Buffer => readFileSync(join(models, file))

/** The shape fed to each input of `model`: its declared one, or the one given. */
export function feedShapes(model: ModelProto, { feeds = {} }: Shared): Record<string, number[]> {
  const graph = model.graph!
  const stored = new Set(graph.initializer.map((t) => t.name))
  const out: Record<string, number[]> = {}
  for (const { name, type } of graph.input) {
    if (stored.has(name) || type?.value.case !== "tensorType") continue
    out[name] = feeds[name] ?? type.value.value.shape!.dim.map((d) => Number(d.value.value))
  }
  return out
}
