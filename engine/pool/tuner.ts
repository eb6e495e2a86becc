import { asAccelerateError, type DeviceInfo, elements, fail } from "../../protocol/index.ts"
import { DAY_MS, nextTrial, type Trial, type TuneModel, type TunePlan, tuneRules } from "../../scheduler/index.ts"
import { isTunable } from "../backends/names.ts"
import type { Caller } from "../caller.ts"
import { keepBenchmark } from "./benchmark.ts"
import type { Devices } from "./devices.ts"
import type { Host } from "./host.ts"
import { Idle } from "./idle.ts"
import type { Jobs } from "./jobs.ts"
import type { Lease } from "./lease.ts"
import type { Leases } from "./leases.ts"
import { type Measurements, median } from "./measurements.ts"
import type { Model } from "./models.ts"
import type { PoolSettings } from "./options.ts"
import { type Recent, type RecentModel, shapesOf } from "./recent.ts"
import type { Sessions } from "./sessions.ts"
import { type Timer, upkeepTimer } from "./timer.ts"
import { trialFeeds } from "./trial-feeds.ts"
import { tuneOn } from "./tune-kernels.ts"

export interface TunerParts {
  settings: PoolSettings
  devices: Devices
  sessions: Sessions
  leases: Leases
  jobs: Jobs
  measurements: Measurements
  recent: Recent
}

/** Whose jobs trials are: nobody's that a page could be. */
const TUNER: Caller = { origin: "tuner" }
/** Runs after the first, which compiles; fewer where they take long. */
const RUNS = 5
const RUNS_MS = 3_000
/** How often it is asked again whether it may, where there is something to try. */
const ASK_AGAIN_MS = 60_000
/** Time for all the ways to do one kind of work. */
const KERNEL_MS = 1_000

/** A model that was used lately, and a device of our own kernels that it runs on. */
interface Untuned {
  recent: RecentModel
  device: string
  shapes: Record<string, number[]>
  key: string
}

/**
 * Tries, in idle time, models that were used lately on devices that were never measured with them: one at a time, and no run is begun once a
 * caller wants something. What to try is `scheduler/tune.ts`'s decision. Before that, our own kernels are tuned for models that run on them.
 */
export class Tuner {
  readonly idle: Idle
  readonly #parts: TunerParts
  /** Keys of those that are done, or failed. */
  readonly #tuned = new Set<string>()
  #isTrying = false
  #isClosed = false
  #timer: Timer | undefined
  /** The next trial is not before that; `performance.now()`. */
  #restUntil = 0

  constructor(parts: TunerParts) {
    this.#parts = parts
    this.idle = new Idle(parts.settings.limits.tuneIdleMs, () => void this.#next())
  }

  close(): void {
    this.#isClosed = true
    this.idle.close()
    clearTimeout(this.#timer)
  }

  /** What would be tried now, or why nothing would. */
  plan(allowed: boolean = this.#parts.settings.mayTune()): TunePlan {
    const { settings, recent } = this.#parts
    const models = recent.all().map((recent) => this.#model(recent))
    const rules = { ...tuneRules, idleMs: settings.limits.tuneIdleMs }
    return nextTrial({ allowed, now: settings.now(), idleMs: this.idle.ms, models }, rules)
  }

  /** Still: nobody came, not even to leave again, and nothing has come to be said against it. */
  get #mayGoOn(): boolean {
    const { limits, mayTune } = this.#parts.settings
    return !this.#isClosed && this.idle.ms >= limits.tuneIdleMs && mayTune()
  }

  async #next(): Promise<void> {
    if (this.#isTrying || this.#isClosed) return
    const rest = this.#restUntil - performance.now()
    if (rest > 0) return this.#nextIn(rest)
    this.#isTrying = true
    try {
      const { recent, devices } = this.#parts
      for (const { model, forms } of recent.all()) {
        if (!this.#mayGoOn) break
        await model.learnFlops(shapesOf(forms)).catch(() => undefined)
      }
      if (this.#mayGoOn && recent.all().length > 0) await devices.allProbed()
      const { trial } = this.plan()
      for (const untuned of this.#untuned(trial)) if (this.#mayGoOn) await this.#tuneKernels(untuned)
      if (trial && this.#mayGoOn) {
        await this.#try(trial)
        const rest = this.#parts.settings.limits.tuneIdleMs
        this.#restUntil = performance.now() + rest
        this.#nextIn(rest)
      } else if (this.plan(true).trial || this.#untuned().length > 0) this.#nextIn(ASK_AGAIN_MS)
    } finally {
      this.#isTrying = false
    }
  }

  /** Where a caller comes before that, idle time begins anew, and so does this. */
  #nextIn(ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#isClosed) this.#timer = upkeepTimer(() => void this.#next(), ms)
  }

  /** Where models that were used lately run on our own kernels, or are to be tried on them now. */
  #untuned(trial?: Trial): Untuned[] {
    const { recent, devices, measurements, settings } = this.#parts
    const all: Untuned[] = []
    for (const one of recent.all())
      for (const host of devices.hosts) {
        const wasLost = host.lostAt > 0 && settings.now() - host.lostAt < tuneRules.lostMs
        if (!isTunable(host.backend) || wasLost) continue
        for (const device of host.devices.keys()) {
          const { model, forms } = one
          const shapes = shapesOf(forms)
          const key = JSON.stringify([model.key, device, shapes])
          const isTried = trial?.model === model.key && trial.device === device
          const runs = isTried || measurements.of(model, device).runs > 0
          if (runs && !this.#tuned.has(key)) all.push({ recent: one, device, shapes, key })
        }
      }
    return all
  }

  /** Ends at once when a caller comes, and goes on another time where it was. */
  async #tuneKernels({ recent, device, shapes, key }: Untuned): Promise<void> {
    const host = this.#parts.devices.hostOf(device)
    const forbidden = new AbortController()
    const signal = AbortSignal.any([this.idle.rest, forbidden.signal])
    const onProgress = () => void (this.#mayGoOn || forbidden.abort())
    try {
      await host.ready()
      await tuneOn(host, { model: recent.model, shapes }, { budgetMs: KERNEL_MS, anew: false, signal, onProgress })
    } catch {
      if (signal.aborted || this.#isClosed) return
    }
    this.#tuned.add(key)
  }

  async #try(trial: Trial): Promise<void> {
    const { devices, sessions, leases, measurements } = this.#parts
    const recent = this.#parts.recent.all().find(({ model }) => model.key === trial.model)!
    const { model } = recent
    const host = devices.hostOf(trial.device)
    measurements.tried(model, trial.device)
    const start = performance.now()
    const loaded = sessions.trial(model, host, trial.device)
    sessions.lease(loaded)
    const wanted = { model, origin: TUNER.origin, device: trial.device }
    const activity = { running: 0, waiting: 0, done: 0, failed: 0 }
    const lease = leases.open(TUNER, activity, `sha256:${model.sha256}`, { loaded }, wanted)
    try {
      await host.ready()
      if (!this.#mayGoOn) return
      await sessions.open(loaded, TUNER.origin)
      const [firstMs, ...samplesMs] = await this.#runs(lease, recent)
      const runMs = median(samplesMs)
      if (runMs === undefined) return
      this.#record(recent, host, trial.device, runMs)
      this.#keep(model, host, trial.device, { loadMs: loaded.openMs, firstMs, p50Ms: runMs, samplesMs })
    } catch (error) {
      this.#failed(recent, host, trial.device, performance.now() - start, error)
    } finally {
      leases.close(lease)
      sessions.endTrial()
    }
  }

  /** Times of the first run, and of those after it that no caller came into. */
  async #runs(lease: Lease, { forms }: RecentModel): Promise<number[]> {
    const { jobs } = this.#parts
    const feeds = trialFeeds(forms)
    const samples: number[] = []
    const end = performance.now() + RUNS_MS
    for (let run = 0; run <= RUNS && (run < 2 || performance.now() < end); run++) {
      // Only where it is still loaded it runs at once, and is not opened again.
      if (!this.#mayGoOn || !lease.loaded.residence) break
      const late = new AbortController()
      const timer = upkeepTimer(() => late.abort(fail("IPFA_JOB_DEADLINE")), tuneRules.blockMs)
      const { timing } = await jobs
        .run(lease, { feeds }, { signal: late.signal, priority: 0 })
        .finally(() => clearTimeout(timer))
      if (run === 0 || this.#mayGoOn) samples.push(timing.runMs)
    }
    return samples
  }

  #failed(recent: RecentModel, host: Host, device: string, ms: number, error: unknown): void {
    const { code, data, message } = asAccelerateError(error)
    if (this.#isClosed) return
    // Its file is gone: no fault of the device.
    if (/^IPFA_(MODEL|STORE)_/.test(code)) return this.#parts.recent.forget(recent)
    if (code === "IPFA_DEVICE_UNSUPPORTED") recent.model.unsupported.set(device, String(data.reason ?? message))
    this.#record(recent, host, device, ms, code)
    this.#keep(recent.model, host, device, { samplesMs: [], error: code })
  }

  #keep(model: Model, host: Host, device: string, found: Parameters<typeof keepBenchmark>[2]): void {
    const info = host.devices.get(device) as DeviceInfo
    const what = { caller: TUNER, reference: `sha256:${model.sha256}`, model, device: info }
    keepBenchmark(this.#parts.settings, what, found)
  }

  #record({ model, forms }: RecentModel, host: Host, device: string, ms: number, error?: string): void {
    const info = host.devices.get(device) as DeviceInfo
    const inputElems = Object.values(forms).reduce((sum, { shape }) => sum + elements(shape), 0)
    const outcome = error ? { ok: false, error, inputElems } : { ok: true, inputElems }
    this.#parts.measurements.add("benchmark", info, model, ms, outcome)
  }

  #model({ model, usedAt }: RecentModel): TuneModel {
    const { devices, sessions, measurements, settings } = this.#parts
    const freeBytes = sessions.unusedBytes()
    const since = settings.now() - DAY_MS
    let tries = 0
    const candidates = devices.candidates(model, TUNER.origin, false).map((candidate) => {
      const host = devices.hostOf(candidate.id)
      const trials = measurements.trials(model, candidate.id, since)
      tries += trials.tries
      const held = sessions.occupancy(host) === "held"
      return { ...candidate, freeBytes, lostAt: host.lostAt, held, failedAt: trials.failedAt }
    })
    return { id: model.key, bytes: model.needBytes, flops: model.flops, usedAt, tries, candidates }
  }
}
