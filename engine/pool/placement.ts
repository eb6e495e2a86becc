import { asAccelerateError, type ErrorCode, type Fallback, fail, noDevice, orAborted } from "../../protocol/index.ts"
import { type Choice, choose, type Need, type Rejected } from "../../scheduler/index.ts"
import type { Devices } from "./devices.ts"
import type { Loaded } from "./loaded.ts"
import type { Model } from "./models.ts"
import type { PoolSettings } from "./options.ts"
import type { Sessions } from "./sessions.ts"

export interface Wanted {
  model: Model
  /** Whose share the opening takes. */
  origin: string
  /** Selector the caller forces. */
  device?: string
  agent?: string
  exclude?: readonly string[]
  /** Who asks has left: nothing more is begun for them. */
  signal?: AbortSignal
}

/** Leased to whoever asked, so that it isn't forgotten before it is used: it is theirs to give back. */
export interface Placed {
  loaded: Loaded
  fellBackFrom?: Fallback
}

/** Runs that an opening is expected to serve: a session is opened to be run more than once. */
const RUNS_PER_SESSION = 16
/** What another device may do better. */
const movable: ReadonlySet<ErrorCode> = new Set(["IPFA_DEVICE_UNSUPPORTED", "IPFA_DEVICE_LOST", "IPFA_DEVICE_MEMORY"])

export function mayFallBack(code: ErrorCode): boolean {
  return movable.has(code)
}

/** Finds the device for a model and loads it there; on another one where that fails, which is said, unless the caller forced it. */
export class Placement {
  readonly #devices: Devices
  readonly #sessions: Sessions
  readonly #settings: PoolSettings

  constructor(devices: Devices, sessions: Sessions, settings: PoolSettings) {
    this.#devices = devices
    this.#sessions = sessions
    this.#settings = settings
  }

  choose(wanted: Wanted): Choice {
    const { device, agent, exclude, model, origin } = wanted
    const candidates = this.#devices.candidates(model, origin, device !== undefined)
    const need: Need = {
      bytes: model.needBytes,
      budgetBytes: this.#settings.budgetBytes,
      // It has a say among unmeasured devices only.
      flops: candidates.some(({ runs }) => runs === 0) ? model.flops : undefined,
      runs: RUNS_PER_SESSION,
      now: this.#settings.now(),
      device,
      agent,
      exclude,
    }
    return choose(need, candidates, this.#settings.random)
  }

  /** A forced device that is being replaced is waited for. */
  async place(wanted: Wanted): Promise<Placed> {
    const { model, signal } = wanted
    await orAborted(this.#devices.probed(model, wanted.device), signal)
    /** Devices that could not open it, and what each said. */
    const failed = new Map<string, string>()
    let fellBackFrom: Placed["fellBackFrom"]
    let last: unknown
    for (;;) {
      const choice = this.choose({ ...wanted, exclude: [...(wanted.exclude ?? []), ...failed.keys()] })
      const best = choice.ranked[0]
      if (!best && wanted.device === undefined && this.#devices.isAnyUnknown) {
        await orAborted(this.#devices.allProbed(), signal)
        continue
      }
      if (!best) throw this.#none(wanted, choice.rejected, failed, last)
      fellBackFrom ??= choice.passedOver && this.#devices.fallback(choice.passedOver.id, choice.passedOver.reason)
      const loaded = this.#sessions.shared(model, this.#devices.hostOf(best.id), best.id)
      this.#sessions.lease(loaded)
      try {
        await orAborted(this.#sessions.open(loaded, wanted.origin, wanted.device !== undefined), signal)
        return fellBackFrom ? { loaded, fellBackFrom } : { loaded }
      } catch (error) {
        this.#sessions.giveBack(loaded)
        const e = asAccelerateError(error)
        if (e.code === "IPFA_DEVICE_UNSUPPORTED") model.unsupported.set(best.id, String(e.data.reason ?? e.message))
        if (!mayFallBack(e.code)) throw e
        last = e
        fellBackFrom ??= this.#devices.fallback(best.id, e.message)
        failed.set(best.id, e.message)
      }
    }
  }

  fallback(device: string, reason: string): Fallback {
    return this.#devices.fallback(device, reason)
  }

  /** What to say where no device can serve. */
  #none(wanted: Wanted, rejected: Rejected[], failed: ReadonlyMap<string, string>, last: unknown): Error {
    const able = rejected.filter(({ kind }) => kind !== "device" && kind !== "agent")
    const { device, agent } = wanted
    if (agent !== undefined && agent !== this.#settings.agent && agent !== this.#settings.browser)
      return fail("IPFA_AGENT_UNKNOWN", { data: { agent } })
    if (device === undefined) {
      const reasons = [...able, ...this.#devices.absent()].map(({ id, reason }) => ({
        device: id,
        reason: failed.get(id) ?? reason,
      }))
      return noDevice(reasons, { cause: last })
    }
    if (last) return asAccelerateError(last)
    const first = able[0]
    if (!first) {
      const reason = this.#devices.absenceOf(device) ?? "there is no such device here"
      return fail("IPFA_DEVICE_ABSENT", { message: `${device} can't be had: ${reason}`, data: { device, reason } })
    }
    const code = (
      {
        memory: "IPFA_DEVICE_MEMORY",
        unsupported: "IPFA_DEVICE_UNSUPPORTED",
        probe: "IPFA_DEVICE_INCORRECT",
        cooling: "IPFA_DEVICE_LOST",
        lost: "IPFA_DEVICE_LOST",
        excluded: "IPFA_DEVICE_LOST",
        device: "IPFA_DEVICE_ABSENT",
        agent: "IPFA_AGENT_UNKNOWN",
      } as const satisfies Record<Rejected["kind"], ErrorCode>
    )[first.kind]
    const unavailableUntil = this.#devices.unavailableUntil(first.id, wanted.origin)
    return fail(code, {
      message: `${device}: ${first.reason}`,
      data: { device, reason: first.reason, unavailableUntil },
    })
  }
}
