import type { InferenceSession } from "onnxruntime-common"
import type { Dtype } from "../../protocol/index.ts"
import type { BackendSession, ModelFiles } from "../backend.ts"
import { leftToCpu, takeWarnings } from "./ort-log.ts"
import { assertOnDevice, CPU_NOTE, fileBytes, openOrt } from "./ort-open.ts"
import { OrtSession, type OrtSessionOptions } from "./ort-session.ts"
import { toOrt } from "./ort-tensor.ts"
import { inMemory, type OrtWeb } from "./ort-web.ts"

export interface KeepOnDevice {
  /** Where outputs stay until they are read back or released. */
  location: "gpu-buffer" | "ml-tensor"
  /** Dtypes that can stay there; outputs of others go to this worker's memory. */
  dtypes: readonly Dtype[]
  /** False where outputs can stay only if the provider takes the whole graph. */
  partitioned: boolean
}

export interface OpenWebOptions extends Pick<OrtSessionOptions, "beforeRun" | "onError" | "takeFault" | "settled"> {
  /** Absent for the CPU: outputs are in this worker's memory, and no other device is to compute. */
  accelerator?: {
    keep: KeepOnDevice
    /** A number that rises whenever the device is given something to hold or compile. */
    work(): number
  }
}

/**
 * Opens a model with one execution provider. Where outputs are to be is said at creation, once for all runs: they all stay on the device, and
 * a run reads back those that are not to be kept (OrtSession). What can't stay is known only from an opened session, hence the second opening.
 */
export async function openWeb(
  ort: OrtWeb,
  { model, external = [] }: ModelFiles,
  sessionOptions: InferenceSession.SessionOptions,
  { accelerator, ...watch }: OpenWebOptions = {},
): Promise<BackendSession> {
  const externalData = external.map(({ path, data }) => ({ path, data: inMemory(data) }))
  const open = async (preferredOutputLocation: InferenceSession.SessionOptions["preferredOutputLocation"]) => {
    takeWarnings()
    const before = accelerator?.work()
    const options = { ...sessionOptions, externalData, preferredOutputLocation }
    const opened = await openOrt(ort.InferenceSession, inMemory(model), options)
    return { ...opened, onCpuToo: leftToCpu(takeWarnings()), idle: accelerator?.work() === before }
  }
  try {
    let opened = await open(accelerator?.keep.location)
    if (accelerator && opened.idle && !opened.onCpuToo) {
      // All on the device, without weights; or all on the CPU, of which the runtime says nothing.
      await opened.session.release()
      await assertOnDevice(ort.InferenceSession, inMemory(model), { ...sessionOptions, externalData })
      opened = await open(accelerator.keep.location)
    }
    const locations = accelerator && otherLocations(opened.session, opened.onCpuToo, accelerator.keep)
    if (locations) {
      await opened.session.release()
      opened = await open(locations)
    }
    const note = [opened.note, accelerator && opened.onCpuToo && CPU_NOTE].filter(Boolean).join("; ") || undefined
    try {
      const memoryBytes = fileBytes({ model, external }, () => 0)
      return new OrtSession({
        runtime: "web",
        toOrt: (t) => toOrt(ort.Tensor, t),
        session: opened.session,
        note,
        memoryBytes,
        ...watch,
      })
    } catch (error) {
      await opened.session.release()
      throw error
    }
  } catch (error) {
    watch.onError?.(error)
    throw error
  }
}

/** The location of each output, or undefined where `keep.location` is right for all. */
function otherLocations(
  { outputMetadata }: InferenceSession,
  onCpuToo: boolean,
  { location, dtypes, partitioned }: KeepOnDevice,
): Record<string, "cpu" | typeof location> | undefined {
  const stays = (m: (typeof outputMetadata)[number]) =>
    m.isTensor && (dtypes as readonly string[]).includes(m.type) && (partitioned || !onCpuToo)
  if (outputMetadata.every(stays)) return undefined
  return Object.fromEntries(outputMetadata.map((m) => [m.name, stays(m) ? location : "cpu"]))
}
