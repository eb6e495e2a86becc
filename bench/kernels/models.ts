import { writeFileSync } from "node:fs"
import path from "node:path"
import { repoRoot } from "../../scripts/sources.ts"
import { sharedModel } from "../../test/support/shared.ts"
import { prefill } from "./cases.ts"

export interface WholeModel {
  /** As in the results: `model digits`. */
  name: string
  /** Absolute path, or why it can't be run here. */
  file: string
  missing?: string
  /** Sizes of dimensions that vary; 1 where not named. */
  dims: Record<string, number>
  /** How far two sides' answers may be apart, in parts of the largest element. */
  tolerance: number
}

const shared = (name: string, file: string, tolerance = 1e-3, dims: Record<string, number> = {}): WholeModel => {
  const { path: found = "", skip } = sharedModel(file)
  return { name: `model ${name}`, file: found, dims, tolerance, ...(skip && { missing: skip }) }
}

export const wholeModels: readonly WholeModel[] = [
  { name: "model digits", file: path.join(repoRoot, "models/digits/digits.onnx"), dims: {}, tolerance: 1e-3 },
  shared("mnist-cnn", "mnist-cnn/mnist.onnx"),
  shared("kws-dscnn", "kws-dscnn/kws_ref_model_float32.onnx"),
  shared("kwt1", "kwt1/kwt1.onnx"),
  shared("model2vec-vq64, 32 tokens", "model2vec-vq64/model.onnx", 1e-3, { batch: 1, seq: 32 }),
  shared("stories260k, a token after 63", "stories260k/stories260K_decoder.onnx", 1e-3, { past: 63 }),
  shared("mobilenetv1-025", "mobilenetv1-025/mobilenet_v1_0.25_128_fp32.onnx"),
  shared("ultraface-rfb320", "ultraface-rfb320/version-RFB-320.onnx"),
  // Rounding to float16, and to 8 bits, turns a difference in the last place into a whole step.
  shared("squeezenet-fp16", "squeezenet-fp16/squeezenet_fp16.onnx", 1e-2),
  shared("mobilenetv2", "mobilenetv2/mobilenet_v2_1.0_224_fp32.onnx"),
  shared("mobilenetv2 QDQ", "mobilenetv2/mobilenet_v2_1.0_224_qdq.onnx", 0.1),
  shared("yolox-nano", "yolox-nano/yolox_nano.onnx"),
]

/** An operation as a model, written below `dir`. */
export function storedPrefill(dir: string): WholeModel {
  const file = path.join(dir, "prefill.onnx")
  writeFileSync(file, prefill.model())
  return { name: prefill.name, file, dims: {}, tolerance: 1e-4 }
}
