import * as ort from "onnxruntime-web/webgpu"
import { type AbsentDevice, type DeviceInfo, type Dtype, dtypes, fail } from "../../protocol/index.ts"
import type { Backend } from "../backend.ts"
import { probeKnownModel } from "../probe/index.ts"
import { reasonOf } from "./ort-errors.ts"
import { configureOrtWeb, lossReporter, openWeb } from "./ort-web.ts"

type DeviceType = "cpu" | "gpu" | "npu"

/** The part of WebNN used here (W3C Web Neural Network API, ML and MLContext); TypeScript's DOM types don't have it yet. */
interface Ml {
  createContext(options: { deviceType: DeviceType }): Promise<MlContext>
}
interface MlContext {
  readonly lost?: Promise<{ message: string }>
  opSupportLimits(): { input: { dataTypes: string[] }; output: { dataTypes: string[] } }
}

/** The runtimes behind the browser's WebNN: one device per type of context that it makes. Tensors that are kept stay in MLTensors. */
export async function createWebnn(options: { assetsUrl?: string; threads?: number }): Promise<Backend> {
  configureOrtWeb(ort, options.assetsUrl, 1)
  const ml = (navigator as { ml?: Ml }).ml
  const contexts = new Map<string, { context: MlContext; deviceType: DeviceType }>()
  const loss = lossReporter((reason) => backend.onLost?.(reason))

  const open: Backend["open"] = (files, device) => {
    const found = contexts.get(device)
    if (!found) throw fail("IPFA_DEVICE_ABSENT", { data: { device } })
    const provider = { name: "webnn" as const, deviceType: found.deviceType, context: found.context as never }
    return openWeb(ort, files, { executionProviders: [provider] }, { keepIn: "ml-tensor", onError: loss.onError })
  }

  const probeType = async (type: DeviceType): Promise<DeviceInfo | AbsentDevice> => {
    const id = `webnn:${type}`
    if (!ml) return { id, backend: "webnn", reason: "this browser, or this kind of page, has no WebNN (navigator.ml)" }
    try {
      const context = await ml.createContext({ deviceType: type })
      contexts.set(id, { context, deviceType: type })
      context.lost?.then(({ message }) => loss.lost(message || "the WebNN context was lost"))
      const probe = await probeKnownModel((files) => open(files, id))
      const { input, output } = context.opSupportLimits()
      const both = input.dataTypes.filter((t) => output.dataTypes.includes(t))
      return {
        id,
        backend: "webnn",
        type,
        adapter: `webnn ${type}`,
        // WebNN has no software stand-in: a context of a type the machine lacks is computed on what the browser has, and it does not say so.
        fallbackAdapter: false,
        dtypes: dtypes.filter((d: Dtype) => both.includes(d)),
        state: "ready",
        probe,
      }
    } catch (error) {
      contexts.delete(id)
      return { id, backend: "webnn", reason: reasonOf(error) || "no reason given" }
    }
  }

  const backend: Backend = {
    name: "webnn",
    open,
    async probe() {
      const devices: DeviceInfo[] = []
      const absent: AbsentDevice[] = []
      for (const type of ["gpu", "npu", "cpu"] as const) {
        const found = await probeType(type)
        if ("reason" in found) absent.push(found)
        else devices.push(found)
      }
      return { devices, absent }
    },
  }
  return backend
}
