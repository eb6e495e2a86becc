import type { ModelOwner } from "../../engine/model-source.ts"
import { aboutFeeds, Repeats } from "../../engine/repeats.ts"
import {
  AccelerateError,
  asAccelerateError,
  type CallContext,
  fail,
  type Handlers,
  type HardwareReport,
  type KeptTensor,
  type openSession,
  type ParamsOf,
  PROTOCOL_VERSION,
  type Progress,
  type ResultOf,
  type RunResult,
  type runBenchmark,
  type SessionInfo,
  type Status,
  type Tensor,
  type tuneKernels,
} from "../../protocol/index.ts"
import { VERSION } from "../version.ts"
import type { AgentSession, AgentSessions } from "./agent-sessions.ts"
import { benchmark } from "./benchmark.ts"
import type { BridgeCaller } from "./caller.ts"
import type { Evidence } from "./evidence.ts"
import type { Fleet } from "./fleet.ts"
import { Leased } from "./leased.ts"
import type { BridgeModel, FleetModels, ModelRequest } from "./models.ts"
import type { Placement, Wanted } from "./placement.ts"
import type { RunStats } from "./run-stats.ts"
import type { Runs } from "./runs.ts"
import type { Slots } from "./slots.ts"
import { tuneFleet } from "./tune.ts"

export interface RouterParts {
  fleet: Fleet
  models: FleetModels
  placement: Placement
  sessions: AgentSessions
  slots: Slots
  runs: Runs
  stats: RunStats
  evidence: Evidence | undefined
}

export interface InferRequest extends ModelRequest, Wanted {
  feeds: Record<string, Tensor | KeptTensor> | ((session: SessionInfo) => Record<string, Tensor>)
  outputs?: string[]
  priority?: number
  deadlineMs?: number
  key?: string
  signal: AbortSignal
}

/** A job without a deadline of its own ends after this: nothing waits for ever. */
const LONGEST_RUN_MS = 10 * 60_000
/** Of one connection. */
const MAX_SESSIONS = 1024
/** Answers are kept for their idempotency keys so long, and so many bytes of them. */
const KEEP_MS = 60_000
const KEEP_BYTES = 256 * 2 ** 20

/** Answers callers, whichever way they came: WebSocket sessions, and single inferences over HTTP. */
export class Router {
  readonly parts: RouterParts
  readonly #leases = new Map<string, Leased>()
  readonly #noted = new Set<string>()
  #connections = 0
  readonly #repeats = new Repeats({ keepMs: KEEP_MS, keepBytes: KEEP_BYTES, keepGoing: isLostConnection })

  constructor(parts: RouterParts) {
    this.parts = parts
  }

  /** The handlers of one connection; `end` gives back all it leased. */
  connection(): { handlers: Handlers<BridgeCaller>; end(): void } {
    const mine = new Set<Leased>()
    /** Under way: they count, too. */
    let openings = 0
    const name = ++this.#connections
    const find = (id: string) => {
      const leased = this.#leases.get(id)
      if (!leased || !mine.has(leased)) throw fail("IPFA_SESSION_UNKNOWN")
      return leased
    }
    const handlers: Handlers<BridgeCaller> = {
      "hardware.report": (_, { signal }) => this.hardware(signal),
      "status.get": (_, { signal }) => this.status(signal),
      "session.open": async (params, call) => {
        if (mine.size + openings >= MAX_SESSIONS)
          throw fail("IPFA_QUEUE_FULL", { message: "Too many sessions are open on this connection. Close some." })
        openings++
        try {
          const { leased, info } = await this.#open(params, call, name)
          mine.add(leased)
          this.#leases.set(leased.id, leased)
          call.undo(() => {
            mine.delete(leased)
            this.#close(leased)
          })
          return info
        } finally {
          openings--
        }
      },
      "session.run": ({ sessionId, feeds, keep, outputs }, call) => {
        const leased = find(sessionId)
        const run = (signal: AbortSignal) =>
          this.parts.runs.run(leased, {
            feeds,
            ...(keep && { keep }),
            ...(outputs && { outputs }),
            signal,
            deadlineMs: call.deadlineMs ?? LONGEST_RUN_MS,
            priority: call.priority,
            ...(call.trace !== undefined && { trace: call.trace }),
          })
        // What is kept on a device belongs to this session: such a job's answer would be of no use to another.
        if (call.key === undefined || keep?.length || leased.hasKept(feeds)) return run(call.signal)
        return this.#repeats.run(call.caller.origin, call.key, aboutJob(leased, feeds, outputs), call.signal, run)
      },
      "session.release": async ({ sessionId, kept }, { signal }) => {
        await find(sessionId).release(kept, signal)
        return {}
      },
      "session.close": ({ sessionId }) => {
        const leased = find(sessionId)
        mine.delete(leased)
        this.#close(leased)
        return {}
      },
      "benchmark.run": (params, call) => this.benchmark(params, call),
      "kernels.tune": (params, call) => this.#tune(params, call),
      "model.put": (part, { caller }) => this.parts.models.source.put(ownerOf(caller), part),
      "model.list": () => this.parts.models.source.list(),
      "model.delete": async ({ sha256 }) => ({ deleted: await this.parts.models.source.delete(sha256) }),
    }
    return {
      handlers,
      end: () => {
        for (const leased of mine) this.#close(leased)
        mine.clear()
      },
    }
  }

  /** Every device and every absence, once those that start with the bridge have been heard. */
  async hardware(signal: AbortSignal): Promise<HardwareReport> {
    await this.parts.fleet.settled(signal)
    return this.parts.fleet.hardware()
  }

  /** One inference without a session: the device is chosen anew each time. */
  async infer(caller: BridgeCaller, request: InferRequest): Promise<{ result: RunResult; info: SessionInfo }> {
    const { deadlineMs = LONGEST_RUN_MS } = request
    // Over a WebSocket the protocol ends a call at its deadline. Here nothing else bounds placing, opening and waiting for a slot.
    const overdue = new AbortController()
    const expire = () => overdue.abort(fail("IPFA_JOB_DEADLINE", { data: { deadlineMs } }))
    const timer = setTimeout(expire, deadlineMs)
    try {
      const signal = AbortSignal.any([request.signal, overdue.signal])
      return await this.#infer(caller, { ...request, signal, deadlineMs })
    } finally {
      clearTimeout(timer)
    }
  }

  async #infer(
    caller: BridgeCaller,
    request: InferRequest & { deadlineMs: number },
  ): Promise<{ result: RunResult; info: SessionInfo }> {
    const { signal, priority = 5, deadlineMs, key } = request
    let info: SessionInfo | undefined
    const work = async (s: AbortSignal) => {
      const start = performance.now()
      const { leased, session } = await this.#lease(request, caller, { signal: s, priority })
      try {
        info = session.info
        const feeds = typeof request.feeds === "function" ? request.feeds(session.info) : request.feeds
        return await this.parts.runs.run(leased, {
          feeds,
          ...(request.outputs && { outputs: request.outputs }),
          signal: s,
          deadlineMs: Math.max(0, deadlineMs - (performance.now() - start)),
          priority,
        })
      } finally {
        leased.close()
      }
    }
    const result = await (key === undefined
      ? work(signal)
      : this.#repeats.run(caller.origin, key, this.#about(request), signal, work))
    info ??= await this.describe(caller, request, signal)
    return { result, info }
  }

  /** A model's inputs and outputs, from a device that has it open; opens it where none has. */
  async describe(caller: BridgeCaller, request: ModelRequest & Wanted, signal: AbortSignal): Promise<SessionInfo> {
    const { leased, session } = await this.#lease(request, caller, { signal, priority: 5 })
    leased.close()
    return session.info
  }

  /** Whether a device is there that could take the model now, without loading it. */
  async isReady(caller: BridgeCaller, request: ModelRequest & Wanted, signal: AbortSignal): Promise<boolean> {
    const model = await this.parts.models.acquire(request, ownerOf(caller), { signal })
    return this.parts.placement.choose(model, request).ranked.length > 0
  }

  async status(signal: AbortSignal): Promise<Status> {
    const { sessions, slots, runs } = this.parts
    const memory = await this.#memory(signal)
    return {
      version: VERSION,
      protocolVersion: PROTOCOL_VERSION,
      agent: "bridge",
      browser: "native",
      sessions: [...this.#leases.values()].flatMap((leased) => {
        const { session } = leased
        if (!session) return []
        const { users, idleMs } = sessions.use(session)
        return {
          sessionId: leased.id,
          model: leased.model.reference,
          device: session.device.name,
          leases: users,
          memoryBytes: memory.get(session) ?? leased.model.bytes,
          idleMs,
        }
      }),
      jobs: {
        running: slots.running,
        waiting: slots.waiting,
        done: runs.counts.done,
        failed: runs.counts.failed,
      },
    }
  }

  async benchmark(
    params: ParamsOf<typeof runBenchmark>,
    call: CallContext<typeof runBenchmark, BridgeCaller>,
  ): Promise<ResultOf<typeof runBenchmark>> {
    const model = await this.parts.models.acquire({ model: params.model }, ownerOf(call.caller), {
      signal: call.signal,
    })
    return benchmark(this.parts, params, model, call)
  }

  async #tune(
    params: ParamsOf<typeof tuneKernels>,
    { caller, signal, emit }: CallContext<typeof tuneKernels, BridgeCaller>,
  ): Promise<ResultOf<typeof tuneKernels>> {
    const { model: reference } = params
    const model =
      reference === undefined
        ? undefined
        : await this.parts.models.acquire({ model: reference }, ownerOf(caller), { signal })
    return tuneFleet(this.parts, params, model, { signal, emit })
  }

  close(): void {
    for (const leased of this.#leases.values()) leased.close()
    this.#leases.clear()
    this.#repeats.clear()
  }

  #close(leased: Leased): void {
    this.#leases.delete(leased.id)
    leased.close()
  }

  async #open(
    params: ModelRequest & Wanted,
    call: CallContext<typeof openSession, BridgeCaller>,
    connection: number,
  ): Promise<{ leased: Leased; info: SessionInfo }> {
    const start = performance.now()
    const { signal, priority, caller } = call
    // Progress is news, not an answer: whether it arrived is nobody's concern.
    const onProgress = (p: Progress) => void call.emit(p).catch(() => {})
    const { leased, session } = await this.#lease(params, caller, { signal, priority, onProgress, connection })
    const { model } = leased
    const { info, device } = session
    return {
      leased,
      info: {
        ...info,
        sessionId: leased.id,
        model: { reference: params.model, sha256: model.sha256, bytes: model.main.bytes },
        device: { ...info.device, agent: device.member.agent, browser: device.member.browser },
        ...(leased.fellBackFrom && { fellBackFrom: leased.fellBackFrom }),
        loadMs: performance.now() - start,
        stored: model.stored,
      },
    }
  }

  async #lease(
    request: ModelRequest & Wanted,
    caller: BridgeCaller,
    options: { signal: AbortSignal; priority: number; onProgress?: (p: Progress) => void; connection?: number },
  ): Promise<{ leased: Leased; session: AgentSession }> {
    const { models, placement, sessions, stats } = this.parts
    const { device, agent } = request
    const wanted: Wanted = { ...(device !== undefined && { device }), ...(agent !== undefined && { agent }) }
    let leased: Leased | undefined
    try {
      const model = await models.acquire(request, ownerOf(caller), options)
      this.#noteModel(model)
      leased = new Leased(model, wanted, shareOf(caller, options.connection), placement, sessions)
      return { leased, session: await leased.current(options) }
    } catch (cause) {
      leased?.close()
      const error = asAccelerateError(cause)
      stats.refused(error)
      throw error
    }
  }

  #about({ model, external, precision, device, agent, feeds, outputs }: InferRequest): string {
    const reference = this.parts.models.aliases.resolve(model)
    // Feeds that are made for the session are not known yet.
    const known = typeof feeds === "function" ? [] : aboutFeeds(feeds)
    return JSON.stringify([reference, external, precision, device, agent, known, outputs ?? []])
  }

  /** Once for each model in this life: the evidence knows runs by their model's hash. */
  #noteModel({ sha256, bytes, reference }: BridgeModel): void {
    if (this.#noted.has(sha256)) return
    this.#noted.add(sha256)
    this.parts.evidence?.model(sha256, bytes, reference).catch(() => this.#noted.delete(sha256))
  }

  /** What the agents say their sessions hold; one that does not answer at once (it computes) is left out. */
  async #memory(signal: AbortSignal): Promise<Map<AgentSession, number>> {
    const open = this.parts.sessions.list()
    const members = new Set(open.map((s) => s.device.member))
    const bytes = new Map<AgentSession, number>()
    await Promise.all(
      [...members].map(async (member) => {
        try {
          const { sessions } = await member.peer.call("status.get", {}, { deadlineMs: 250, signal })
          for (const s of open) {
            const found = s.device.member === member && sessions.find((x) => x.sessionId === s.info.sessionId)
            if (found) bytes.set(s, found.memoryBytes)
          }
        } catch {
          // Its sessions count as the model's bytes then.
        }
      }),
    )
    return bytes
  }
}

/** Whose share of a device a job takes. The owner's programs have one each; what has an agent's token has one however often it connects. */
function shareOf({ origin, role }: BridgeCaller, connection: number | undefined): string {
  return role === "owner" && connection !== undefined ? `${origin} ${connection}` : origin
}

function aboutJob({ model, wanted }: Leased, feeds: Record<string, Tensor | KeptTensor>, outputs?: string[]): string {
  return JSON.stringify([model.key, wanted, aboutFeeds(feeds), outputs ?? []])
}

/** Its caller will ask again under the key. */
function isLostConnection(reason: unknown): boolean {
  return reason instanceof AccelerateError && reason.code === "IPFA_PROTOCOL_CLOSED"
}

/** Uploads belong to who made them; what the person's own programs upload is the person's. */
export function ownerOf(caller: BridgeCaller): ModelOwner {
  const { storeBytes } = caller.limits ?? {}
  return { owner: caller.origin, ...(storeBytes !== undefined && { storeBytes }) }
}
