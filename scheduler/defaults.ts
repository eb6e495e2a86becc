/**
 * What a run is taken to cost before anything was measured: a fixed part and a rate, by class of device, in the order in which classes are
 * tried. Only the order is meant to be right: the figures are of the size of MobileNetV2 on machines we saw, and the first measurement
 * replaces them.
 */
const classes = {
  nativeGpu: { fixedMs: 2, flopsPerMs: 5e8 },
  webgpu: { fixedMs: 5, flopsPerMs: 1e8 },
  webnn: { fixedMs: 10, flopsPerMs: 4e7 },
  nativeCpu: { fixedMs: 15, flopsPerMs: 3e7 },
  wasm: { fixedMs: 40, flopsPerMs: 1e7 },
  unknown: { fixedMs: 100, flopsPerMs: 5e6 },
  fallbackAdapter: { fixedMs: 2000, flopsPerMs: 1e5 },
} as const

function classOf(backend: string, fallbackAdapter: boolean): keyof typeof classes {
  if (fallbackAdapter) return "fallbackAdapter"
  if (backend === "webgpu" || backend === "wgsl") return "webgpu"
  if (backend === "webnn" || backend === "wasm") return backend
  if (backend === "native-cpu") return "nativeCpu"
  return backend.startsWith("native-") ? "nativeGpu" : "unknown"
}

/** Expected time of one run on an unmeasured device, ms; `flops` of one run where known. */
export function defaultRunMs(backend: string, fallbackAdapter: boolean, flops = 3e8): number {
  const { fixedMs, flopsPerMs } = classes[classOf(backend, fallbackAdapter)]
  return fixedMs + flops / flopsPerMs
}
