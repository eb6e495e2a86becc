import {
  type AbsentDevice,
  asAccelerateError,
  type BenchmarkRecord,
  type BenchmarkRow,
  type DeviceInfo,
  type EventOf,
  fail,
  type Methods,
  noDevice,
  orAborted,
  type ParamsOf,
} from "../../protocol/index.ts"
import { selectorMatches } from "../../scheduler/index.ts"
import type { Caller } from "../caller.ts"
import type { Devices } from "./devices.ts"
import { shownReference } from "./job.ts"
import type { Jobs } from "./jobs.ts"
import type { Activity } from "./lease.ts"
import { usesKept } from "./lease.ts"
import type { Leases } from "./leases.ts"
import { type Measurements, median } from "./measurements.ts"
import type { Model } from "./models.ts"
import type { PoolSettings } from "./options.ts"
import type { Sessions } from "./sessions.ts"

type Request = ParamsOf<Methods["benchmark.run"]>
type Event = EventOf<Methods["benchmark.run"]>

export interface BenchmarkRun {
  request: Request
  model: Model
  caller: Caller
  activity: Activity
  signal: AbortSignal
  emit(event: Event): void
}

export interface BenchmarkParts {
  settings: PoolSettings
  devices: Devices
  sessions: Sessions
  leases: Leases
  jobs: Jobs
  measurements: Measurements
}

/**
 * MLPerf's SingleStream on one device after another: each sample is the time from asking to the answer, and the next is asked for when the
 * last one came. The session is not shared, so that loading and the first run are what they are without anybody's help.
 */
export async function runBenchmark(
  parts: BenchmarkParts,
  run: BenchmarkRun,
): Promise<{ rows: BenchmarkRow[]; absent: AbsentDevice[] }> {
  const { request, signal } = run
  if (usesKept(request.feeds))
    throw fail("IPFA_INPUT_INVALID", { data: { path: "feeds", expected: "tensors with data: none is kept here" } })
  await orAborted(parts.devices.allProbed(), signal)
  const { devices, absent } = parts.devices.report()
  const wanted = request.devices
  const chosen = wanted ? devices.filter((d) => wanted.some((selector) => selectorMatches(selector, d.id))) : devices
  const missing = wanted
    ? wanted
        .filter((selector) => !devices.some((d) => selectorMatches(selector, d.id)))
        .map((id) => ({
          id,
          backend: id.split(/[:#]/)[0]!,
          reason: parts.devices.absenceOf(id) ?? "there is no such device here",
        }))
    : absent
  const rows: BenchmarkRow[] = []
  const failed: AbsentDevice[] = []
  const what = { caller: run.caller, reference: request.model, model: run.model }
  for (const device of chosen) {
    try {
      const row = await benchmarkDevice(parts, run, device.id)
      rows.push(row)
      keepBenchmark(parts.settings, { ...what, device: row.device }, row)
    } catch (error) {
      if (signal.aborted) throw error
      const { id, backend, agent, browser } = device
      const { code, message } = asAccelerateError(error)
      failed.push({ id, backend, agent, browser, reason: message })
      keepBenchmark(parts.settings, { ...what, device }, { samplesMs: [], error: code })
    }
  }
  const all = [...failed, ...missing]
  if (rows.length === 0) throw noDevice(all.map(({ id, reason }) => ({ device: id, reason })))
  return { rows, absent: all }
}

/** Hands over what was found, for the person. */
export function keepBenchmark(
  { now, browser, version, onBenchmark }: PoolSettings,
  what: { caller: Caller; reference: string; model: Model; device: DeviceInfo },
  found: Pick<BenchmarkRecord, "loadMs" | "firstMs" | "p50Ms" | "samplesMs" | "error">,
): void {
  if (what.caller.isPrivate) return
  const { loadMs, firstMs, p50Ms, samplesMs, error } = found
  const { id: device, backend, adapter } = what.device
  onBenchmark({
    id: crypto.randomUUID(),
    at: now(),
    origin: what.caller.origin,
    model: shownReference(what.reference),
    sha256: what.model.sha256,
    device,
    backend,
    adapter,
    browser,
    version,
    samplesMs,
    ...(error === undefined ? { loadMs, firstMs, p50Ms } : { error }),
  })
}

async function benchmarkDevice(parts: BenchmarkParts, run: BenchmarkRun, device: string): Promise<BenchmarkRow> {
  const { sessions, leases, jobs, measurements } = parts
  const { model, caller, activity, signal, emit, request } = run
  const { feeds, samples, warmup, budgetMs } = request
  const tell = (phase: Event["phase"], done: number, of: number) => emit({ device, phase, done, of })
  const info = () => parts.devices.info(device)
  leases.checkMemory(caller, model.needBytes)
  tell("load", 0, 1)
  const loaded = sessions.alone(model, parts.devices.hostOf(device), device)
  const opening = performance.now()
  sessions.lease(loaded)
  const open = sessions.open(loaded, caller.origin)
  await orAborted(open, signal).catch((error) => {
    sessions.giveBack(loaded)
    // Opened for nobody.
    open.then(() => sessions.unload(loaded)).catch(() => undefined)
    throw error
  })
  const loadMs = performance.now() - opening
  const lease = leases.open(caller, activity, request.model, { loaded }, { model, origin: caller.origin, device })
  try {
    // Others of its own may have been opened meanwhile, and only now it is known what this one holds.
    leases.checkMemory(caller)
    const once = async () => {
      const start = performance.now()
      await jobs.run(lease, { feeds }, { signal })
      return performance.now() - start
    }
    tell("warmup", 0, warmup)
    const firstMs = await once()
    for (let i = 0; i < warmup; i++) {
      await once()
      tell("warmup", i + 1, warmup)
    }
    const samplesMs: number[] = []
    const end = performance.now() + budgetMs
    do {
      samplesMs.push(await once())
      tell("steady", samplesMs.length, samples)
    } while (samplesMs.length < samples && performance.now() < end)
    const p50Ms = median(samplesMs)!
    measurements.add("benchmark", info(), model, p50Ms, { ok: true })
    return { device: info(), loadMs, firstMs, p50Ms, n: samplesMs.length, samplesMs }
  } finally {
    leases.close(lease)
    sessions.unload(loaded)
  }
}
