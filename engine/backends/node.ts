import { type BackendDefinition, defineBackend } from "../backend.ts"

/** ONNX Runtime's execution providers that onnxruntime-node may offer, by their name there. */
const providers = {
  cpu: "the CPU",
  webgpu: "WebGPU (Dawn)",
  cuda: "CUDA",
  tensorrt: "TensorRT",
  dml: "DirectML",
  coreml: "Core ML",
} as const

export type NativeProvider = keyof typeof providers

/** The backends Node has, for child processes. Which of them this machine can run, `probe()` says. Never imported by a browser. */
export const nodeBackends: readonly BackendDefinition[] = (Object.keys(providers) as NativeProvider[]).map((provider) =>
  defineBackend({
    name: `native-${provider}`,
    title: `${providers[provider]}, by onnxruntime-node`,
    platform: "node",
    create: async ({ threads }) => (await import("./native.ts")).createNative(provider, threads),
  }),
)
