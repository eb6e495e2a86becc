import { isSoftware as isSoftwareAdapter } from "../../kernels/index.ts"
import type { Dtype } from "../../protocol/index.ts"

/** Features that ONNX Runtime's WebGPU provider or our kernels make use of; a device is made with those that its adapter has. */
const features = ["shader-f16", "subgroups", "timestamp-query"] as const satisfies GPUFeatureName[]

/** Limits worth raising from WebGPU's defaults to what the adapter has: bigger weights, bigger tiles. */
const limits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const satisfies (keyof GPUSupportedLimits)[]

/** The browser's fastest adapter, or why there is none. */
export async function browserAdapter(): Promise<GPUAdapter | string> {
  if (!navigator.gpu) return "this browser, or this kind of page, has no WebGPU"
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" })
  return adapter ?? "the browser offers no adapter: no GPU, a blocked driver, or too many GPU losses just now"
}

/** A device with all the adapter offers of what the backends use. */
export const requestFullDevice = (adapter: GPUAdapter): Promise<GPUDevice> => requestWith(adapter, features)

/**
 * ONNX Runtime 1.30's attention is wrong, with no error, for prompts where subgroups are smaller: SwiftShader's are 4. Without the feature it takes another way, which is right.
 * Bug: none found.
 */
const SUBGROUP_AT_LEAST = 8

/** As `requestFullDevice`, for ONNX Runtime. */
export function requestOrtDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { subgroupMinSize = SUBGROUP_AT_LEAST } = adapter.info
  const hasTooSmall = subgroupMinSize < SUBGROUP_AT_LEAST
  return requestWith(
    adapter,
    features.filter((name) => !(hasTooSmall && name === "subgroups")),
  )
}

function requestWith(adapter: GPUAdapter, wanted: readonly GPUFeatureName[]): Promise<GPUDevice> {
  return adapter.requestDevice({
    label: "ipfs-accelerate webgpu",
    requiredFeatures: wanted.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
  })
}

/** What the browser says of the hardware, such as `google swiftshader`; browsers tell little, against fingerprinting. */
export function adapterName({ vendor, architecture, device, description }: GPUAdapterInfo): string {
  const words = [vendor, architecture, description || device].filter(Boolean)
  return [...new Set(words)].join(" ") || "unnamed adapter"
}

/** True for a software stand-in: by the browser's word, or by its name. */
export function isSoftware(adapter: GPUAdapter): boolean {
  // where older browsers say it
  return (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter === true || isSoftwareAdapter(adapter.info)
}

/** Dtypes that shaders compute in; float16 only where they have it. Others can be fed and come out, computed on the CPU. */
export function gpuDtypes(device: GPUDevice): Dtype[] {
  return device.features.has("shader-f16") ? ["float32", "float16", "int32", "uint32"] : ["float32", "int32", "uint32"]
}
