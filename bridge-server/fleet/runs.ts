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
import { YoungGarbage } from "../young-garbage.ts"
import type { AgentSession, AgentSessions } from "./agent-sessions.ts"
import type { Averages } from "./averages.ts"
import type { Leased } from "./leased.ts"
import type { MemberDevice } from "./member.ts"
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
}

export interface RunEvents {
  ended(run: EndedRun): void
}

/** Runs jobs on what is leased, and once more where a device is lost under one. */
export class Runs {
  readonly counts: JobCounts = { running: 0, done: 0, failed: 0, reruns: 0 }
  readonly #parts: { slots: Slots; placement: Placement; sessions: AgentSessions; averages: Averages }
  readonly #listeners: readonly RunEvents[]
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
          const result = await this.#once(leased, session, request, start, deadlineAt)
          this.counts.done++
          this.#tell({ device: session.device.name, ok: true, ms: performance.now() - start })
          return { ...result, reruns: failed.length }
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
      this.#tell({ ...(device !== undefined && { device }), ok: false, error, ms: performance.now() - start })
      throw cause
    } finally {
      this.counts.running--
    }
  }

  #tell(run: EndedRun): void {
    for (const listener of this.#listeners) listener.ended(run)
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

  async #once(
    leased: Leased,
    session: AgentSession,
    request: RunRequest,
    start: number,
    deadlineAt: number | undefined,
  ): Promise<RunResult> {
    const { slots, averages, placement } = this.#parts
    const { device, model, info } = session
    const { signal, priority, trace, keep, outputs } = request
    const feeds = leased.toAgent(request.feeds, session)
    const leave = await slots.enter(device, {
      origin: leased.share,
      priority,
      signal,
      bytes: bytesOf(feeds) / 2,
      cost: averages.get(device.name, model.sha256).runMs ?? 1,
      ...(deadlineAt !== undefined && { deadlineAt: Date.now() + deadlineAt - performance.now() }),
    })
    const queuedMs = performance.now() - start
    try {
      const result = await device.member.peer.call(
        "session.run",
        { sessionId: info.sessionId, feeds, ...(keep && { keep }), ...(outputs && { outputs }) },
        {
          signal,
          priority,
          ...(trace && { trace }),
          ...(deadlineAt !== undefined && { deadlineMs: Math.max(0, deadlineAt - performance.now()) }),
        },
      )
      this.#garbage.add(bytesOf(feeds) + bytesOf(result.outputs))
      averages.ran(device.name, model.sha256, result.timing.runMs)
      placement.outcome(device, true)
      const movedFrom = leased.movedFrom(device)
      return {
        outputs: leased.toCaller(result.outputs, session),
        device: device.id,
        agent: device.member.agent,
        ...(movedFrom && { fellBackFrom: movedFrom }),
        timing: { queueMs: queuedMs + result.timing.queueMs, runMs: result.timing.runMs },
        reruns: 0,
      }
    } finally {
      leave()
    }
  }
}

/** Twice what the tensors take: once as they came in pieces, once in one. */
function bytesOf(tensors: Record<string, Tensor | KeptTensor>): number {
  let bytes = 0
  for (const tensor of Object.values(tensors)) if (!("kept" in tensor)) bytes += 2 * tensorBytes(tensor)
  return bytes
}
