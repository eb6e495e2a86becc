import { existsSync, readdirSync, statSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { availableParallelism, cpus } from "node:os"
import { join } from "node:path"
import * as ort from "onnxruntime-node"
import { AccelerateError, type DeviceInfo, type Dtype, fail, type Tensor } from "../../protocol/index.ts"
import type { Backend } from "../backend.ts"
import { probeKnownModel } from "../probe/index.ts"
import type { NativeProvider } from "./node.ts"
import { looksLost, ortFailure, reasonOf } from "./ort-errors.ts"
import { CPU_NOTE, fileBytes, isAllOnDevice, openOrt } from "./ort-open.ts"
import { OrtSession } from "./ort-session.ts"
import { toOrt, wideDtypes } from "./ort-tensor.ts"
import { findConvFault } from "./webgpu-conv-fault.ts"

/** What a WebGPU device certainly computes in; whether its shaders have float16, onnxruntime-node does not say. */
const gpuDtypes: Dtype[] = ["float32", "int32", "uint32"]

/** Providers with several devices, chosen by `deviceId`. */
const indexed: readonly NativeProvider[] = ["cuda", "tensorrt", "dml"]
const MOST_DEVICES = 16

/**
 * One execution provider of onnxruntime-node. `run()` blocks this thread for as long as it computes, so this belongs into a process of its
 * own. Outputs, kept ones too, come back to this process's memory: onnxruntime-node has no way to leave them on a GPU that other than its
 * WebGPU provider could use.
 */
export async function createNative(provider: NativeProvider, threads?: number): Promise<Backend> {
  const name = `native-${provider}`
  const indexOf = new Map<string, number>()
  // Its errors come as exceptions too; on the console of a server they would be noise.
  ort.env.logLevel = "fatal"

  const open = async (files: Parameters<Backend["open"]>[0], device: string) => {
    const index = indexOf.get(device)
    if (index === undefined) throw fail("IPFA_DEVICE_ABSENT", { data: { device } })
    const external = await Promise.all(
      (files.external ?? []).map(async ({ path, data }) => ({
        path,
        data: typeof data === "string" ? await readFile(data) : data,
      })),
    )
    // External data is found by name only beside a model that is given as bytes.
    const inMemory = external.length > 0 || provider === "webgpu"
    const model = inMemory && typeof files.model === "string" ? await readFile(files.model) : files.model
    const fault = provider === "webgpu" ? findConvFault(model as Uint8Array) : undefined
    const bytes = fault?.model ?? model
    const options: ort.InferenceSession.SessionOptions = {
      executionProviders: [
        {
          name: provider,
          ...(indexed.includes(provider) && { deviceId: index }),
          ...(fault?.cpuNodes.length && { forceCpuNodeNames: fault.cpuNodes }),
        },
      ],
      logSeverityLevel: 4,
      // Between runs its threads sleep: spinning on, they would take a core from those who bring the next tensors (measured: half of all time).
      extra: { session: { force_spinning_stop: "1" } },
      ...(threads !== undefined && { intraOpNumThreads: threads }),
      ...(external.length > 0 && { externalData: external }),
    }
    const onCpuToo = provider !== "cpu" && !(await isAllOnDevice(ort.InferenceSession, bytes, options))
    const opened = await openOrt(ort.InferenceSession, bytes, options)
    if (onCpuToo) opened.note = [opened.note, CPU_NOTE].filter(Boolean).join("; ")
    try {
      return new OrtSession({
        runtime: "node",
        toOrt: nativeTensor,
        ...opened,
        memoryBytes: fileBytes(files, (path) => statSync(path).size),
        onError: (error) => {
          if (provider !== "cpu" && looksLost(error)) backend.onLost?.(reasonOf(error))
        },
      })
    } catch (error) {
      await opened.session.release()
      throw error
    }
  }

  const probeDevice = async (index: number): Promise<DeviceInfo> => {
    const id = index === 0 ? name : `${name}#${index}`
    indexOf.set(id, index)
    try {
      const probe = await probeKnownModel((files) => open(files, id))
      return {
        id,
        backend: name,
        ...(index > 0 && { index }),
        adapter: provider === "cpu" ? cpuName(threads) : `${provider} device ${index}`,
        fallbackAdapter: provider === "webgpu" && !hasGpuNode(),
        ...(provider === "cpu" && threads !== undefined && { threads }),
        dtypes: provider === "webgpu" ? gpuDtypes : wideDtypes, // what a provider lacks it leaves to the CPU
        state: "ready",
        probe,
      }
    } catch (error) {
      indexOf.delete(id)
      throw ortFailure(error, "IPFA_DEVICE_ABSENT")
    }
  }

  const backend: Backend = {
    name,
    open,
    heapBytes: () => process.memoryUsage.rss(),
    async probe() {
      const absent = (reason: string) => ({ devices: [], absent: [{ id: name, backend: name, reason }] })
      if (!ort.listSupportedBackends().some((offered) => offered.name === provider))
        return absent(`ONNX Runtime for ${process.platform} ${process.arch} has no ${provider} provider`)
      const devices: DeviceInfo[] = []
      for (let index = 0; index < (indexed.includes(provider) ? MOST_DEVICES : 1); index++) {
        try {
          devices.push(await probeDevice(index))
        } catch (error) {
          // The first index that can't be had ends the list; only without any device is its reason of interest.
          if (index === 0) return absent(error instanceof AccelerateError ? plain(error) : reasonOf(error))
          break
        }
      }
      return { devices, absent: [] }
    },
  }
  return backend
}

/**
 * onnxruntime-node does not say which adapter its Dawn took. On Linux every hardware GPU has a node of its own, so without one it was a
 * software Vulkan driver; the other systems' backends (Metal, Direct3D) take hardware first.
 */
export function hasGpuNode(dev = "/dev"): boolean {
  if (process.platform !== "linux") return true
  const dri = join(dev, "dri")
  // The first GPU's is renderD128; the only one's may have a later number.
  if (existsSync(dri) && readdirSync(dri).some((node) => node.startsWith("renderD"))) return true
  return ["nvidia0", "dxg"].some((node) => existsSync(join(dev, node)))
}

/**
 * onnxruntime-node 1.30 reads no Float16Array, which its own Tensor makes of float16's bits where the platform has them: it gets the bits.
 */
function nativeTensor(tensor: Tensor): ort.Tensor {
  const made = toOrt(ort.Tensor, tensor)
  if (tensor.dtype === "float16") Object.defineProperty(made, "cpuData", { value: tensor.data })
  return made
}

/** The runtime's reason without the place in its source. */
function plain({ data, message }: AccelerateError): string {
  return String(data.reason ?? message)
    .replace(/^\/\S+:\d+ .* was false\. /, "")
    .trim()
}

/** Without a number of threads the runtime takes one for each physical core, of which Node knows only the logical ones. */
function cpuName(threads: number | undefined): string {
  const model = cpus()[0]?.model.trim() || process.arch
  const n = threads ?? availableParallelism()
  return `${model}, ${n} ${threads === undefined ? "logical core" : "thread"}${n === 1 ? "" : "s"}`
}
