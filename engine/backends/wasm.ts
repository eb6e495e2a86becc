import * as ort from "onnxruntime-web/webgpu"
import type { DeviceInfo } from "../../protocol/index.ts"
import type { Backend } from "../backend.ts"
import { probeKnownModel } from "../probe/index.ts"
import { openWeb } from "./open-web.ts"
import { wideDtypes } from "./ort-tensor.ts"
import { configureOrtWeb, lossReporter } from "./ort-web.ts"

/** More threads than this gain little and starve the page. */
const MOST_THREADS = 8

/** The CPU, through WebAssembly: always there. Kept tensors stay in this worker's memory. */
export async function createWasm(options: { assetsUrl?: string; threads?: number }): Promise<Backend> {
  const cores = navigator.hardwareConcurrency || 1
  const wanted = options.threads ?? Math.min(cores, MOST_THREADS)
  const alone = whyAlone(globalThis)
  const threads = alone ? 1 : Math.max(1, Math.min(wanted, cores))
  configureOrtWeb(ort, options.assetsUrl, threads)
  const loss = lossReporter((reason) => backend.onLost?.(reason))

  const open: Backend["open"] = (files) =>
    openWeb(ort, files, { executionProviders: ["wasm"] }, { onError: loss.onError })

  const backend: Backend = {
    name: "wasm",
    open,
    async probe() {
      const probe = await probeKnownModel((files) => open(files, "wasm"))
      // The runtime lowers the number where it could not start its threads.
      const running = ort.env.wasm.numThreads ?? 1
      const device: DeviceInfo = {
        id: "wasm",
        backend: "wasm",
        adapter: adapterName(running, wanted, alone ?? `${cores} cores`),
        fallbackAdapter: false,
        threads: running,
        dtypes: wideDtypes,
        state: "ready",
        probe,
      }
      return { devices: [device], absent: [] }
    },
  }
  return backend
}

/** Why there can be one thread only. Isolation is not enough: some browsers and policies take SharedArrayBuffer away all the same. */
export function whyAlone(scope: { crossOriginIsolated?: boolean; SharedArrayBuffer?: unknown }): string | undefined {
  if (scope.crossOriginIsolated !== true) return "not cross-origin isolated"
  return scope.SharedArrayBuffer === undefined ? "no SharedArrayBuffer" : undefined
}

/** Such as `cpu, 2 threads, simd`, or `cpu, 1 thread (4 wanted: not cross-origin isolated), simd`. SIMD is a must for the runtime. */
function adapterName(running: number, wanted: number, why: string): string {
  const fewer = running < wanted ? ` (${wanted} wanted: ${why})` : ""
  return `cpu, ${running} thread${running === 1 ? "" : "s"}${fewer}, simd`
}
