import { softwareAdapter } from "../../test/kernels/software-gpu.ts"

/**
 * Dawn's options for a device whose kernels read and write without bounds checks, as onnxruntime-node's WebGPU provider makes its own
 * [onnxruntime-common 1.30, InferenceSession.WebGpuExecutionProviderOption: enableRobustness]. For what is compared with it, and for nothing else: sortMerge
 * reads beyond its runs, and what it finds there is the place of its next read, which only the checks keep within bounds.
 */
export const unchecked = ["enable-dawn-features=disable_robustness"]

let instance: GPU | undefined

/**
 * This machine's fastest adapter, through Dawn with the options of the first call; where it has no GPU, a software one. Dawn's threads keep the process: end it by
 * `process.exit`.
 */
export async function nodeAdapter(options: readonly string[] = []): Promise<GPUAdapter> {
  const { create } = await import("webgpu")
  // kept for as long as the process: the device dies with its instance
  instance ??= create([...options])
  return (await instance.requestAdapter({ powerPreference: "high-performance" })) ?? softwareAdapter(options)
}
