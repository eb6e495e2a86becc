import { type BackendDefinition, defineBackend } from "../backend.ts"
import { browserAdapter } from "./webgpu-adapter.ts"

/** The backends a browser has. Each is imported, and its runtime with it, only where it is created: in its worker. */
export const browserBackends: readonly BackendDefinition[] = [
  defineBackend({
    name: "webgpu",
    title: "WebGPU, by onnxruntime-web",
    platform: "browser",
    create: async (options) => (await import("./webgpu.ts")).createWebgpu(options),
  }),
  defineBackend({
    name: "wgsl",
    title: "WebGPU, by our own kernels",
    platform: "browser",
    create: async () =>
      (await import("./wgsl/backend.ts")).createWgsl(
        browserAdapter,
        (await import("./wgsl/winner-store.ts")).idbWinners(),
      ),
  }),
  defineBackend({
    name: "webnn",
    title: "WebNN, by onnxruntime-web",
    platform: "browser",
    create: async (options) => (await import("./webnn.ts")).createWebnn(options),
  }),
  defineBackend({
    name: "wasm",
    title: "CPU, by onnxruntime-web's WebAssembly",
    platform: "browser",
    create: async (options) => (await import("./wasm.ts")).createWasm(options),
  }),
]
