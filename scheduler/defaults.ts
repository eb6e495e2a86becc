/**
 * What a run is taken to cost before anything was measured, by class of device: a fixed part (launching kernels, reading the answer back) and
 * a rate. Only the order is meant to be right, and it turns with size: a model of a few million operations is done on the CPU before a GPU
 * has answered at all. Figures are of the size of what we saw with MobileNetV2 and smaller; the first measurement replaces them.
 */
const classes = {
  nativeGpu: { fixedMs: 1, flopsPerMs: 1e9 },
  webgpu: { fixedMs: 3, flopsPerMs: 3e8 },
  webnn: { fixedMs: 1, flopsPerMs: 4e7 },
  nativeCpu: { fixedMs: 0.05, flopsPerMs: 2.5e7 },
  wasm: { fixedMs: 0.1, flopsPerMs: 1e7 },
  unknown: { fixedMs: 100, flopsPerMs: 5e6 },
  fallbackAdapter: { fixedMs: 2000, flopsPerMs: 1e5 },
  unknownOnFallbackAdapter: { fixedMs: 4000, flopsPerMs: 5e4 },
} as const

/** Our own kernels serve where they were measured to be faster: until then all else comes first. */
export const comesLast = (backend: string): boolean => backend === "wgsl"

function classOf(backend: string, fallbackAdapter: boolean): keyof typeof classes {
  if (comesLast(backend)) return fallbackAdapter ? "unknownOnFallbackAdapter" : "unknown"
  if (fallbackAdapter) return "fallbackAdapter"
  if (backend === "webgpu" || backend === "webnn" || backend === "wasm") return backend
  if (backend === "native-cpu") return "nativeCpu"
  return backend.startsWith("native-") ? "nativeGpu" : "unknown"
}

/** Of MobileNetV1's size: where a model's is unknown, a GPU is worth its overhead. */
const USUAL_FLOPS = 3e8

/** Expected time of one run on an unmeasured device, ms; `flops` of one run where known. */
export function defaultRunMs(backend: string, fallbackAdapter: boolean, flops: number = USUAL_FLOPS): number {
  const { fixedMs, flopsPerMs } = classes[classOf(backend, fallbackAdapter)]
  return fixedMs + flops / flopsPerMs
}
