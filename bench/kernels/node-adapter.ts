import { softwareAdapter } from "../../test/kernels/software-gpu.ts"

let instance: GPU | undefined

/** This machine's fastest adapter, through Dawn; where it has no GPU, a software one. Dawn's threads keep the process: end it by `process.exit`. */
export async function nodeAdapter(): Promise<GPUAdapter> {
  const { create } = await import("webgpu")
  // kept for as long as the process: the device dies with its instance
  instance ??= create([])
  return (await instance.requestAdapter({ powerPreference: "high-performance" })) ?? softwareAdapter()
}
