import {
  type AccelerateError,
  asAccelerateError,
  type EndedJob,
  type ErrorCode,
  elements,
  fail,
  type RunResult,
  tensorBytes,
} from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import type { Blame } from "./blame.ts"
import type { Host } from "./host.ts"
import { type Job, jobName, type RunParams } from "./job.ts"
import { type HostResult, Lane, type LaneOwner } from "./lane.ts"
import { hostFeeds, type Lease, releaseKept, usesKept } from "./lease.ts"
import type { Leases } from "./leases.ts"
import type { Loaded } from "./loaded.ts"
import type { Measurements } from "./measurements.ts"
import type { PoolLimits, PoolSettings } from "./options.ts"
import { mayFallBack, type Placement } from "./placement.ts"
import type { Sessions } from "./sessions.ts"
import { checkPause, isOwner } from "./status.ts"

export interface RunOptions {
  signal?: AbortSignal
  priority?: number
  deadlineMs?: number
  isShared?: boolean
}

/** The caller's own doing, or its wish: no evidence about a device. */
const notMeasured: ReadonlySet<ErrorCode> = new Set([
  "IPFA_INPUT_SHAPE",
  "IPFA_INPUT_INVALID",
  "IPFA_JOB_CANCELLED",
  "IPFA_JOB_PAUSED",
  "IPFA_GRANT_REVOKED",
  "IPFA_GRANT_EXPIRED",
  "IPFA_SESSION_KEPT",
])

/** Runs jobs on the lanes of the pool's hosts, and moves those whose device can't be had. */
export class Jobs implements LaneOwner {
  readonly limits: PoolLimits
  readonly #settings: PoolSettings
  readonly #sessions: Sessions
  readonly #measurements: Measurements
  readonly #leases: Leases
  readonly #blame: Blame
  readonly #changed: () => void
  readonly #lanes: ReadonlyMap<Host, Lane>
  readonly #running = new Map<string, number>()
  /** What the inputs of each origin's unfinished jobs take. */
  readonly #queuedBytes = new Map<string, number>()
  #placement!: Placement

  constructor(
    hosts: readonly Host[],
    settings: PoolSettings,
    sessions: Sessions,
    measurements: Measurements,
    leases: Leases,
    blame: Blame,
    changed: () => void,
  ) {
    this.limits = settings.limits
    this.#settings = settings
    this.#sessions = sessions
    this.#measurements = measurements
    this.#leases = leases
    this.#blame = blame
    this.#changed = changed
    this.#lanes = new Map(hosts.map((host) => [host, new Lane(host, this)]))
  }

  /** Placement asks for the lanes' load, and jobs for a new place: they are introduced to each other after they are made. */
  placeWith(placement: Placement): void {
    this.#placement = placement
  }

  lane(host: Host): Lane {
    return this.#lanes.get(host) as Lane
  }

  run(lease: Lease, params: RunParams, options: RunOptions = {}): Promise<RunResult> {
    const { signal, priority = 5, deadlineMs } = options
    return new Promise((resolve, reject) => {
      if (lease.closed) return reject(fail("IPFA_SESSION_UNKNOWN"))
      checkPause(this.#settings, lease.caller)
      if (signal?.aborted) return reject(asAccelerateError(signal.reason, "IPFA_JOB_CANCELLED"))
      this.#goHome(lease)
      const withKept = usesKept(params.feeds)
      if (withKept) hostFeeds(lease, lease.loaded, params.feeds)
      const inputBytes = this.#reserve(lease.caller, params.feeds)
      const job: Job = {
        id: crypto.randomUUID(),
        lease,
        loaded: lease.loaded,
        params,
        priority,
        deadlineAt: deadlineMs === undefined ? undefined : this.#settings.now() + deadlineMs,
        usesKept: withKept,
        isShared: options.isShared === true,
        inputElems: inputElems(params.feeds),
        inputBytes,
        submittedAt: performance.now(),
        state: "new",
        counted: undefined,
        entry: undefined,
        startedAt: 0,
        reruns: 0,
        withdraw: undefined,
        resolve,
        reject,
      }
      signal?.addEventListener("abort", () => this.abort(job, asAccelerateError(signal.reason, "IPFA_JOB_CANCELLED")), {
        once: true,
      })
      lease.jobs.add(job)
      job.loaded.jobs.add(job)
      this.#count(job, "waiting")
      this.#submit(job)
      this.#changed()
    })
  }

  abort(job: Job, error: AccelerateError): void {
    this.lane(job.loaded.host).abort(job, error)
  }

  close(error: AccelerateError): void {
    for (const lane of this.#lanes.values()) lane.close(error)
  }

  /** Where the pool is paused, ends what runs and waits, but for the person's own pages. */
  obeyPause(): void {
    if (!this.#settings.paused) return
    for (const { caller, jobs } of this.#leases.all())
      if (!isOwner(caller)) for (const job of [...jobs]) this.abort(job, fail("IPFA_JOB_PAUSED"))
  }

  // What a lane asks.

  /** How long `host` rests after it worked for `ranMs`. */
  restMs({ isGpu }: Host, ranMs: number): number {
    return isGpu ? ranMs * (1 / this.#settings.gpuShare - 1) : 0
  }

  mayRun({ lease }: Job): boolean {
    const most = lease.caller.limits?.concurrentJobs
    return most === undefined || (this.#running.get(lease.caller.origin) ?? 0) < Math.max(1, most)
  }

  expectedMs({ loaded }: Job): number {
    return this.#measurements.of(loaded.model, loaded.device).runMs ?? 10
  }

  started(job: Job): void {
    const { origin } = job.lease.caller
    this.#running.set(origin, (this.#running.get(origin) ?? 0) + 1)
    this.#count(job, "running")
    this.#changed()
  }

  stopped(job: Job): void {
    const { origin } = job.lease.caller
    const running = (this.#running.get(origin) ?? 1) - 1
    if (running > 0) this.#running.set(origin, running)
    else this.#running.delete(origin)
    this.#count(job, job.state === "ended" ? undefined : "waiting")
    this.#changed()
    // Its origin's next job may wait for another host. (By its own grant: the limits of this job's are gone where that has ended.)
    for (const lane of this.#lanes.values()) lane.pump()
  }

  done(job: Job, { outputs, runMs, pipelines }: HostResult): void {
    const { lease, loaded } = job
    const residence = loaded.residence!
    const kind = residence.runs++ === 0 ? "first" : "run"
    const info = loaded.host.devices.get(loaded.device)!
    // A trial's runs are one measurement of their own.
    if (!loaded.isTrial)
      this.#measurements.add(kind, info, loaded.model, runMs, { ok: true, inputElems: job.inputElems })
    // What a full store does not keep is found out again.
    if (pipelines) loaded.model.keepPipelines(info, pipelines).catch(() => undefined)
    if (job.params.keep?.length) {
      try {
        this.#keep(job, outputs)
      } catch (error) {
        return this.failed(job, asAccelerateError(error))
      }
    }
    // Where a device computes several at a time, a run may have begun before its turn here.
    const lateMs = performance.now() - job.submittedAt - runMs
    const queueMs = Math.max(0, Math.min(job.startedAt - job.submittedAt, lateMs))
    this.#end(job, { outcome: "done", queueMs, runMs })
    lease.activity.done++
    const result: RunResult = {
      outputs,
      device: loaded.device,
      agent: this.#settings.agent,
      timing: { queueMs, runMs },
      reruns: job.reruns,
    }
    if (lease.movedFrom) result.fellBackFrom = lease.movedFrom
    job.resolve(result)
  }

  failed(job: Job, error: AccelerateError): void {
    if (job.state === "ended") return
    const { loaded } = job
    const info = loaded.host.devices.get(loaded.device)
    const now = performance.now()
    const runMs = job.startedAt > 0 ? now - job.startedAt : 0
    if (job.startedAt > 0 && info && !loaded.isTrial && !notMeasured.has(error.code)) {
      this.#measurements.add("run", info, loaded.model, runMs, {
        ok: false,
        error: error.code,
        inputElems: job.inputElems,
      })
    }
    const queueMs = Math.max(0, now - job.submittedAt - runMs)
    if (error.code === "IPFA_JOB_CANCELLED") this.#end(job, { outcome: "cancelled", queueMs, runMs })
    else this.#end(job, { outcome: "failed", error: error.code, queueMs, runMs })
    job.lease.activity.failed++
    job.reject(error)
  }

  discard(job: Job, { outputs }: HostResult): void {
    const { residence, host } = job.loaded
    const kept = Object.values(outputs).flatMap((t) => ("kept" in t ? [t.kept] : []))
    if (residence && kept.length > 0)
      host.call("device.release", { handle: residence.handle, kept }).catch(() => undefined)
  }

  open({ loaded, lease }: Job): Promise<void> {
    return this.#sessions.open(loaded, lease.caller.origin, lease.forced)
  }

  stranded(job: Job, error: AccelerateError): void {
    if (job.state === "ended") return
    const { lease } = job
    const lost = error.code === "IPFA_DEVICE_LOST" && job.reruns > 0 ? fail("IPFA_JOB_LOST", { cause: error }) : error
    if (lease.forced || job.usesKept || !mayFallBack(error.code)) return this.failed(job, lost)
    job.state = "moving"
    this.#move(lease, job.loaded, error).then(
      () => this.#resubmit(job),
      (e) => this.failed(job, asAccelerateError(e)),
    )
  }

  blame(origin: string, backend: string): void {
    this.#blame.record(origin, backend, this.#settings.now())
  }

  canMove(job: Job): boolean {
    const { lease, loaded } = job
    if (lease.forced || job.usesKept) return false
    const wanted = { model: lease.model, origin: lease.caller.origin }
    return this.#placement.choose({ ...wanted, exclude: [loaded.device] }).ranked.length > 0
  }

  /** Finds the session a place elsewhere; all its jobs share one move. */
  #move(lease: Lease, from: Loaded, error: AccelerateError): Promise<void> {
    if (lease.loaded !== from) return Promise.resolve()
    lease.moving ??= this.#moveFrom(lease, from, error).finally(() => {
      lease.moving = undefined
    })
    return lease.moving
  }

  async #moveFrom(lease: Lease, from: Loaded, error: AccelerateError): Promise<void> {
    const { model, caller } = lease
    const exclude = [from.device]
    const { loaded } = await this.#placement.place({ model, origin: caller.origin, exclude })
    this.#leases.moveTo(lease, loaded, error, this.#placement.fallback(lease.home.device, error.message))
  }

  #resubmit(job: Job): void {
    if (job.state !== "moving") return
    job.loaded.jobs.delete(job)
    job.loaded = job.lease.loaded
    job.loaded.jobs.add(job)
    job.state = "new"
    this.#submit(job)
  }

  /** Where its origin is kept away from the device, it moves, or fails. */
  #submit(job: Job): void {
    const { lease, loaded } = job
    const until = this.#keptAway(lease, loaded.host)
    if (until === 0) return this.lane(loaded.host).submit(job)
    const data = { backend: loaded.host.backend, unavailableUntil: until }
    this.stranded(
      job,
      fail("IPFA_DEVICE_LOST", { message: "This site's jobs lost the device, or held it up, not long ago.", data }),
    )
  }

  #keptAway({ caller, forced }: Lease, host: Host): number {
    return this.#blame.until(caller.origin, host.backend, forced, this.#settings.now())
  }

  /** A session that a lost device sent elsewhere goes back when the device is there again and nothing is kept elsewhere. */
  #goHome(lease: Lease): void {
    if (!lease.movedFrom || !lease.returns || lease.moving) return
    const { host, device } = lease.home
    if ((host.state !== "ready" && !host.slept) || host.missing.has(device) || this.#keptAway(lease, host) > 0) return
    if (this.lane(host).isHeldUp) return
    for (const kept of lease.kept.values()) if (kept.life === kept.loaded.host.life) return
    this.#leases.goHome(lease)
  }

  /** Gives kept outputs ids that nobody can guess, and counts what they hold. */
  #keep(job: Job, outputs: HostResult["outputs"]): void {
    const { lease, loaded } = job
    const residence = loaded.residence!
    const ids: string[] = []
    for (const [name, tensor] of Object.entries(outputs)) {
      if (!("kept" in tensor)) continue
      const id = crypto.randomUUID()
      const bytes = tensorBytes(tensor)
      lease.kept.set(id, { hostId: tensor.kept, tensor, bytes, loaded, life: residence.life })
      residence.keptTensors++
      residence.keptBytes += bytes
      outputs[name] = { dtype: tensor.dtype, shape: tensor.shape, kept: id }
      ids.push(id)
    }
    try {
      if (lease.closed) throw fail("IPFA_SESSION_UNKNOWN")
      this.#leases.checkMemory(lease.caller)
      this.#sessions.room.grown(loaded, lease.caller.origin)
    } catch (error) {
      releaseKept(lease, ids)
      throw error
    }
  }

  /**
   * Bytes of `feeds`, which count until the job ends. IPFA_QUEUE_FULL where its origin's jobs hold too many already, IPFA_PROTOCOL_TOO_LARGE
   * where a site's are too many by themselves. Of who has no limits one job alone may have more: else it could never run.
   */
  #reserve({ origin, limits }: Caller, feeds: RunParams["feeds"]): number {
    const held = this.#queuedBytes.get(origin) ?? 0
    let bytes = 0
    for (const tensor of Object.values(feeds)) if (!("kept" in tensor)) bytes += tensorBytes(tensor)
    const { queuedBytes } = this.limits
    if (limits && bytes > queuedBytes)
      throw fail("IPFA_PROTOCOL_TOO_LARGE", {
        message: "The inputs of this run take more memory than a site is given. Send less at once.",
        data: { bytes, limit: queuedBytes },
      })
    if (held > 0 && held + bytes > queuedBytes)
      throw fail("IPFA_QUEUE_FULL", {
        message: "The inputs of this site's waiting jobs take too much memory. Try again after some have ended.",
        data: { heldBytes: held, limitBytes: queuedBytes },
      })
    this.#queuedBytes.set(origin, held + bytes)
    return bytes
  }

  #count(job: Job, as: Job["counted"]): void {
    const { activity } = job.lease
    if (job.counted) activity[job.counted]--
    if (as) activity[as]++
    job.counted = as
  }

  #end(job: Job, how: Pick<EndedJob, "outcome" | "error" | "queueMs" | "runMs">): void {
    job.state = "ended"
    const { origin } = job.lease.caller
    const held = this.#queuedBytes.get(origin)! - job.inputBytes
    if (held > 0) this.#queuedBytes.set(origin, held)
    else this.#queuedBytes.delete(origin)
    job.lease.jobs.delete(job)
    job.loaded.jobs.delete(job)
    job.loaded.lastUsedAt = job.lease.lastUsedAt = performance.now()
    if (job.counted === "waiting") this.#count(job, undefined)
    if (!job.lease.caller.isPrivate) this.#settings.onJob({ ...jobName(job), at: this.#settings.now(), ...how })
    this.#changed()
  }
}

function inputElems(feeds: RunParams["feeds"]): number {
  let sum = 0
  for (const name in feeds) sum += elements(feeds[name]!.shape)
  return sum
}
