import * as ort from "onnxruntime-web/webgpu"
import { inspectModel, readModel } from "../../graph/index.ts"
import { type AbsentDevice, type DeviceInfo, type Dtype, dtypes, fail, type TensorInfo } from "../../protocol/index.ts"
import type { Backend, ModelFiles } from "../backend.ts"
import { probeKnownModel } from "../probe/index.ts"
import { type KeepOnDevice, openWeb } from "./open-web.ts"
import { looksLost, reasonOf } from "./ort-errors.ts"
import { fileBytes } from "./ort-open.ts"
import { configureOrtWeb, inMemory, lossReporter } from "./ort-web.ts"
import { SizedSession, type Sizes } from "./sized-session.ts"

type DeviceType = "cpu" | "gpu" | "npu"

/** The part of WebNN used here (W3C Web Neural Network API, ML and MLContext); TypeScript's DOM types don't have it yet. */
interface Ml {
  createContext(options: { deviceType: DeviceType }): Promise<MlContext>
}
interface MlContext {
  readonly lost?: Promise<{ message: string }>
  opSupportLimits(): Record<"input" | "output", Limits> & { identity?: { input: Limits } }
}

interface Limits {
  dataTypes: string[]
}

/** The runtimes behind the browser's WebNN: one device per type of context that it makes. Tensors that are kept stay in MLTensors. */
export async function createWebnn(options: { assetsUrl?: string; threads?: number }): Promise<Backend> {
  configureOrtWeb(ort, options.assetsUrl, 1)
  const ml = (navigator as { ml?: Ml }).ml
  const contexts = new Map<string, { context: MlContext; deviceType: DeviceType }>()
  const loss = lossReporter((reason) => backend.onLost?.(reason))
  const builds = countBuilds()

  const open: Backend["open"] = async (files, device) => {
    const found = contexts.get(device)
    if (!found) throw fail("IPFA_DEVICE_ABSENT", { data: { device } })
    const provider = { name: "webnn" as const, deviceType: found.deviceType, context: found.context as never }
    // In a graph that WebNN takes only in part, onnxruntime-web 1.30 gives kept outputs of the other part without their values.
    const keep: KeepOnDevice = { location: "ml-tensor", dtypes: tensorDtypes(found.context), partitioned: false }
    const openWith = (freeDimensionOverrides: Sizes) =>
      openWeb(
        ort,
        files,
        { executionProviders: [provider], freeDimensionOverrides },
        { accelerator: { keep, work: builds }, onError: loss.onError },
      )
    try {
      return await openWith({})
    } catch (error) {
      const sized = looksLost(error) ? undefined : sizedModel(files)
      if (!sized) throw error
      // WebNN takes no node of unknown shape: it may take them all once the sizes are known.
      return new SizedSession({ ...sized, memoryBytes: fileBytes(files, () => 0), open: openWith })
    }
  }

  const probeType = async (type: DeviceType): Promise<DeviceInfo | AbsentDevice> => {
    const id = `webnn:${type}`
    if (!ml) return { id, backend: "webnn", reason: "this browser has no WebNN for pages like this one" }
    try {
      const context = await ml.createContext({ deviceType: type })
      contexts.set(id, { context, deviceType: type })
      context.lost?.then(({ message }) => loss.lost(message || "the WebNN context was lost"))
      const probe = await probeKnownModel((files) => open(files, id))
      return {
        id,
        backend: "webnn",
        type,
        // A context of a type that the machine lacks is computed on what the browser has, and it does not say so.
        adapter: type === "cpu" ? "webnn cpu" : `webnn ${type} (says the browser; may be the CPU)`,
        fallbackAdapter: false,
        dtypes: computedDtypes(context),
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

/** The dtypes that `context` takes and gives. */
function tensorDtypes(context: MlContext): Dtype[] {
  const { input, output } = context.opSupportLimits()
  return dtypes.filter((d) => input.dataTypes.includes(d) && output.dataTypes.includes(d))
}

/** Those that go through its plainest operator: others are for the indices or scales of some operators alone. ONNX Runtime's bool is WebNN's uint8. */
function computedDtypes(context: MlContext): Dtype[] {
  const { identity } = context.opSupportLimits()
  if (!identity) return tensorDtypes(context)
  return dtypes.filter((d) => identity.input.dataTypes.includes(d === "bool" ? "uint8" : d))
}

/** Counts the graphs that WebNN builds in this worker. */
function countBuilds(): () => number {
  const { MLGraphBuilder } = globalThis as { MLGraphBuilder?: { prototype: { build(...args: unknown[]): unknown } } }
  let count = 0
  if (MLGraphBuilder) {
    const { build } = MLGraphBuilder.prototype
    MLGraphBuilder.prototype.build = function (...args) {
      count++
      return build.apply(this, args)
    }
  }
  return () => count
}

/** What a model with symbolic dimensions declares; undefined for one without, or with dimensions that have no name to fix them by. */
function sizedModel({ model, external = [] }: ModelFiles): { inputs: TensorInfo[]; outputs: TensorInfo[] } | undefined {
  const externalData = new Map(external.map(({ path, data }) => [path, inMemory(data).byteLength]))
  const { inputs, outputs } = inspectModel(readModel(inMemory(model)), { externalData })
  const dims = inputs.flatMap((input) => input.shape)
  if (!dims.some((d) => typeof d === "string") || dims.includes(null)) return undefined
  return inputs.some((input) => input.rankUnknown) ? undefined : { inputs, outputs }
}
