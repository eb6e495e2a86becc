import type { Env, InferenceSessionFactory, TensorConstructor } from "onnxruntime-common"
import { fail } from "../../protocol/index.ts"
import { looksLost } from "./ort-errors.ts"
import { listenToRuntime } from "./ort-log.ts"

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
