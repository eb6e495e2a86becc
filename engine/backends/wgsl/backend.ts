import { KernelRuntime, traitsOf } from "../../../kernels/index.ts"
import { type DeviceInfo, fail } from "../../../protocol/index.ts"
import type { Backend, BackendSession, ModelFiles } from "../../backend.ts"
import { hastenReadback } from "../firefox-polls.ts"
import { probeGpu } from "../probe-gpu.ts"
import { adapterName, isSoftware, requestFullDevice } from "../webgpu-adapter.ts"
import { WgslSession } from "./session.ts"
import { unsupported } from "./unsupported.ts"

/** A GPU through our own kernels. `requestAdapter` is the platform's, in a page, a worker or (Dawn) in Node; it says why where there is none. */
export async function createWgsl(requestAdapter: () => Promise<GPUAdapter | string>): Promise<Backend> {
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
      if (typeof adapter === "string")
        return { devices: [], absent: [{ id: "wgsl", backend: "wgsl", reason: adapter }] }
      const device = await requestFullDevice(adapter)
      device.lost.then(({ reason, message }) => backend.onLost?.(`${message || "no reason given"} (${reason})`))
      hastenReadback(device)
      runtime = new KernelRuntime(device, traitsOf(device))
      const info: DeviceInfo = {
        id: "wgsl",
        backend: "wgsl",
        adapter: adapterName(adapter.info),
        fallbackAdapter: isSoftware(adapter),
        // float16 is taken and given, and computed in float32, whether or not shaders have it.
        dtypes: ["float32", "int32", "uint32"],
        state: "ready",
        probe: await probeGpu(device, open),
      }
      return { devices: [info], absent: [] }
    },
  }
  return backend
}
