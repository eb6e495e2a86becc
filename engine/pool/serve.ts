import {
  abortReason,
  asAccelerateError,
  type CallContext,
  fail,
  type Handlers,
  type Methods,
  orAborted,
  type ParamsOf,
  type RunResult,
  type SessionInfo,
  tensorBuffers,
} from "../../protocol/index.ts"
import type { Caller } from "../caller.ts"
import type { ModelOwner } from "../model-source.ts"
import { aboutFeeds, type Repeats } from "../repeats.ts"
import { type BenchmarkParts, runBenchmark } from "./benchmark.ts"
import { type Activity, type Lease, releaseKept, usesKept } from "./lease.ts"
import { checkPrecision, type Model, type Models } from "./models.ts"
import type { PoolSettings } from "./options.ts"
import type { Placement, Wanted } from "./placement.ts"
import type { Recent } from "./recent.ts"
import { checkPause, connectionStatus, isOwner } from "./status.ts"
import { tuneKernels } from "./tune-kernels.ts"

export interface PoolParts extends BenchmarkParts {
  settings: PoolSettings
  models: Models
  placement: Placement
  repeats: Repeats
  recent: Recent
  /** `work` is what a caller wants: the pool is not idle until it ends. */
  during<T>(work: Promise<T>): Promise<T>
  activityOf(origin?: string): Activity
  changed(): void
}

type Call<N extends keyof Methods> = CallContext<Methods[N], Caller>

/** What one connection's caller has of the pool. */
export class Connection {
  readonly activity: Activity = { running: 0, waiting: 0, done: 0, failed: 0 }
  readonly leases = new Map<string, Lease>()
  /** Under way: they count as sessions. */
  #openings = 0
  readonly #parts: PoolParts
  readonly #caller: Caller
  get origin(): string {
    return this.#caller.origin
  }

  /** Aborts when the connection ended or the caller's right did. */
  readonly #ended = new AbortController()
  readonly #onRevoked = () => this.#end(asAccelerateError(this.#caller.revoked?.reason, "IPFA_GRANT_REVOKED"), true)

  constructor(parts: PoolParts, caller: Caller) {
    this.#parts = parts
    this.#caller = caller
    if (caller.revoked?.aborted) this.#onRevoked()
    else caller.revoked?.addEventListener("abort", this.#onRevoked, { once: true })
  }

  readonly handlers: Handlers<Caller> = {
    "session.open": (params, call) => this.#parts.during(this.#open(params, call)),
    "session.run": (params, call) => this.#parts.during(this.#run(params, call)),
    "session.release": ({ sessionId, kept }) => {
      releaseKept(this.#lease(sessionId), kept)
      return {}
    },
    "session.close": ({ sessionId }) => {
      this.#close(sessionId)
      return {}
    },
    "hardware.report": async () => {
      this.#check()
      await this.#parts.devices.allProbed()
      return this.#parts.devices.report(isOwner(this.#caller))
    },
    "status.get": () => connectionStatus(this.#parts, this.#caller, this),
    "benchmark.run": (params, call) => this.#parts.during(this.#benchmark(params, call)),
    "kernels.tune": (params, call) => this.#parts.during(this.#tune(params, call)),
    "model.put": async (params) => {
      this.#check()
      const put = await this.#parts.settings.models.put(this.#owner, params)
      if (put.reference) this.#parts.changed()
      return put
    },
    "model.list": () => this.#parts.settings.models.list(),
    "model.delete": async ({ sha256 }) => {
      const deleted = await this.#parts.settings.models.delete(sha256)
      this.#parts.changed()
      return { deleted }
    },
  }

  /** The connection ended: gives back all that its caller has here. */
  readonly dispose = (): void => this.#end(fail("IPFA_PROTOCOL_CLOSED"), false)

  #end(error: Error, isRevoked: boolean): void {
    if (this.#ended.signal.aborted) return
    this.#ended.abort(error)
    this.#caller.revoked?.removeEventListener("abort", this.#onRevoked)
    const { jobs, leases, changed } = this.#parts
    for (const lease of this.leases.values()) {
      for (const job of [...lease.jobs]) if (isRevoked || !job.isShared) jobs.abort(job, asAccelerateError(error))
      leases.close(lease)
    }
    this.leases.clear()
    changed()
  }

  get #owner(): ModelOwner {
    const { origin: owner, isPrivate, lends, limits } = this.#caller
    return { owner, storeBytes: limits?.storeBytes, lends, isPrivate }
  }

  #check(): void {
    if (this.#ended.signal.aborted) throw this.#ended.signal.reason
  }

  #lease(sessionId: string): Lease {
    this.#check()
    const lease = this.leases.get(sessionId)
    if (!lease) throw fail("IPFA_SESSION_UNKNOWN")
    return lease
  }

  #close(sessionId: string): void {
    const lease = this.leases.get(sessionId)
    this.leases.delete(sessionId)
    if (lease) this.#parts.leases.close(lease)
    this.#parts.changed()
  }

  async #allow(references: Iterable<string>): Promise<void> {
    for (const reference of references) await this.#caller.allowModel?.(reference)
  }

  async #load(
    call: Pick<Call<"session.open">, "signal">,
    reference: string,
    external: Record<string, string>,
    onProgress: Parameters<Models["load"]>[2]["onProgress"],
  ): Promise<{ model: Model; stored: boolean; signal: AbortSignal }> {
    this.#check()
    checkPause(this.#parts.settings, this.#caller)
    const signal = AbortSignal.any([call.signal, this.#ended.signal])
    // Before anything is looked up: who may not have a model learns nothing about it.
    await orAborted(this.#allow([reference, ...Object.values(external)]), signal)
    const load = this.#parts.models.load(reference, external, { owner: this.#owner, signal, onProgress })
    return { ...(await orAborted(load, signal)), signal }
  }

  async #open(params: ParamsOf<Methods["session.open"]>, call: Call<"session.open">): Promise<SessionInfo> {
    const start = performance.now()
    const { model: reference, device, agent, precision, external = {} } = params
    const { leases, placement, devices, sessions, settings } = this.#parts
    const open = this.leases.size + this.#openings
    if (open >= settings.limits.leases)
      throw fail("IPFA_QUEUE_FULL", { message: "Too many sessions are open. Close some.", data: { open } })
    const emit = (progress: Parameters<typeof call.emit>[0]) => void call.emit(progress).catch(() => undefined)
    let opened: Model | undefined
    this.#openings++
    try {
      const { model, stored, signal } = await this.#load(call, reference, external, emit)
      opened = model
      checkPrecision(model, precision)
      const isHeld = [...leases.of(this.#caller.origin)].some((lease) => lease.model === model)
      leases.checkMemory(this.#caller, isHeld ? 0 : model.needBytes)
      emit({ phase: "open", loaded: 0 })
      const wanted: Wanted = { model, origin: this.#caller.origin, device, agent, signal }
      const placed = await placement.place(wanted)
      if (signal.aborted) {
        sessions.giveBack(placed.loaded)
        throw abortReason(signal)
      }
      const lease = leases.open(this.#caller, this.activity, reference, placed, wanted)
      try {
        leases.checkMemory(this.#caller)
      } catch (error) {
        leases.close(lease)
        throw error
      }
      this.leases.set(lease.sessionId, lease)
      call.undo(() => this.#close(lease.sessionId))
      this.#parts.changed()
      const { inputs, outputs, openMs, note } = placed.loaded
      return {
        sessionId: lease.sessionId,
        model: { reference, sha256: model.sha256, bytes: model.bytes },
        inputs,
        outputs,
        device: devices.info(placed.loaded.device, isOwner(this.#caller)),
        ...(placed.fellBackFrom && { fellBackFrom: placed.fellBackFrom }),
        loadMs: performance.now() - start,
        openMs,
        stored,
        ...(note && { note }),
      }
    } finally {
      this.#openings--
      opened?.settle()
    }
  }

  #run(params: ParamsOf<Methods["session.run"]>, call: Call<"session.run">): Promise<RunResult> {
    const lease = this.#lease(params.sessionId)
    const { jobs, repeats } = this.#parts
    const { key, signal, priority, deadlineMs } = call
    const { feeds, keep, outputs = [] } = params
    const give = (result: RunResult) => {
      const ids = Object.values(result.outputs).flatMap((tensor) => ("kept" in tensor ? [tensor.kept] : []))
      if (ids.length > 0) call.undo(() => releaseKept(lease, ids))
      call.transfer(tensorBuffers(Object.values(result.outputs)))
      if (!lease.model.isPrivate) this.#parts.recent.used(lease.model, feeds)
      return result
    }
    // Kept tensors belong to one session: a job that has some is nobody else's.
    if (key === undefined || keep?.length || usesKept(feeds))
      return jobs.run(lease, params, { signal, priority, deadlineMs }).then(give)
    const start = (shared: AbortSignal) =>
      jobs.run(lease, params, { signal: shared, priority, deadlineMs, isShared: true })
    const about = JSON.stringify([lease.model.key, aboutFeeds(feeds), outputs])
    // Each its own copy: what is answered is moved away.
    return repeats
      .run(this.#caller.origin, key, about, signal, start)
      .then((result) => give({ ...result, outputs: structuredClone(result.outputs) }))
  }

  async #tune({ model: reference, agent, budgetMs }: ParamsOf<Methods["kernels.tune"]>, call: Call<"kernels.tune">) {
    this.#check()
    this.#checkAgent(agent)
    checkPause(this.#parts.settings, this.#caller)
    const signal = AbortSignal.any([call.signal, this.#ended.signal])
    const loaded = reference === undefined ? undefined : await this.#load(call, reference, {}, () => undefined)
    try {
      return await tuneKernels(this.#parts, {
        model: loaded?.model,
        // What pages run is nobody else's business.
        withRecent: isOwner(this.#caller),
        budgetMs,
        signal,
        emit: (event) => void call.emit(event).catch(() => undefined),
      })
    } finally {
      loaded?.model.settle()
    }
  }

  #checkAgent(agent: string | undefined): void {
    const { settings } = this.#parts
    if (agent !== undefined && agent !== settings.agent && agent !== settings.browser)
      throw fail("IPFA_AGENT_UNKNOWN", { data: { agent } })
  }

  async #benchmark(params: ParamsOf<Methods["benchmark.run"]>, call: Call<"benchmark.run">) {
    this.#checkAgent(params.agent)
    const { model, signal } = await this.#load(call, params.model, {}, () => undefined)
    try {
      return await runBenchmark(this.#parts, {
        request: params,
        model,
        caller: this.#caller,
        activity: this.activity,
        signal,
        emit: (event) => void call.emit(event).catch(() => undefined),
      })
    } finally {
      model.settle()
    }
  }
}
