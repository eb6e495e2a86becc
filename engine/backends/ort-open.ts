import type { InferenceSession, InferenceSessionFactory } from "onnxruntime-common"
import { fail } from "../../protocol/index.ts"
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
  try {
    return { session: await create(factory, model, options) }
  } catch (error) {
    const failure = ortFailure(error, "IPFA_DEVICE_UNSUPPORTED")
    if (failure.code !== "IPFA_DEVICE_UNSUPPORTED") throw failure
    try {
      const session = await create(factory, model, { ...options, graphOptimizationLevel: "basic" })
      return { session, note: `opened with basic optimisations only, as all of them failed: ${reasonOf(error)}` }
    } catch (second) {
      throw looksLost(second) ? ortFailure(second, "IPFA_DEVICE_LOST") : failure
    }
  }
}

function create(
  factory: InferenceSessionFactory,
  model: Uint8Array | string,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  const all = { graphOptimizationLevel: "all" as const, ...options }
  return typeof model === "string" ? factory.create(model, all) : factory.create(model, all)
}

export const CPU_NOTE =
  "some operators run on the CPU: the device's provider has none for them, or they only compute shapes"

const allOnDevice = { session: { disable_cpu_ep_fallback: "1" } }
const leftover = /fallback to CPU EP has been explicitly disabled/

/** False where some of a model's nodes, or all, would be left to the CPU. Other faults show when it is opened to be used. */
export async function isAllOnDevice(
  factory: InferenceSessionFactory,
  model: Uint8Array | string,
  options: InferenceSession.SessionOptions,
): Promise<boolean> {
  try {
    const session = await create(factory, model, { ...options, extra: allOnDevice })
    await session.release()
    return true
  } catch (error) {
    return !leftover.test(reasonOf(error))
  }
}

/** Throws IPFA_DEVICE_UNSUPPORTED for a model of which the device would compute nothing: its answers would come from the CPU. */
export async function assertOnDevice(
  factory: InferenceSessionFactory,
  model: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<void> {
  if (await isAllOnDevice(factory, model, options)) return
  const reason = "the runtime would leave all of its operators to the CPU"
  throw fail("IPFA_DEVICE_UNSUPPORTED", { message: `The device can't run this model: ${reason}`, data: { reason } })
}

/** Floor of the memory a session holds: the bytes of the files that its weights came in. */
export function fileBytes(files: ModelFiles, sizeOf: (path: string) => number): number {
  const one = (data: Uint8Array | string) => (typeof data === "string" ? sizeOf(data) : data.byteLength)
  return one(files.model) + (files.external ?? []).reduce((sum, { data }) => sum + one(data), 0)
}
