import type { InferenceSession, InferenceSessionFactory } from "onnxruntime-common"
import type { ModelFiles } from "../backend.ts"
import { looksLost, ortFailure, reasonOf } from "./ort-errors.ts"

export interface OpenedOrt {
  session: InferenceSession
  note?: string
}

/**
 * Creates a session with all optimisations; where the runtime can't, once more with basic ones only, which the note then says: ONNX
 * Runtime's extended optimisations refuse some graphs that it can run (QDQ with dilated convolutions).
 * Throws IPFA_DEVICE_UNSUPPORTED, IPFA_DEVICE_MEMORY, IPFA_DEVICE_LOST.
 */
export async function openOrt(
  factory: InferenceSessionFactory,
  model: Uint8Array | string,
  options: InferenceSession.SessionOptions,
): Promise<OpenedOrt> {
  const create = (graphOptimizationLevel: "all" | "basic") => {
    const all = { ...options, graphOptimizationLevel }
    return typeof model === "string" ? factory.create(model, all) : factory.create(model, all)
  }
  try {
    return { session: await create("all") }
  } catch (error) {
    const failure = ortFailure(error, "IPFA_DEVICE_UNSUPPORTED")
    if (failure.code !== "IPFA_DEVICE_UNSUPPORTED") throw failure
    try {
      const session = await create("basic")
      return { session, note: `opened with basic optimisations only, as all of them failed: ${reasonOf(error)}` }
    } catch (second) {
      throw looksLost(second) ? ortFailure(second, "IPFA_DEVICE_LOST") : failure
    }
  }
}

/** Floor of the memory a session holds: the bytes of the files that its weights came in. */
export function fileBytes(files: ModelFiles, sizeOf: (path: string) => number): number {
  const one = (data: Uint8Array | string) => (typeof data === "string" ? sizeOf(data) : data.byteLength)
  return one(files.model) + (files.external ?? []).reduce((sum, { data }) => sum + one(data), 0)
}
