import {
  asAccelerateError,
  type EventOf,
  type Methods,
  noDevice,
  orAborted,
  type ResultOf,
  type TunedKernel,
} from "../../protocol/index.ts"
import { isTunable } from "../backends/names.ts"
import type { Devices } from "./devices.ts"
import type { Host } from "./host.ts"
import type { Model } from "./models.ts"
import { type Recent, shapesOf } from "./recent.ts"

/** What is measured: the work of a model on inputs of these shapes, or common work where there is no model. */
export interface Tunable {
  model?: Model | undefined
  shapes: Record<string, number[]>
}

export interface TuneOnOptions {
  budgetMs: number
  anew: boolean
  signal: AbortSignal
  onProgress(progress: EventOf<Methods["device.tune"]>): void
}

/** Has a host measure, between whatever else it has to do. What it finds it keeps. */
export async function tuneOn(
  host: Host,
  { model, shapes }: Tunable,
  { budgetMs, anew, signal, onProgress }: TuneOnOptions,
): Promise<TunedKernel[]> {
  const { transfer = [], ...files } = (await model?.files()) ?? {}
  const request = { ...("model" in files && { files }), shapes, budgetMs, anew }
  return (await host.call("device.tune", request, { transfer, signal, onEvent: onProgress })).kernels
}

export interface KernelTuning {
  /** Where absent: common work. */
  model: Model | undefined
  /** Before the common work that of models that were used lately, by whomever. */
  withRecent: boolean
  budgetMs: number
  signal: AbortSignal
  emit(event: EventOf<Methods["kernels.tune"]>): void
}

/** Measures on one device after another, as somebody asked. Throws IPFA_DEVICE_NONE, or what is wrong with the model or the device. */
export async function tuneKernels(
  { devices, recent }: { devices: Devices; recent: Recent },
  { model, withRecent, budgetMs, signal, emit }: KernelTuning,
): Promise<ResultOf<Methods["kernels.tune"]>> {
  await orAborted(devices.allProbed(), signal)
  const report = devices.report()
  const absent = report.absent.filter(({ backend }) => isTunable(backend))
  const found = report.devices.filter(({ backend }) => isTunable(backend))
  if (found.length === 0) throw noDevice(absent.map(({ id, reason }) => ({ device: id, reason })))
  const rows: ResultOf<Methods["kernels.tune"]>["rows"] = []
  for (const { id } of found) {
    const host = devices.hostOf(id)
    const on = (work: Tunable) =>
      tuneOn(host, work, {
        budgetMs,
        anew: true,
        signal,
        onProgress: (progress) => emit({ device: id, ...progress }),
      })
    await orAborted(host.ready(), signal)
    const kernels = !model && withRecent ? await recentKernels(recent, id, on) : []
    kernels.push(...(await on({ model, shapes: {} })))
    rows.push({ device: devices.info(id), kernels })
  }
  return { rows, absent }
}

async function recentKernels(
  recent: Recent,
  device: string,
  on: (work: Tunable) => Promise<TunedKernel[]>,
): Promise<TunedKernel[]> {
  const kernels: TunedKernel[] = []
  for (const { model, forms } of recent.all()) {
    if (model.unsupported.has(device)) continue
    const tuned = on({ model, shapes: shapesOf(forms) }).catch((error) => {
      // It does not run there, or its file is gone: others do.
      if (!/^IPFA_(DEVICE_UNSUPPORTED$|MODEL_|STORE_)/.test(asAccelerateError(error).code)) throw error
      return []
    })
    kernels.push(...(await tuned))
  }
  return kernels
}
