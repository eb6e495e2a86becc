import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import * as ort from "onnxruntime-node"

const dir = resolve(import.meta.dirname, "../../models/digits")

export const digitsModel: Uint8Array<ArrayBuffer> = new Uint8Array(readFileSync(resolve(dir, "digits.onnx")))

const { samples, tolerance } = JSON.parse(readFileSync(resolve(dir, "samples.json"), "utf8")) as {
  samples: { label: number; image: number[]; logits: number[] }[]
  tolerance: number
}
/** Held-out images, their labels, and how far a right device's logits may be from another's. */
export const digits = { samples, tolerance, shape: [1, 1, 8, 8] }

/** The logits that onnxruntime-node computes for one image after another. */
export async function nativeLogits(images: readonly number[][]): Promise<number[]> {
  const session = await ort.InferenceSession.create(digitsModel)
  const image = new ort.Tensor("float32", Float32Array.from(images.flat()), [images.length, 1, 8, 8])
  const outputs = await session.run({ image })
  await session.release()
  return [...(outputs.logits as ort.Tensor & { data: Float32Array }).data]
}

/** The largest absolute difference. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  return Array.from(a).reduce((max, x, i) => Math.max(max, Math.abs(x - (b[i] as number))), 0)
}
