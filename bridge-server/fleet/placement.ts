import {
  type AccelerateError,
  asAccelerateError,
  type DeviceInfo,
  type ErrorCode,
  type Fallback,
  fail,
  noDevice,
  type Progress,
} from "../../protocol/index.ts"
import {
  type Candidate,
  type Choice,
  type Cooldown,
  calm,
  choose,
  cooling,
  type Need,
  recordOutcome,
} from "../../scheduler/index.ts"
import type { AgentSession, AgentSessions } from "./agent-sessions.ts"
import type { Averages } from "./averages.ts"
import { type Fleet, isNamed } from "./fleet.ts"
import { asFallback, type MemberDevice } from "./member.ts"
import type { BridgeModel } from "./models.ts"
import type { Slots } from "./slots.ts"

export interface Wanted {
  /** Selector that must serve it. */
  device?: string
  /** Id of the agent that must serve it, or where no agent has that id, kind of browser. */
  agent?: string
}

export interface Placed {
  session: AgentSession
  fellBackFrom?: Fallback
}

export interface PlaceOptions {
  signal: AbortSignal
  priority: number
  /** Devices that failed this job already. */
  failed?: readonly MemberDevice[]
  onProgress?: (progress: Progress) => void
}

/** The scheduler's choice, with the device that each candidate's id stands for: names come from agents and are never taken apart. */
export interface FleetChoice extends Choice {
  devices: ReadonlyMap<string, MemberDevice>
}

interface Offered {
  info: DeviceInfo
  device: MemberDevice
}

/**
 * An agent that is on its way is waited for so long where nothing else can serve: a native process that starts again takes a second or two, on a busy
 * machine half a minute.
 */
const WAIT_MS = 60_000

/**
 * MobileNetV2's, for unmeasured devices: 6 × 10⁸ FLOPs over 14 MB of weights. The bridge reads no graphs, and what this has to tell apart is a toy
 * from a network.
 */
const FLOPS_PER_BYTE = 40

/** What is another device's chance: the model and the request are not at fault. */
const elsewhere: ReadonlySet<ErrorCode> = new Set([
  "IPFA_PROTOCOL_CLOSED",
  "IPFA_PROTOCOL_SLOW_READER",
  "IPFA_DEVICE_LOST",
  "IPFA_DEVICE_ABSENT",
  "IPFA_DEVICE_NONE",
  "IPFA_DEVICE_INCORRECT",
  "IPFA_DEVICE_MEMORY",
  "IPFA_DEVICE_UNSUPPORTED",
  "IPFA_JOB_OVERRUN",
  "IPFA_STORE_QUOTA",
  "IPFA_STORE_CORRUPT",
  "IPFA_MODEL_NOT_FOUND",
  "IPFA_INTERNAL",
])

/** What an agent's connection said as it ended, which the caller would take for its own connection's end. */
const unheard: ReadonlySet<ErrorCode> = new Set(["IPFA_PROTOCOL_CLOSED", "IPFA_PROTOCOL_SLOW_READER"])

/** Chooses a device of the fleet by the scheduler's function and opens there; where that fails, the next one, visibly. */
export class Placement {
  readonly #fleet: Fleet
  readonly #sessions: AgentSessions
  readonly #averages: Averages
  readonly #slots: Slots
  /** Ends with the agent's life too. */
  readonly #cooldowns = new WeakMap<MemberDevice, Cooldown>()
  /** Why a device can't run a model, once it said so. Ends with the agent's life, since an update may change it. */
  readonly #unsupported = new WeakMap<MemberDevice, Map<string, string>>()

  constructor(fleet: Fleet, sessions: AgentSessions, averages: Averages, slots: Slots) {
    this.#fleet = fleet
    this.#sessions = sessions
    this.#averages = averages
    this.#slots = slots
  }

  /** Notes how a job ended there, as far as the device is to blame. */
  outcome(device: MemberDevice, ok: boolean): void {
    this.#cooldowns.set(device, recordOutcome(this.#cooldowns.get(device) ?? calm, ok, Date.now()))
  }

  /**
   * Throws IPFA_DEVICE_NONE, IPFA_DEVICE_ABSENT or IPFA_AGENT_UNKNOWN where no device is there that could, and what the last one said where all
   * that could have failed.
   */
  async place(
    model: BridgeModel,
    wanted: Wanted,
    { signal, priority, failed = [], onProgress }: PlaceOptions,
  ): Promise<Placed> {
    const tried = [...failed]
    /** What those said that failed here, by name. */
    const said = new Map<string, string>()
    let fellBackFrom: Placed["fellBackFrom"]
    let last: AccelerateError | undefined
    const giveUpAt = performance.now() + WAIT_MS
    for (;;) {
      signal.throwIfAborted()
      const choice = this.choose(model, wanted, tried)
      const best = choice.ranked[0]
      if (!best) {
        const left = giveUpAt - performance.now()
        if (left > 0 && this.#fleet.isExpecting(wanted) && (await this.#change(signal, left))) continue
        throw last && !unheard.has(last.code) ? last : this.none(choice, wanted, said)
      }
      const device = choice.devices.get(best.id)!
      const passed = choice.passedOver
      if (passed && !isOld(passed.id, failed))
        fellBackFrom ??= asFallback(choice.devices.get(passed.id)!, passed.reason)
      try {
        const session = await this.#sessions.lease(device, model, {
          signal,
          priority,
          ...(onProgress && { onProgress }),
        })
        return fellBackFrom ? { session, fellBackFrom } : { session }
      } catch (cause) {
        if (signal.aborted) throw signal.reason
        const error = asAccelerateError(cause)
        if (!elsewhere.has(error.code) && !device.member.gone) throw error
        // Once may be its place's fault; a model that takes long everywhere is not to hold up each device in turn.
        if (error.code === "IPFA_JOB_OVERRUN" && (last?.code === error.code || failed.length > 0)) throw error
        this.#note(device, model, error)
        fellBackFrom ??= asFallback(device, error.message)
        last = error
        said.set(device.name, error.message)
        tried.push(device)
      }
    }
  }

  choose(model: BridgeModel, wanted: Wanted, tried: readonly MemberDevice[] = []): FleetChoice {
    const need: Need = {
      bytes: model.bytes,
      flops: model.bytes * FLOPS_PER_BYTE,
      now: Date.now(),
      exclude: tried.filter((d) => this.#fleet.get(d.member.agent) === d.member).map((d) => d.name),
    }
    if (wanted.device !== undefined) need.device = wanted.device
    if (wanted.agent !== undefined) Object.assign(need, this.#fleet.named(wanted.agent))
    const offered = this.#fleet.members.flatMap((m) =>
      m.hardware.devices.map((info) => ({ info, device: m.device(info.id) })),
    )
    const devices = new Map(offered.map(({ device }) => [device.name, device]))
    return { ...choose(need, this.#candidates(model, offered), Math.random), devices }
  }

  #candidates(model: BridgeModel, devices: readonly Offered[]): Candidate[] {
    const now = Date.now()
    const states = new Map(devices.map(({ device }) => [device.name, this.#cooldowns.get(device) ?? calm]))
    const cool = cooling(states, now)
    return devices.map(({ info, device }) => {
      const { member } = device
      const average = this.#averages.get(device.name, model.sha256)
      const candidate: Candidate = {
        id: device.name,
        device: device.id,
        backend: info.backend,
        agent: member.agent,
        browser: member.browser,
        fallbackAdapter: info.fallbackAdapter,
        state: member.suspect ? "cooling" : info.state,
        probe: info.probe,
        resident: this.#sessions.isOpen(device, model.key),
        queued: this.#slots.load(device),
        runs: average.runs,
      }
      if (info.budgetBytes !== undefined) candidate.freeBytes = info.budgetBytes
      if (average.runMs !== undefined) candidate.runMs = average.runMs
      if (average.openMs !== undefined) candidate.openMs = average.openMs
      const unsupported = this.#unsupported.get(device)?.get(model.key)
      if (unsupported !== undefined) candidate.unsupported = unsupported
      const until = Math.max(cool.get(device.name) ?? 0, info.unavailableUntil ?? 0)
      if (until > now) candidate.coolingUntil = until
      return candidate
    })
  }

  #note(device: MemberDevice, model: BridgeModel, error: AccelerateError): void {
    if (error.code !== "IPFA_DEVICE_UNSUPPORTED") return this.outcome(device, false)
    const ofDevice: Map<string, string> = this.#unsupported.get(device) ?? new Map()
    this.#unsupported.set(device, ofDevice.set(model.key, error.message))
  }

  async #change(signal: AbortSignal, ms: number): Promise<boolean> {
    try {
      await this.#fleet.changed(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(ms))]))
      return true
    } catch {
      signal.throwIfAborted()
      return false
    }
  }

  /** What to say where no device can serve; `said` by those that were asked, by name. */
  none({ rejected }: Choice, { device, agent }: Wanted, said?: ReadonlyMap<string, string>): AccelerateError {
    const report = this.#fleet.hardware()
    const reasons = rejected.map(({ id, reason }) => ({ device: id, reason: said?.get(id) ?? reason }))
    const fits = rejected.filter((r) => r.kind !== "device" && r.kind !== "agent")
    const named = agent === undefined ? {} : this.#fleet.named(agent)
    if (fits.length === 0 && !this.#fleet.members.some((m) => isNamed(named, m)) && agent !== undefined)
      return fail("IPFA_AGENT_UNKNOWN", { data: { agent } })
    if (fits.length === 0 && device !== undefined) {
      const absent = report.absent.filter((a) => a.id === device || a.backend === device)
      return fail("IPFA_DEVICE_ABSENT", {
        data: { device, ...(agent && { agent }), reason: absent[0]?.reason ?? "no agent that is connected has it" },
      })
    }
    const absent = report.absent.map((a) => ({ device: a.agent ? `${a.agent}/${a.id}` : a.id, reason: a.reason }))
    const devices = [...reasons, ...absent]
    return noDevice(devices, {
      ...(devices.length === 0 && { message: "No agent is connected. Pair a browser with this bridge-server." }),
      data: { retryAfterMs: 2000 },
    })
  }
}

function isOld(id: string, failed: readonly MemberDevice[]): boolean {
  return failed.some((d) => d.name === id)
}
