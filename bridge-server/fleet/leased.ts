import { randomUUID } from "node:crypto"
import { fail, type KeptTensor, SharedWork, type Tensor } from "../../protocol/index.ts"
import type { AgentSession, AgentSessions } from "./agent-sessions.ts"
import { asFallback, type MemberDevice } from "./member.ts"
import type { BridgeModel } from "./models.ts"
import type { Placed, Placement, PlaceOptions, Wanted } from "./placement.ts"

type AnyTensor = Tensor | KeptTensor

/** A model leased for one caller. Where the device under it is lost, it moves; the kept tensors it had there are lost. */
export class Leased {
  readonly id = randomUUID()
  readonly model: BridgeModel
  readonly wanted: Wanted
  /** Whose share of a device its jobs take. */
  readonly share: string
  fellBackFrom: Placed["fellBackFrom"]
  readonly #placement: Placement
  readonly #sessions: AgentSessions
  /** The device the caller was told of. */
  #home: string | undefined
  #session: AgentSession | undefined
  #moving: SharedWork<AgentSession> | undefined
  #closed = false
  /** Names of this lease's kept tensors → where they are. An agent's own names may come again after it starts anew. */
  readonly #kept = new Map<string, { session: AgentSession; name: string }>()

  constructor(model: BridgeModel, wanted: Wanted, share: string, placement: Placement, sessions: AgentSessions) {
    this.model = model
    this.wanted = wanted
    this.share = share
    this.#placement = placement
    this.#sessions = sessions
  }

  get session(): AgentSession | undefined {
    return this.#session
  }

  /** The session to run on now, placed anew where there is none or its agent is gone. */
  async current(options: PlaceOptions): Promise<AgentSession> {
    if (this.#closed) throw fail("IPFA_SESSION_UNKNOWN")
    const session = this.#session
    if (session && !session.device.member.gone) return session
    if (session) this.lost(session, `agent ${session.device.member.agent} went away`)
    // One that was given up is not joined.
    if (!this.#moving || this.#moving.aborted) {
      const moving = new SharedWork((signal) => this.#place({ ...options, signal }))
      this.#moving = moving
      const done = () => {
        if (this.#moving === moving) this.#moving = undefined
      }
      moving.result.then(done, done)
    }
    return this.#moving.wait(options.signal)
  }

  /** `session` can't be used any more. */
  lost(session: AgentSession, reason: string): void {
    if (this.#session !== session) return
    this.#session = undefined
    this.fellBackFrom = asFallback(session.device, reason)
    for (const [id, kept] of this.#kept) if (kept.session === session) this.#kept.delete(id)
    this.#sessions.release(session)
  }

  /** Nothing of it is on the device that another one has not got. */
  get keepsNothing(): boolean {
    return this.#kept.size === 0
  }

  /** `by` answered in place of `slow`, and is its session from now on; false where that can't be, and `by` is not taken. */
  overtaken(slow: AgentSession, by: AgentSession, reason: string): boolean {
    if (this.#closed || this.#session !== slow || !this.keepsNothing) return false
    this.lost(slow, reason)
    this.#session = by
    return true
  }

  /** Feeds as the agent of `session` knows them. Throws IPFA_SESSION_KEPT. */
  toAgent(feeds: Record<string, AnyTensor>, session: AgentSession): Record<string, AnyTensor> {
    return mapKept(feeds, (id) => {
      const kept = this.#kept.get(id)
      if (kept?.session !== session) throw fail("IPFA_SESSION_KEPT", { data: { kept: id } })
      return kept.name
    })
  }

  hasKept(feeds: Record<string, AnyTensor>): boolean {
    return Object.values(feeds).some((t) => "kept" in t)
  }

  /** Outputs as the caller knows them. */
  toCaller(outputs: Record<string, AnyTensor>, session: AgentSession): Record<string, AnyTensor> {
    return mapKept(outputs, (name) => {
      const id = randomUUID()
      this.#kept.set(id, { session, name })
      return id
    })
  }

  async release(ids: readonly string[], signal?: AbortSignal): Promise<void> {
    const bySession = new Map<AgentSession, string[]>()
    for (const id of ids) {
      const kept = this.#kept.get(id)
      if (!kept) continue
      this.#kept.delete(id)
      bySession.set(kept.session, [...(bySession.get(kept.session) ?? []), kept.name])
    }
    for (const [session, kept] of bySession)
      await session.device.member.peer.call(
        "session.release",
        { sessionId: session.info.sessionId, kept },
        signal ? { signal } : {},
      )
  }

  /** Where the device differs from the one the caller was told of, the one it was told of. */
  movedFrom(device: MemberDevice): Placed["fellBackFrom"] {
    if (this.#home === undefined || this.#home === device.name) return undefined
    return this.fellBackFrom
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    void this.release([...this.#kept.keys()]).catch(() => {})
    if (this.#session) this.#sessions.release(this.#session)
    this.#session = undefined
  }

  async #place(options: PlaceOptions): Promise<AgentSession> {
    const { session, fellBackFrom } = await this.#placement.place(this.model, this.wanted, options)
    // Given up meanwhile: nobody has it, and another may be on its way.
    if (this.#closed || options.signal.aborted) {
      this.#sessions.release(session)
      throw this.#closed ? fail("IPFA_SESSION_UNKNOWN") : options.signal.reason
    }
    this.#session = session
    if (fellBackFrom && this.#home === undefined) this.fellBackFrom = fellBackFrom
    this.#home ??= session.device.name
    return session
  }
}

function mapKept(tensors: Record<string, AnyTensor>, rename: (kept: string) => string): Record<string, AnyTensor> {
  if (!Object.values(tensors).some((t) => "kept" in t)) return tensors
  return Object.fromEntries(
    Object.entries(tensors).map(([name, t]) => [name, "kept" in t ? { ...t, kept: rename(t.kept) } : t]),
  )
}
