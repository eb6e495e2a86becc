import * as ort from "onnxruntime-web/webgpu"
import { hastenReadback } from "../../kernels/hasten.ts"
import { traitsOf } from "../../kernels/quirks/index.ts"
import { type AbsentDevice, type DeviceInfo, fail } from "../../protocol/index.ts"
import type { Backend, BackendSession } from "../backend.ts"
import { nodeBound } from "./node-bound.ts"
import { type KeepOnDevice, openWeb } from "./open-web.ts"
import { configureOrtWeb, inMemory, lossReporter } from "./ort-web.ts"
import { probeGpu } from "./probe-gpu.ts"
import { adapterName, browserAdapter, gpuDtypes, isSoftware, requestOrtDevice } from "./webgpu-adapter.ts"
import { findConvFault } from "./webgpu-conv-fault.ts"

/** What onnxruntime-web 1.30 hands over in GPU buffers (its wasm-common.ts). */
const onGpu: KeepOnDevice = {
  location: "gpu-buffer",
  dtypes: ["float32", "float16", "int32", "int64", "uint32", "uint8", "bool"],
  partitioned: true,
}

/** The GPU, through WebGPU. Outputs stay in GPU buffers; what is not to be kept is read back. */
export async function createWebgpu(options: { assetsUrl?: string; threads?: number }): Promise<Backend> {
  // Threads serve only the few operators that the GPU provider leaves to the CPU: not worth workers of their own.
  configureOrtWeb(ort, options.assetsUrl, 1)
  const loss = lossReporter((reason) => backend.onLost?.(reason))
  let device: GPUDevice | undefined
  let fault: GPUError | undefined
  let buffers = 0

  const takeFault = () => {
    const error = fault
    fault = undefined
    if (!error) return undefined
    const code = error instanceof GPUOutOfMemoryError ? "IPFA_DEVICE_MEMORY" : "IPFA_RUN_FAILED"
    const data = { reason: error.message }
    return fail(code, { message: `The GPU refused work: ${error.message}`, data })
  }

  const open = async (files: Parameters<Backend["open"]>[0]): Promise<BackendSession> => {
    if (!device) throw fail("IPFA_DEVICE_ABSENT", { data: { device: "webgpu" } })
    const gpu = device
    const given = inMemory(files.model)
    const beforeRun = nodeBound(given)
    const { model, cpuNodes } = findConvFault(given)
    return openWeb(
      ort,
      { ...files, model },
      // An empty list is an error to the runtime.
      {
        executionProviders: [
          { name: "webgpu", device: gpu, ...(cpuNodes.length > 0 && { forceCpuNodeNames: cpuNodes }) },
        ],
      },
      {
        accelerator: { keep: onGpu, work: () => buffers },
        onError: loss.onError,
        takeFault,
        beforeRun,
        settled: () => gpu.queue.onSubmittedWorkDone(),
      },
    )
  }

  const backend: Backend = {
    name: "webgpu",
    open,
    async probe() {
      const absent = (reason: string): { devices: DeviceInfo[]; absent: AbsentDevice[] } => ({
        devices: [],
        absent: [{ id: "webgpu", backend: "webgpu", reason }],
      })
      const adapter = await browserAdapter()
      if (typeof adapter === "string") return absent(adapter)
      device = await requestOrtDevice(adapter)
      device.lost.then(({ reason, message }) => loss.lost(`${message || "no reason given"} (${reason})`))
      hastenReadback(device, traitsOf(device))
      const createBuffer = device.createBuffer.bind(device)
      device.createBuffer = (descriptor) => {
        buffers++
        return createBuffer(descriptor)
      }
      device.addEventListener("uncapturederror", (event) => {
        fault ??= event.error
      })
      const probe = await probeGpu(device, open)
      const info: DeviceInfo = {
        id: "webgpu",
        backend: "webgpu",
        adapter: adapterName(adapter.info),
        fallbackAdapter: isSoftware(adapter),
        dtypes: gpuDtypes(device),
        state: "ready",
        probe,
      }
      return { devices: [info], absent: [] }
    },
  }
  return backend
}
