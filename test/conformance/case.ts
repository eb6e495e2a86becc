import type { DeviceInfo, Tensor } from "../../protocol/index.ts"
import { sharedModel } from "../support/shared.ts"
import type { Drive, Driven } from "./drive.ts"

/** What is known to be right: what, what came out, and what that must be equal to. */
export type Known = [what: string, got: unknown, expected: unknown]

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
  /** Not for ONNX Runtime's WebGPU backend where there is no GPU: it takes seconds for a run. */
  heavy?: true
  plan(): Drive
  known(driven: Driven): Known[]
  /** |got − onnxruntime-node's| ≤ absolute + relative · |onnxruntime-node's|, for each element of each output. */
  tolerance: { absolute: number; relative: number }
}

/** Sums of float32 products in another order, through some dozens of layers. */
export const float32 = { absolute: 2e-5, relative: 2e-4 }

/** What the refusal of `device` must say; undefined where it has to compute the case. */
export function refusalOf(
  { needs, lackedByWgsl }: ConformanceCase,
  { backend, dtypes }: DeviceInfo,
): RegExp | undefined {
  if (backend === "wgsl") return lackedByWgsl
  return needs && !dtypes.includes(needs) ? /f16|float16/ : undefined
}

/** A case of a model in the shared folder. */
export function shared(
  folder: string,
  file: string,
  rest: Omit<ConformanceCase, "name" | "model" | "skip">,
  name = folder,
): ConformanceCase {
  const { path = "", skip } = sharedModel(`${folder}/${file}`)
  return { name, model: path, skip, ...rest }
}

/** Of a file below `models/` of the shared folder, in a case that is not skipped. */
export const path = (name: string): string => sharedModel(name).path as string

export const values = (t: Tensor | undefined): Float32Array<ArrayBuffer> => t?.data as Float32Array<ArrayBuffer>

/** SOURCE.txt's probabilities have two or three digits, and come of pictures that were made smaller in another way. */
export const near = (probability: number, expected: number): boolean => Math.abs(probability - expected) < 0.05
