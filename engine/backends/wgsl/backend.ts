import { KernelRuntime, probeAdapter } from "../../../kernels/index.ts"
import { type DeviceInfo, fail } from "../../../protocol/index.ts"
import type { Backend, BackendSession, ModelFiles } from "../../backend.ts"
import { probeKnownModel } from "../../probe/index.ts"
import { adapterName, gpuDtypes, isSoftware, requestFullDevice } from "../webgpu-adapter.ts"
import { WgslSession } from "./session.ts"
import { unsupported } from "./unsupported.ts"

/** A GPU through our own kernels. `requestAdapter` is the platform's, in a page, a worker or (Dawn) in Node. */
export async function createWgsl(requestAdapter: () => Promise<GPUAdapter | null>): Promise<Backend> {
  let runtime: KernelRuntime | undefined

  const open = async ({ model, external = [] }: ModelFiles): Promise<BackendSession> => {
    if (!runtime) throw fail("IPFA_DEVICE_ABSENT", { data: { device: "wgsl" } })
    if (external.length > 0 || typeof model === "string") throw unsupported("its weights are in files beside it")
    return WgslSession.open(runtime, model)
  }

  const backend: Backend = {
    name: "wgsl",
    open,
    async probe() {
      const adapter = await requestAdapter()
      if (!adapter) return { devices: [], absent: [{ id: "wgsl", backend: "wgsl", reason: "there is no adapter" }] }
      const device = await requestFullDevice(adapter)
      device.lost.then(({ reason, message }) => backend.onLost?.(`${message || "no reason given"} (${reason})`))
      runtime = new KernelRuntime(device)
      const start = performance.now()
      const kernels = await probeAdapter(device)
      const model = await probeKnownModel(open)
      const info: DeviceInfo = {
        id: "wgsl",
        backend: "wgsl",
        adapter: adapterName(adapter.info),
        fallbackAdapter: isSoftware(adapter),
        dtypes: gpuDtypes(device),
        state: "ready",
        probe: {
          ok: kernels.ok && model.ok,
          maxError: Number.isNaN(kernels.maxError) ? model.maxError : Math.max(kernels.maxError, model.maxError),
          ms: performance.now() - start,
        },
      }
      return { devices: [info], absent: [] }
    },
  }
  return backend
}
