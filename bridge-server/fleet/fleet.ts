import { type AbsentDevice, type AccelerateError, fail, type HardwareReport } from "../../protocol/index.ts"
import { selectorMatches } from "../../scheduler/index.ts"
import { Member, type MemberOptions } from "./member.ts"

export const HEARTBEAT_MS = 1000
export const SUSPECT_MS = 3000
export const DEAD_MS = 5000
/** A driver that takes longer to say whether it is there is not waited for. */
const SETTLE_MS = 10_000
/** How long an agent that left is waited for, and from the bridge's start those that were paired: they try again within seconds where it was away for seconds. */
const RETURN_MS = 15_000

/** An agent by its id, or all of one kind of browser. */
export interface Named {
  agent?: string
  browser?: string
}

export function isNamed({ agent, browser }: Named, one: Named): boolean {
  return (agent === undefined || agent === one.agent) && (browser === undefined || browser === one.browser)
}

export interface FleetEvents {
  joined?(member: Member): void
  left?(member: Member, reason: string): void
  hardware?(member: Member): void
}

/** Who is there now. A member leaves when its connection ends, or when it was silent for DEAD_MS. */
export class Fleet {
  readonly #members = new Map<string, Member>()
  readonly #listeners: FleetEvents[] = []
  readonly #waiting = new Set<() => void>()
  readonly #expected = new Map<string, readonly AbsentDevice[]>()
  /** Agents that were never heard of, in this life of the bridge. */
  readonly #unknown = new Set<string>()
  readonly #absent = new Map<string, readonly AbsentDevice[]>()
  /** Paired agents that may be coming back. */
  readonly #returning = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #sweptAt = performance.now()
  #closed = false

  constructor() {
    this.#timer = setInterval(() => this.#sweep(), HEARTBEAT_MS / 2)
    this.#timer.unref()
  }

  get members(): readonly Member[] {
    return [...this.#members.values()]
  }

  get(agent: string): Member | undefined {
    return this.#members.get(agent)
  }

  /** Whom a caller means that forces `who`: the agent of that id, be it there or only known, and where there is none all of that browser. */
  named(who: string): Named {
    const isId = [this.#members, this.#expected, this.#absent, this.#returning].some((known) => known.has(who))
    return isId ? { agent: who } : { browser: who }
  }

  listen(events: FleetEvents): void {
    this.#listeners.push(events)
  }

  /**
   * Takes a member in. One of the same name that is still there is an earlier life of it whose end was not noticed yet, unless it is the newer
   * one: then this is a late message of the earlier life.
   */
  join(options: MemberOptions): Member {
    const before = this.#members.get(options.agent)
    if (before && before.incarnation > options.incarnation)
      throw fail("IPFA_AGENT_UNKNOWN", { message: "A later start of this agent has joined already." })
    if (before && before.peer === options.peer) this.#remove(before, "it joined anew")
    else if (before) this.drop(before, "it joined anew")
    const member = new Member(options)
    this.#members.set(member.agent, member)
    this.#expected.delete(member.agent)
    this.#returning.delete(member.agent)
    this.#unknown.delete(member.agent)
    void member.peer.closed.then((error) => {
      // The registry's sentence: it is logged, and what the error says itself may quote a message that was not understood.
      this.#remove(member, error?.entry.message ?? "its connection ended")
      // It was shown the door.
      if (error?.code === "IPFA_BRIDGE_TOKEN") this.unexpect(member.agent)
    })
    for (const l of this.#listeners) l.joined?.(member)
    this.#changed()
    return member
  }

  beat(member: Member, load: { running: number; waiting: number; hardware?: HardwareReport }): void {
    if (this.#members.get(member.agent) !== member) throw fail("IPFA_AGENT_UNKNOWN")
    member.seenAt = performance.now()
    member.load = { running: load.running, waiting: load.waiting }
    const news = member.suspect || load.hardware !== undefined
    member.suspect = false
    if (load.hardware) {
      member.hardware = load.hardware
      for (const l of this.#listeners) l.hardware?.(member)
    }
    if (news) this.#changed()
  }

  /** Ends a member's connection, so that all that waits for it is told. */
  drop(member: Member, reason: string, error?: AccelerateError): void {
    member.peer.close(
      error ?? fail("IPFA_PROTOCOL_CLOSED", { message: `Agent ${member.agent} was dropped: ${reason}.` }),
    )
    this.#remove(member, reason)
  }

  /** Says that `agent` is being started and may have these devices, so that a job with no other choice waits for it. */
  expect(agent: string, absent: readonly AbsentDevice[], isFirst = false): void {
    if (isFirst) this.#unknown.add(agent)
    this.#expected.set(agent, absent)
    this.#changed()
  }

  unexpect(agent: string): void {
    if (this.#expected.delete(agent)) this.#changed()
  }

  /** The bridge begins, and these agents were paired: a job with no other choice waits for one that could be what it wants. */
  awaitReturn(agents: readonly string[], ms = RETURN_MS): void {
    for (const agent of agents) this.#returning.add(agent)
    setTimeout(() => {
      this.#returning.clear()
      this.#changed()
    }, ms).unref()
  }

  /** What an agent that is not kept found to be absent. */
  addAbsent(agent: string, absent: readonly AbsentDevice[]): void {
    this.#unknown.delete(agent)
    this.#absent.set(agent, absent)
    this.#changed()
  }

  /** Whether one that fits is on its way. */
  isExpecting({ agent, device }: { agent?: string; device?: string }): boolean {
    const named = agent === undefined ? {} : this.named(agent)
    // What they have, and which browsers they are, they tell when they are back.
    if ([...this.#returning].some((id) => named.agent === undefined || named.agent === id)) return true
    return [...this.#expected.values()]
      .flat()
      .some((e) => isNamed(named, e) && (device === undefined || selectorMatches(device, e.id)))
  }

  /** Resolves when members or their devices changed. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener("abort", onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#waiting.delete(done)
        reject(signal.reason)
      }
      this.#waiting.add(done)
      signal.addEventListener("abort", onAbort, { once: true })
    })
  }

  /** Resolves when it is known what the agents that were started with the bridge have, or after `ms`. */
  async settled(signal: AbortSignal, ms = SETTLE_MS): Promise<void> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(ms)])
    while (this.#unknown.size > 0 && !patience.aborted) await this.changed(patience).catch(() => {})
    signal.throwIfAborted()
  }

  hardware(): HardwareReport {
    const devices = this.members.flatMap((m) =>
      m.hardware.devices.map((d) => ({ ...d, agent: m.agent, browser: m.browser })),
    )
    const absent = this.members.flatMap((m) =>
      m.hardware.absent.map((a) => ({ ...a, agent: m.agent, browser: m.browser })),
    )
    return {
      devices,
      absent: [...absent, ...[...this.#absent.values()].flat(), ...[...this.#expected.values()].flat()],
    }
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    for (const member of this.members) this.drop(member, "the bridge is stopping")
  }

  #sweep(): void {
    const now = performance.now()
    const gap = now - this.#sweptAt
    this.#sweptAt = now
    // This process or the machine stood still: the silence was ours. Everyone gets a new lease.
    if (gap > SUSPECT_MS - HEARTBEAT_MS) for (const m of this.members) m.seenAt = now
    for (const m of this.members) {
      if (m.native) continue
      const silent = now - m.seenAt
      if (silent > DEAD_MS) this.drop(m, `it was silent for ${Math.round(silent)} ms`)
      else if (silent > SUSPECT_MS) m.suspect = true
    }
  }

  #remove(member: Member, reason: string): void {
    if (this.#members.get(member.agent) !== member) return
    this.#members.delete(member.agent)
    if (!member.native && !this.#closed) this.#awaitBack(member, reason)
    for (const l of this.#listeners) l.left?.(member, reason)
    this.#changed()
  }

  /** A browser that went may be back at once: its extension was restarted, or the machine too busy to say so. What it had is waited for. */
  #awaitBack({ agent, browser, hardware }: Member, reason: string): void {
    const absent = hardware.devices.map(({ id, backend }) => ({
      id,
      backend,
      agent,
      browser,
      reason: `it left: ${reason}`,
    }))
    this.#expected.set(agent, absent)
    const giveUp = () => {
      if (this.#expected.get(agent) === absent) this.unexpect(agent)
    }
    setTimeout(giveUp, RETURN_MS).unref()
  }

  #changed(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
