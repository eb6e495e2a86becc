import type { Fallback, HardwareReport, Peer } from "../../protocol/index.ts"

/** What the fleet needs of an agent's connection. */
export type AgentPeer = Pick<Peer, "call" | "close" | "closed" | "isClosed">

export interface MemberOptions {
  agent: string
  browser: HardwareReport["devices"][number]["browser"] & string
  version: string
  incarnation: number
  hardware: HardwareReport
  peer: AgentPeer
  /** A child of ours: its end is known from its process, not from heartbeats. */
  native: boolean
}

/** One agent while it is connected. An agent that comes back is another member. */
export class Member {
  readonly agent: string
  readonly browser: MemberOptions["browser"]
  readonly version: string
  readonly incarnation: number
  readonly peer: AgentPeer
  readonly native: boolean
  hardware: HardwareReport
  /** ms since 1970 */
  readonly joinedAt = Date.now()
  /** What it said in its last heartbeat. */
  load = { running: 0, waiting: 0 }
  /** performance.now() of its last sign of life. */
  seenAt = performance.now()
  suspect = false
  readonly #devices = new Map<string, MemberDevice>()

  constructor(options: MemberOptions) {
    this.agent = options.agent
    this.browser = options.browser
    this.version = options.version
    this.incarnation = options.incarnation
    this.hardware = options.hardware
    this.peer = options.peer
    this.native = options.native
  }

  get gone(): boolean {
    return this.peer.isClosed
  }

  /** The same object each time for the same selector: what slots and cooldowns go by. */
  device(id: string): MemberDevice {
    let device = this.#devices.get(id)
    if (!device) {
      const { parallel } = this.hardware.devices.find((known) => known.id === id) ?? {}
      device = { id, name: `${this.agent}/${id}`, member: this, parallel }
      this.#devices.set(id, device)
    }
    return device
  }
}

export interface MemberDevice {
  /** Selector on its agent. */
  readonly id: string
  /** The fleet's name of it: `agent/selector`. */
  readonly name: string
  readonly member: Member
  /** Runs it computes at the same time, where that is not one. */
  readonly parallel: number | undefined
}

/** `device` as what a job fell back from: as its agent last described it. */
export function asFallback({ id, member }: MemberDevice, reason: string): Fallback {
  const known = member.hardware.devices.find((d) => d.id === id)
  const { agent, browser } = member
  // An agent that no longer lists it has lost it.
  const unknown = {
    id,
    backend: id.split(/[:#]/)[0] as string,
    adapter: "",
    fallbackAdapter: false,
    dtypes: [],
    state: "lost" as const,
  }
  return { ...(known ?? unknown), agent, browser, reason }
}
