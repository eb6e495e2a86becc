import { setTimeout as delay } from "node:timers/promises"
import {
  type AccelerateError,
  asAccelerateError,
  type ErrorCode,
  fail,
  type KeptTensor,
  type RunResult,
  type Tensor,
  tensorBytes,
} from "../../protocol/index.ts"
import { YoungGarbage } from "../garbage.ts"
import { MOST_BYTES } from "../native/lanes.ts"
import type { AgentSession, AgentSessions } from "./agent-sessions.ts"
import type { Averages } from "./averages.ts"
import { firstOfTwo } from "./first-of-two.ts"
import { type Hop, Hops } from "./hops.ts"
import type { Leased } from "./leased.ts"
import { asFallback, type MemberDevice } from "./member.ts"
import type { Placement } from "./placement.ts"
import type { Slots } from "./slots.ts"

export interface RunRequest {
  feeds: Record<string, Tensor | KeptTensor>
  keep?: string[]
  outputs?: string[]
  signal: AbortSignal
  deadlineMs?: number
  priority: number
  trace?: string
}

/** The device under the job was lost to it, not the job: it is run again, once. An overrun is, too: somebody waited there, or its limit is smaller. */
const losses: ReadonlySet<ErrorCode> = new Set([
  "IPFA_JOB_OVERRUN",
  "IPFA_PROTOCOL_CLOSED",
  "IPFA_PROTOCOL_SLOW_READER",
  "IPFA_DEVICE_LOST",
  "IPFA_JOB_LOST",
  "IPFA_AGENT_UNKNOWN",
])

export interface JobCounts {
  running: number
  done: number
  failed: number
  reruns: number
}

export interface EndedRun {
  /** The fleet's name of it; absent where the job ended before it had one. */
  device?: string
  ok: boolean
  /** Why it failed. */
  error?: AccelerateError
  /** From arrival to the end. */
  ms: number
  /** By which its caller knows it in logs. */
  trace?: string
}

/** A run whose agent went before it answered. */
export interface LostRun {
  device: MemberDevice
  sha256: string
  feeds: RunRequest["feeds"]
  /** From sending it until its agent was gone. */
  ms: number
}

export interface RunEvents {
  ended?(run: EndedRun): void
  lost?(run: LostRun): void
}

/** A job on its way. */
interface Job {
  leased: Leased
  request: RunRequest
  /** Devices that were lost under it. */
  failed: readonly MemberDevice[]
  /** When it came, and when it is to be over, by performance.now(). */
  start: number
  deadlineAt: number | undefined
}

interface Answer {
  by: AgentSession
  result: RunResult
}

/** Runs jobs on what is leased, and once more where a device is lost under one. */
export class Runs {
  readonly counts: JobCounts = { running: 0, done: 0, failed: 0, reruns: 0 }
  readonly #parts: { slots: Slots; placement: Placement; sessions: AgentSessions; averages: Averages }
  readonly #listeners: readonly RunEvents[]
  readonly #hops = new Hops()
  readonly #garbage = new YoungGarbage()

  constructor(
    parts: { slots: Slots; placement: Placement; sessions: AgentSessions; averages: Averages },
    listeners: readonly RunEvents[] = [],
  ) {
    this.#parts = parts
    this.#listeners = listeners
  }

  async run(leased: Leased, request: RunRequest): Promise<RunResult> {
    const start = performance.now()
    const deadlineAt = request.deadlineMs === undefined ? undefined : start + request.deadlineMs
    const failed: MemberDevice[] = []
    let first: AccelerateError | undefined
    let reopened = false
    this.counts.running++
    try {
      for (;;) {
        const session = await this.#session(leased, request, failed, first)
        try {
          const { by, result } = await this.#answer({ leased, request, failed, start, deadlineAt }, session)
          this.counts.done++
          this.#tell(request, { device: by.device.name, ok: true, ms: performance.now() - start })
          return { ...result, reruns: failed.length + (by === session ? 0 : 1) }
        } catch (cause) {
          if (request.signal.aborted) throw request.signal.reason
          const error = asAccelerateError(cause)
          if (error.code === "IPFA_SESSION_UNKNOWN" && !reopened) {
            // The agent closed it meanwhile (memory, a restart we did not see): the job did not run.
            reopened = true
            this.#parts.sessions.forget(session)
            leased.lost(session, "its agent had closed the session")
            continue
          }
          if (!losses.has(error.code) && !session.device.member.gone) throw error
          this.#parts.placement.outcome(session.device, false)
          this.#parts.sessions.forget(session)
          leased.lost(session, error.message)
          if (leased.hasKept(request.feeds)) throw fail("IPFA_SESSION_KEPT", { cause: error })
          if (failed.length > 0 && error.code === "IPFA_JOB_OVERRUN") throw error
          if (failed.length > 0)
            throw fail("IPFA_JOB_LOST", { cause: error, data: { devices: [failed[0]?.name, session.device.name] } })
          first = error
          failed.push(session.device)
          this.counts.reruns++
        }
      }
    } catch (cause) {
      this.counts.failed++
      const device = leased.session?.device.name
      const error = asAccelerateError(cause)
      this.#tell(request, { ...(device !== undefined && { device }), ok: false, error, ms: performance.now() - start })
      throw cause
    } finally {
      this.counts.running--
    }
  }

  #tell({ trace }: RunRequest, run: EndedRun): void {
    for (const listener of this.#listeners) listener.ended?.({ ...run, ...(trace !== undefined && { trace }) })
  }

  async #session(
    leased: Leased,
    { signal, priority }: RunRequest,
    failed: MemberDevice[],
    first?: AccelerateError,
  ): Promise<AgentSession> {
    try {
      return await leased.current({ signal, priority, failed })
    } catch (cause) {
      if (signal.aborted || !first) throw cause
      // It was lost once, and there is nothing to run it on again.
      if (first.code === "IPFA_JOB_OVERRUN") throw first
      throw fail("IPFA_JOB_LOST", {
        cause: first,
        data: { device: failed[0]?.name, reason: asAccelerateError(cause).message },
      })
    }
  }

  /** The answer of `session`. Where that is far later than usual, another device is asked as well, and the first one is given up once that has answered. */
  async #answer(job: Job, session: AgentSession): Promise<Answer> {
    const { leased, request } = job
    const { signal } = request
    const lateMs =
      request.keep?.length || !leased.keepsNothing ? undefined : this.#hops.deadlineMs(hopOf(request, session))
    if (lateMs === undefined) return this.#once(job, session, signal)
    const { answer, isSecond } = await firstOfTwo(
      signal,
      lateMs,
      (s, begun) => this.#once(job, session, s, begun),
      (s) => this.#elsewhere(job, session, lateMs, s),
    )
    if (!isSecond) return answer
    this.counts.reruns++
    // It takes that long at least.
    this.#hops.took(hopOf(request, session), lateMs)
    this.#parts.placement.outcome(session.device, false)
    const reason = `it had not answered after ${Math.round(lateMs)} ms`
    await this.#move(job, session, answer.by, reason)
    return { ...answer, result: { ...answer.result, fellBackFrom: asFallback(session.device, reason) } }
  }

  /** `by` answered in place of `slow`: what is run after this runs there. */
  async #move({ leased, request }: Job, slow: AgentSession, by: AgentSession, reason: string): Promise<void> {
    const { sessions } = this.#parts
    try {
      const taken = await sessions.lease(by.device, by.model, request)
      if (!leased.overtaken(slow, taken, reason)) sessions.release(taken)
    } catch {
      // It went just then.
    }
  }

  /** The answer of another device than `slow`, once it was waited for about as long as that one will take, to open the model included. */
  async #elsewhere(job: Job, slow: AgentSession, lateMs: number, signal: AbortSignal): Promise<Answer> {
    const { placement, sessions } = this.#parts
    const { model, wanted } = job.leased
    const failed = [...job.failed, slow.device]
    const choice = placement.choose(model, wanted, failed)
    const best = choice.ranked[0]
    if (!best) throw placement.none(choice, wanted)
    const openMs = sessions.isOpen(choice.devices.get(best.id)!, model.key) ? 0 : slow.info.openMs
    await delay(Math.max(0, best.expectedMs + openMs - lateMs), undefined, { signal })
    const { session } = await placement.place(model, wanted, { signal, priority: job.request.priority, failed })
    try {
      return await this.#once(job, session, signal)
    } finally {
      sessions.release(session)
    }
  }

  /** `begun` is called when it is on its way to the device. */
  async #once(
    { leased, request, start, deadlineAt }: Job,
    session: AgentSession,
    signal: AbortSignal,
    begun?: () => void,
  ): Promise<Answer> {
    const { slots, averages, placement } = this.#parts
    const { device, model, info } = session
    const { priority, trace, keep, outputs } = request
    const feeds = leased.toAgent(request.feeds, session)
    const leave = await slots.enter(device, {
      origin: leased.share,
      priority,
      signal,
      bytes: bytesOf(feeds) / 2,
      cost: averages.get(device.name, model.sha256).runMs ?? 1,
      parallel: device.parallel,
      isAlone: model.bytes > MOST_BYTES || (keep?.length ?? 0) > 0 || leased.hasKept(feeds),
      ...(deadlineAt !== undefined && { deadlineAt: Date.now() + deadlineAt - performance.now() }),
    })
    begun?.()
    const sentAt = performance.now()
    const queuedMs = sentAt - start
    try {
      const result = await device.member.peer.call(
        "session.run",
        { sessionId: info.sessionId, ...(keep && { keep }), ...(outputs && { outputs }), feeds },
        {
          signal,
          priority,
          ...(trace && { trace }),
          ...(deadlineAt !== undefined && { deadlineMs: Math.max(0, deadlineAt - performance.now()) }),
        },
      )
      this.#garbage.add(bytesOf(feeds) + bytesOf(result.outputs))
      averages.ran(device.name, model.sha256, result.timing.runMs)
      this.#hops.took(hopOf(request, session), performance.now() - sentAt)
      placement.outcome(device, true)
      const movedFrom = leased.movedFrom(device)
      return {
        by: session,
        result: {
          outputs: leased.toCaller(result.outputs, session),
          device: device.id,
          agent: device.member.agent,
          ...(movedFrom && { fellBackFrom: movedFrom }),
          timing: { queueMs: queuedMs + result.timing.queueMs, runMs: result.timing.runMs },
          reruns: 0,
        },
      }
    } catch (error) {
      const lost = { device, sha256: model.sha256, feeds, ms: performance.now() - sentAt }
      if (device.member.gone) for (const listener of this.#listeners) listener.lost?.(lost)
      throw error
    } finally {
      leave()
    }
  }
}

function hopOf({ feeds }: RunRequest, { device, model }: AgentSession): Hop {
  return { device: device.name, sha256: model.sha256, bytes: bytesOf(feeds) }
}

/** Twice what the tensors take: once as they came in pieces, once in one. */
function bytesOf(tensors: Record<string, Tensor | KeptTensor>): number {
  let bytes = 0
  for (const tensor of Object.values(tensors)) if (!("kept" in tensor)) bytes += 2 * tensorBytes(tensor)
  return bytes
}
