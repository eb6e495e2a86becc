import { type Progress, type SessionInfo, SharedWork } from "../../protocol/index.ts"
import type { Averages } from "./averages.ts"
import type { MemberDevice } from "./member.ts"
import type { BridgeModel, FleetModels } from "./models.ts"

/** A model that is open on a device of some agent: one lease there, however many use it here. */
export interface AgentSession {
  readonly device: MemberDevice
  readonly model: BridgeModel
  /** What the agent said; its session id is the agent's. */
  readonly info: SessionInfo
}

interface Entry {
  opening: SharedWork<AgentSession, Progress>
  session?: AgentSession
  users: number
  idleSince: number
  idle?: NodeJS.Timeout
}

/** An unused lease is kept this long: the agent decides what stays in memory, and can't while we hold it. */
const IDLE_MS = 30_000

export class AgentSessions {
  readonly #models: FleetModels
  readonly #averages: Averages
  readonly #entries = new Map<MemberDevice, Map<string, Entry>>()

  constructor(models: FleetModels, averages: Averages) {
    this.#models = models
    this.#averages = averages
  }

  isOpen(device: MemberDevice, key: string): boolean {
    return this.#entries.get(device)?.get(key)?.session !== undefined
  }

  /** Opens, or joins those who did. Each lease is given back by one `release`. */
  async lease(
    device: MemberDevice,
    model: BridgeModel,
    { signal, priority, onProgress }: { signal: AbortSignal; priority: number; onProgress?: (p: Progress) => void },
  ): Promise<AgentSession> {
    const entry = this.#entry(device, model, priority)
    entry.users++
    clearTimeout(entry.idle)
    try {
      return await entry.opening.wait(signal, { onEvent: onProgress })
    } catch (error) {
      this.#leave(device, model.key, entry)
      throw error
    }
  }

  release(session: AgentSession): void {
    const entry = this.#entries.get(session.device)?.get(session.model.key)
    if (entry?.session === session) this.#leave(session.device, session.model.key, entry)
  }

  /** The agent no longer knows it: the next lease opens anew. */
  forget(session: AgentSession): void {
    const ofDevice = this.#entries.get(session.device)
    if (ofDevice?.get(session.model.key)?.session === session) ofDevice.delete(session.model.key)
  }

  /** How many here use it, and for how long nobody did. */
  use(session: AgentSession): { users: number; idleMs: number } {
    const entry = this.#entries.get(session.device)?.get(session.model.key)
    return {
      users: entry?.users ?? 0,
      idleMs: !entry || entry.users > 0 ? 0 : performance.now() - entry.idleSince,
    }
  }

  /** What is open anywhere. */
  list(): AgentSession[] {
    return [...this.#entries.values()].flatMap((m) => [...m.values()].flatMap((e) => e.session ?? []))
  }

  close(): void {
    for (const ofDevice of this.#entries.values()) for (const entry of ofDevice.values()) clearTimeout(entry.idle)
    this.#entries.clear()
  }

  #entry(device: MemberDevice, model: BridgeModel, priority: number): Entry {
    let ofDevice = this.#entries.get(device)
    if (!ofDevice) {
      ofDevice = new Map()
      this.#entries.set(device, ofDevice)
      void device.member.peer.closed.then(() => this.#forgetDevice(device))
    }
    const known = ofDevice.get(model.key)
    // An opening that was given up is not joined, unless it came to its end all the same.
    if (known && (known.session || !known.opening.aborted)) return known
    const entry: Entry = {
      users: 0,
      idleSince: performance.now(),
      opening: new SharedWork(async (signal, onEvent) => {
        const info = await this.#models.open(device, model, { signal, priority, onEvent })
        this.#averages.opened(device.name, model.sha256, info.openMs)
        entry.session = { device, model, info }
        return entry.session
      }),
    }
    ofDevice.set(model.key, entry)
    entry.opening.result.then(
      // All who waited may have left just then.
      () => this.#rest(device, model.key, entry),
      () => {
        if (ofDevice.get(model.key) === entry) ofDevice.delete(model.key)
      },
    )
    return entry
  }

  #leave(device: MemberDevice, key: string, entry: Entry): void {
    entry.users--
    this.#rest(device, key, entry)
  }

  /** Gives back what nobody uses: after a while, or at once where another has its place. */
  #rest(device: MemberDevice, key: string, entry: Entry): void {
    const { session, users } = entry
    if (users > 0) return
    entry.idleSince = performance.now()
    // One whose opening failed or was given up has removed itself.
    if (!session || device.member.gone) return
    const ofDevice = this.#entries.get(device)
    const giveBack = () => {
      if (ofDevice?.get(key) === entry) ofDevice.delete(key)
      device.member.peer.call("session.close", { sessionId: session.info.sessionId }).catch(() => {})
    }
    clearTimeout(entry.idle)
    if (ofDevice?.get(key) !== entry) return giveBack()
    entry.idle = setTimeout(giveBack, IDLE_MS)
    entry.idle.unref()
  }

  #forgetDevice(device: MemberDevice): void {
    for (const entry of this.#entries.get(device)?.values() ?? []) clearTimeout(entry.idle)
    this.#entries.delete(device)
  }
}
