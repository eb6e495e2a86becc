import type { Env, InferenceSession, InferenceSessionFactory, TensorConstructor } from "onnxruntime-common"
import { fail } from "../../protocol/index.ts"
import type { BackendSession, ModelFiles } from "../backend.ts"
import { looksLost } from "./ort-errors.ts"
import { leftToCpu, listenToRuntime, takeWarnings } from "./ort-log.ts"
import { fileBytes, type OpenedOrt, openOrt } from "./ort-open.ts"
import { OrtSession, type OrtSessionOptions } from "./ort-session.ts"
import { toOrt } from "./ort-tensor.ts"

/** What the backends use of onnxruntime-web, whichever of its builds it is. */
export interface OrtWeb {
  env: Env
  InferenceSession: InferenceSessionFactory
  Tensor: TensorConstructor
}

/** Names of the files that must lie under `assetsUrl`, by build. */
export const ortWebAssets = {
  webgpu: ["ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"],
} as const

/**
 * Points a build of onnxruntime-web to its files and sets its threads; call it before the first session.
 * `assetsUrl`: absolute URL of the folder with the .mjs and .wasm files.
 */
export function configureOrtWeb(ort: OrtWeb, assetsUrl: string | undefined, threads: number): void {
  if (!assetsUrl)
    throw fail("IPFA_INPUT_INVALID", { data: { path: "assetsUrl", expected: "the URL of ONNX Runtime's files" } })
  ort.env.wasm.wasmPaths = assetsUrl.endsWith("/") ? assetsUrl : `${assetsUrl}/`
  ort.env.wasm.numThreads = threads
  ort.env.logLevel = "warning"
  listenToRuntime()
}

export interface OpenWebOptions extends Pick<OrtSessionOptions, "onError" | "checkDevice" | "settled"> {
  /** Where outputs stay until they are read back or released; in this worker's memory where absent. */
  keepIn?: "gpu-buffer" | "ml-tensor"
}

/** Dtypes that the runtime hands over on the device, by location (onnxruntime-web 1.30, wasm-common.ts). Others it puts in memory. */
const keepable = {
  "gpu-buffer": ["float32", "float16", "int32", "int64", "uint32", "uint8", "bool"],
  "ml-tensor": ["float32", "float16", "int32", "int64", "uint32", "uint64", "int8", "uint8", "bool"],
} as const

const CPU_NOTE = "some operators run on the CPU: the device's provider has none for them, or they only compute shapes"

/** Opens a model with one execution provider. */
export async function openWeb(
  ort: OrtWeb,
  { model, external = [] }: ModelFiles,
  sessionOptions: InferenceSession.SessionOptions,
  { keepIn, ...watch }: OpenWebOptions = {},
): Promise<BackendSession> {
  const externalData = external.map(({ path, data }) => ({ path, data: inMemory(data) }))
  const options = { ...sessionOptions, externalData }
  takeWarnings()
  try {
    let opened = await openOrt(ort.InferenceSession, inMemory(model), { ...options, preferredOutputLocation: keepIn })
    const locations = keepIn && outputLocations(opened.session, keepIn)
    if (locations) {
      // The names and dtypes of the outputs are known only now, and an output that can't stay on the device would fail each run.
      await opened.session.release()
      opened = await openOrt(ort.InferenceSession, inMemory(model), { ...options, preferredOutputLocation: locations })
    }
    if (keepIn && leftToCpu(takeWarnings())) opened.note = [opened.note, CPU_NOTE].filter(Boolean).join("; ")
    return await ortSession(ort, opened, { model, external }, watch)
  } catch (error) {
    watch.onError?.(error)
    throw error
  }
}

async function ortSession(
  { Tensor }: OrtWeb,
  opened: OpenedOrt,
  files: ModelFiles,
  watch: OpenWebOptions,
): Promise<BackendSession> {
  try {
    return new OrtSession({
      toOrt: (t) => toOrt(Tensor, t),
      ...opened,
      ...watch,
      memoryBytes: fileBytes(files, () => 0),
    })
  } catch (error) {
    await opened.session.release()
    throw error
  }
}

/** The location of each output, or undefined where `keepIn` takes them all. */
function outputLocations(
  { outputMetadata }: InferenceSession,
  keepIn: keyof typeof keepable,
): Record<string, "cpu" | typeof keepIn> | undefined {
  const stays = (m: (typeof outputMetadata)[number]) =>
    m.isTensor && (keepable[keepIn] as readonly string[]).includes(m.type)
  if (outputMetadata.every(stays)) return undefined
  return Object.fromEntries(outputMetadata.map((m) => [m.name, stays(m) ? keepIn : "cpu"]))
}

/** `data`, which in a browser can only be bytes. */
export function inMemory(data: Uint8Array | string): Uint8Array {
  if (typeof data !== "string") return data
  throw fail("IPFA_INPUT_INVALID", { data: { path: "model", expected: "bytes: a browser can't open files by name" } })
}

/** Reports the loss once, whichever sign of it comes first. */
export function lossReporter(report: (reason: string) => void): {
  lost(reason: string): void
  onError(error: unknown): void
} {
  let done = false
  const lost = (reason: string) => {
    if (done) return
    done = true
    report(reason)
  }
  return {
    lost,
    onError: (error) => {
      if (looksLost(error)) lost(error instanceof Error ? error.message : String(error))
    },
  }
}
