import {
  adapterKey,
  commonWorks,
  describeWork,
  KernelRuntime,
  traitsOf,
  tune,
  type Winner,
  workKey,
} from "../../../kernels/index.ts"
import { type DeviceInfo, fail } from "../../../protocol/index.ts"
import type { Backend, BackendSession, ModelFiles, TuneRequest, TuneStep } from "../../backend.ts"
import { probeGpu } from "../probe-gpu.ts"
import { adapterName, isSoftware, requestFullDevice } from "../webgpu-adapter.ts"
import { WgslSession } from "./session.ts"
import { unsupported } from "./unsupported.ts"
import type { WinnerStore } from "./winner-store.ts"
import { worksOf } from "./works.ts"

/**
 * A GPU through our own kernels. `requestAdapter` is the platform's, in a page, a worker or (Dawn) in Node; it says why where there is none. Sessions plan by what `store`
 * has for the adapter when they are opened, and `tuning` adds to that.
 */
export async function createWgsl(
  requestAdapter: () => Promise<GPUAdapter | string>,
  store: WinnerStore,
): Promise<Backend> {
  let found: { runtime: KernelRuntime; adapter: string; winners: Map<string, Winner> } | undefined
  const there = () => {
    if (!found) throw fail("IPFA_DEVICE_ABSENT", { data: { device: "wgsl" } })
    return found
  }

  const open = async (files: ModelFiles): Promise<BackendSession> =>
    WgslSession.open(there().runtime, oneFile(files), files.pipelines)

  const tuning = async ({ files, shapes, budgetMs, anew }: TuneRequest): Promise<TuneStep[]> => {
    const { runtime, adapter, winners } = there()
    const works = files ? worksOf(oneFile(files), runtime.limits, shapes) : commonWorks
    const wanted = works.filter((work) => anew || !winners.has(workKey(work)))
    return wanted.map((work) => async (signal) => {
      const tuned = await tune(runtime, work, { budgetMs, mayGoOn: () => !signal.aborted })
      if (!tuned) return undefined
      const { key, winner } = tuned
      await store.keep(adapter, key, winner)
      winners.set(key, winner)
      const { algorithm, tuning = {}, ms, planMs } = winner
      return { work: describeWork(work), algorithm, tuning, ms, planMs }
    })
  }

  const backend: Backend = {
    name: "wgsl",
    open,
    tuning,
    async probe() {
      const adapter = await requestAdapter()
      if (typeof adapter === "string")
        return { devices: [], absent: [{ id: "wgsl", backend: "wgsl", reason: adapter }] }
      const device = await requestFullDevice(adapter)
      device.lost.then(({ reason, message }) => backend.onLost?.(`${message || "no reason given"} (${reason})`))
      const name = adapterKey(adapter.info)
      // Where nothing can be kept, as in a page without storage, nothing is, and kernels choose by themselves.
      const winners = await store.of(name).catch(() => new Map<string, Winner>())
      found = { runtime: new KernelRuntime(device, traitsOf(device, winners)), adapter: name, winners }
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

function oneFile({ model, external = [] }: ModelFiles): Uint8Array {
  if (external.length > 0 || typeof model === "string") throw unsupported("its weights are in files beside it")
  return model
}
