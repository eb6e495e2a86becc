import { type AbsentDevice, type DeviceInfo, type Fallback, fail, type HardwareReport } from "../../protocol/index.ts"
import { type Candidate, comesLast, selectorMatches } from "../../scheduler/index.ts"
import type { Blame } from "./blame.ts"
import type { Host } from "./host.ts"
import type { Measurements } from "./measurements.ts"
import type { Model } from "./models.ts"
import type { PoolSettings } from "./options.ts"
import type { Sessions } from "./sessions.ts"

/** How much a host has to do. */
export interface HostLoad {
  jobs: number
  /** One run keeps the others waiting for too long. */
  isHeldUp: boolean
  isBusy(device: string): boolean
}

/** Longest that an unforced choice waits for hosts that are probed for the first time. */
const PROBE_PATIENCE_MS = 10_000

/** All devices of all hosts: what they are, and what the scheduler is told of them. */
export class Devices {
  readonly hosts: readonly Host[]
  readonly #settings: PoolSettings
  readonly #sessions: Sessions
  readonly #measurements: Measurements
  readonly #blame: Blame
  readonly #load: (host: Host) => HostLoad

  constructor(
    hosts: readonly Host[],
    settings: PoolSettings,
    sessions: Sessions,
    measurements: Measurements,
    blame: Blame,
    load: (host: Host) => HostLoad,
  ) {
    this.hosts = hosts
    this.#settings = settings
    this.#sessions = sessions
    this.#measurements = measurements
    this.#blame = blame
    this.#load = load
  }

  /**
   * Resolves when every host that could serve `wanted` (any, where absent) has been probed, or, unforced, has had its time. One that would come
   * last for `model` is not started for that.
   */
  async probed(model: Model, wanted?: string): Promise<void> {
    const isAsked = ({ backend }: Host) =>
      wanted === undefined
        ? !comesLast(backend) || this.#measurements.of(model, backend).runs > 0
        : wanted.split(/[:#]/)[0] === backend
    const asked = this.#unknown().filter(isAsked)
    const all = Promise.all(asked.map((host) => host.probe()))
    const starting = asked.filter((host) => host.state === "starting")
    if (wanted !== undefined || starting.length === 0) {
      await all
      return
    }
    const isNew = starting.some((host) => host.devices.size === 0)
    let timer: ReturnType<typeof setTimeout> | undefined
    const patience = new Promise((resolve) => {
      timer = setTimeout(resolve, isNew ? PROBE_PATIENCE_MS : this.#settings.limits.patienceMs)
    })
    await Promise.race([all, patience]).finally(() => clearTimeout(timer))
  }

  /** Of some host it is not known yet whether it has devices: it was never started, or its first start takes long. */
  get isAnyUnknown(): boolean {
    return this.hosts.some(
      ({ state, devices, absent }) =>
        state === "idle" || (state === "starting" && devices.size === 0 && absent.length === 0),
    )
  }

  /** Resolves when all hosts have been probed. */
  async allProbed(): Promise<void> {
    await Promise.all(this.#unknown().map((host) => host.probe()))
  }

  /** What sleeps, or is only waking up, was probed. */
  #unknown(): Host[] {
    return this.hosts.filter((host) => !host.slept)
  }

  hostOf(device: string): Host {
    const host = this.hosts.find((h) => h.devices.has(device))
    if (!host) throw fail("IPFA_DEVICE_ABSENT", { data: { device } })
    return host
  }

  /** `device` as it is now. `usedBytes` only for those who may know what others do. */
  info(device: string, owner = false): DeviceInfo {
    const host = this.hostOf(device)
    const { agent, browser, budgetBytes } = this.#settings
    const state = this.#state(host, device)
    return {
      ...(host.devices.get(device) as DeviceInfo),
      agent,
      browser,
      budgetBytes,
      ...(owner && { usedBytes: this.#sessions.usedBytes(device) }),
      state,
      ...(state === "cooling" && { unavailableUntil: host.until }),
    }
  }

  /** `device` as what a job fell back from. */
  fallback(device: string, reason: string): Fallback {
    return { ...this.info(device), reason }
  }

  report(owner = false): HardwareReport {
    const devices = this.hosts.flatMap((host) => [...host.devices.keys()].map((id) => this.info(id, owner)))
    return { devices, absent: this.absent() }
  }

  absent(): AbsentDevice[] {
    const { agent, browser } = this.#settings
    return this.hosts
      .flatMap((host) => host.absent)
      .filter(({ id }) => !this.hosts.some((host) => host.devices.has(id)))
      .map((device) => ({ ...device, agent, browser }))
  }

  /** Every device that is known, as the scheduler sees it for `model`. */
  candidates(model: Model, origin: string, forced: boolean): Candidate[] {
    const freeBytes = this.#sessions.freeBytes(origin, model.needBytes)
    return this.hosts.flatMap((host) => {
      const load = this.#load(host)
      const keptAway = this.#blame.until(origin, host.backend, forced, this.#settings.now())
      return [...host.devices.values()].map((device) => {
        const loaded = this.#sessions.find(model, device.id)
        const state = this.#state(host, device.id)
        return {
          id: device.id,
          device: device.id,
          backend: device.backend,
          agent: this.#settings.agent,
          browser: this.#settings.browser,
          fallbackAdapter: device.fallbackAdapter,
          state,
          // Who wants this one and no other waits.
          heldUp: load.isHeldUp && !forced,
          probe: device.probe,
          unsupported: model.unsupported.get(device.id),
          resident: loaded?.residence !== undefined || loaded?.opening !== undefined,
          freeBytes,
          queued: load.jobs,
          ...this.#measurements.of(model, device.id),
          ...((state === "cooling" || keptAway > 0) && {
            coolingUntil: Math.max(state === "cooling" ? host.until : 0, keptAway),
          }),
        }
      })
    })
  }

  /** When `origin` may try `device` again, ms since 1970, where it may not now. */
  unavailableUntil(device: string, origin: string): number | undefined {
    const host = this.hostOf(device)
    const keptAway = this.#blame.until(origin, host.backend, true, this.#settings.now())
    return Math.max(host.state === "down" ? host.until : 0, keptAway) || undefined
  }

  /** Why no device fits `wanted`, where one is known to be absent. */
  absenceOf(wanted: string): string | undefined {
    return this.absent().find(({ id, backend }) => selectorMatches(wanted, id) || wanted === backend)?.reason
  }

  #state(host: Host, device: string): DeviceInfo["state"] {
    if (host.state === "down") return "cooling"
    if ((host.state !== "ready" && !host.slept) || host.missing.has(device)) return "lost"
    return this.#load(host).isBusy(device) ? "busy" : "ready"
  }
}
