import {
  asAccelerateError,
  type DeviceInfo,
  fail,
  type Methods,
  type ParamsIn,
  type ResultOf,
} from "../../protocol/index.ts"
import { evictionsFor, isIdle, obtainableBytes, shortBytes } from "./eviction.ts"
import type { Host } from "./host.ts"
import type { Lane } from "./lane.ts"
import { Loaded } from "./loaded.ts"
import type { Measurements } from "./measurements.ts"
import type { Model } from "./models.ts"
import type { PoolSettings } from "./options.ts"
import type { Room } from "./room.ts"
import type { Slots } from "./slots.ts"
import { upkeepTimer } from "./timer.ts"

/** What an opening takes where it was never measured; also what one is granted beyond a run's turn. 200 MB a second. */
const OPEN_MS_PER_BYTE = 5e-6

/** The models that are loaded, within the byte budget. */
export class Sessions {
  readonly #settings: PoolSettings
  readonly #slots: Slots
  readonly #measurements: Measurements
  readonly #all = new Map<string, Loaded>()
  #alone = 0
  /** What the tuner tries out: it has only memory that nobody uses, and is no part of what makes room for others. */
  #trial: { loaded: Loaded; ended: Promise<void>; end(): void } | undefined
  /** What a host's openings wait their turn in. */
  turnsOf!: (host: Host) => Pick<Lane, "open" | "wantAll">
  /** What others hold and is not idle can be had through it. */
  room!: Room
  /** Told when a session was given back and nobody has that one any more. */
  onReleased: (host: Host) => void = () => undefined

  constructor(settings: PoolSettings, slots: Slots, measurements: Measurements) {
    this.#settings = settings
    this.#slots = slots
    this.#measurements = measurements
  }

  /** The one of `model` on `device` that everybody shares. */
  shared(model: Model, host: Host, device: string): Loaded {
    const key = `${model.key} ${device}`
    let loaded = this.#all.get(key)
    if (!loaded) {
      loaded = new Loaded(model, host, device)
      this.#all.set(key, loaded)
    }
    return loaded
  }

  /** One that nobody else shares, for measuring. */
  alone(model: Model, host: Host, device: string): Loaded {
    const loaded = new Loaded(model, host, device)
    this.#all.set(`alone ${++this.#alone}`, loaded)
    return loaded
  }

  /** One for the tuner; there is one at a time, until `endTrial`. */
  trial(model: Model, host: Host, device: string): Loaded {
    const loaded = new Loaded(model, host, device, true)
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    this.#trial = { loaded, ended, end }
    return loaded
  }

  endTrial(): void {
    const trial = this.#trial
    if (!trial) return
    this.unload(trial.loaded)
    this.#trial = undefined
    trial.end()
  }

  /** Whether somebody has a session there (`held`), or only work or kept tensors are left of such. */
  occupancy(host: Host): "held" | "working" | "none" {
    let use: "working" | "none" = "none"
    for (const loaded of this) {
      if (loaded.host !== host) continue
      if (loaded.leases > 0) return "held"
      if (loaded.pending > 0 || loaded.keptTensors > 0) use = "working"
    }
    return use
  }

  find(model: Model, device: string): Loaded | undefined {
    return this.#all.get(`${model.key} ${device}`)
  }

  /** Bytes held, on `device` or in all. */
  usedBytes(device?: string): number {
    let sum = 0
    for (const loaded of this) if (device === undefined || loaded.device === device) sum += loaded.bytes
    return sum
  }

  /** Bytes that could be had for `origin`, which needs `neededBytes`. */
  freeBytes(origin: string, neededBytes: number): number {
    const idle = obtainableBytes(this.#all.values(), this.#settings.budgetBytes)
    return idle < neededBytes && this.room.canHave(origin, neededBytes) ? neededBytes : idle
  }

  /** Bytes that are missing for `neededBytes` more, and what `besides` has, though all else that is idle were unloaded. */
  shortBytes(neededBytes: number, besides?: Loaded): number {
    const others = [...this.#all.values()].filter((x) => x !== besides)
    return shortBytes(others, neededBytes + (besides?.bytes ?? 0), this.#settings.budgetBytes)
  }

  /** Bytes that could be had without unloading anything. */
  unusedBytes(): number {
    return Math.max(0, this.#settings.budgetBytes - this.usedBytes())
  }

  /**
   * Resolves when it is loaded. All who ask share one opening; a host that is lost under it is asked once more. Where all may go elsewhere and
   * the host is held up, it fails with IPFA_DEVICE_LOST; with `forced` it waits.
   */
  open(loaded: Loaded, origin: string, forced = false): Promise<void> {
    if (loaded.isReady) return Promise.resolve()
    loaded.isForced ||= forced
    if (loaded.opening) return loaded.opening
    loaded.openedBy = origin
    const opening = this.#open(loaded, origin).finally(() => {
      if (loaded.opening === opening) {
        loaded.opening = undefined
        loaded.isForced = false
      }
      this.#forgetUnused()
    })
    loaded.opening = opening
    return opening
  }

  lease(loaded: Loaded): void {
    loaded.leases++
    loaded.lastUsedAt = performance.now()
  }

  giveBack(loaded: Loaded): void {
    loaded.leases--
    if (loaded.leases === 0 && loaded.model.isPrivate && isIdle(loaded)) this.unload(loaded)
    this.#forgetUnused()
    if (loaded.leases === 0) this.onReleased(loaded.host)
  }

  unload(loaded: Loaded): void {
    const { residence } = loaded
    if (!residence) return
    loaded.residence = undefined
    loaded.host.call("device.close", { handle: residence.handle }).catch(() => undefined)
    this.#forgetUnused()
  }

  /** Unloads what is idle until the budget is met again. IPFA_DEVICE_MEMORY where that is not enough for `neededBytes` more. */
  makeRoom(neededBytes: number, besides?: Loaded): void {
    const { budgetBytes } = this.#settings
    const others = [...this.#all.values()].filter((x) => x !== besides)
    const own = besides ? besides.bytes : 0
    const evictions = evictionsFor(others, neededBytes + own, budgetBytes)
    // What others hold is not for the caller to know.
    if (!evictions)
      throw fail("IPFA_DEVICE_MEMORY", { data: { neededBytes, budgetBytes, reason: "the pool's budget is used up" } })
    for (const loaded of evictions) this.unload(loaded)
  }

  /** Unloads what is idle until the budget is met, or nothing idle is left. */
  shrink(): void {
    const all = [...this.#all.values()]
    const inUse = all.reduce((sum, loaded) => sum + (isIdle(loaded) ? 0 : loaded.bytes), 0)
    const budgetBytes = Math.max(inUse, this.#settings.budgetBytes)
    for (const loaded of evictionsFor(all, 0, budgetBytes) ?? []) this.unload(loaded)
  }

  async #open(loaded: Loaded, origin: string): Promise<void> {
    const { host } = loaded
    for (let attempt = 1; ; attempt++) {
      await host.ready()
      const { life } = host
      try {
        // A trial waits for nobody and nobody waits for it, else two could wait for each other.
        if (loaded.isTrial) return await this.#load(loaded, origin)
        return await this.#slots.run(origin, () => this.#load(loaded, origin))
      } catch (error) {
        const isHopeless = asAccelerateError(error).code === "IPFA_JOB_OVERRUN"
        if (attempt > 1 || loaded.isTrial || isHopeless || host.life === life) throw error
      }
    }
  }

  async #load(loaded: Loaded, origin: string): Promise<void> {
    const { model, device } = loaded
    await this.#reserve(loaded, origin)
    try {
      const [{ transfer, ...files }, pipelines] = await Promise.all([
        model.files(),
        model.pipelines(loaded.host.devices.get(device)!).catch(() => undefined),
      ])
      const { life, opened } = await this.#callOpen(loaded, origin, { device, ...files, pipelines }, transfer)
      loaded.residence = {
        life,
        handle: opened.handle,
        memoryBytes: opened.memoryBytes,
        keptTensors: 0,
        keptBytes: 0,
        runs: 0,
      }
      loaded.inputs = opened.inputs
      loaded.outputs = opened.outputs
      loaded.openMs = opened.openMs
      loaded.note = opened.note
      loaded.lastUsedAt = performance.now()
      this.#record(loaded, opened.openMs)
    } catch (error) {
      const { code } = asAccelerateError(error)
      if (code !== "IPFA_JOB_CANCELLED") this.#record(loaded, 0, code)
      throw error
    } finally {
      loaded.reservedBytes = 0
    }
    // The host knows better than the estimate what it holds.
    try {
      await this.#trialAside(loaded, 0)
      if (loaded.isTrial) this.#roomForTrial(0)
      else this.room.grown(loaded, origin)
    } catch (error) {
      this.unload(loaded)
      throw error
    }
  }

  /** Sets aside what `loaded` is expected to need. */
  async #reserve(loaded: Loaded, origin: string): Promise<void> {
    const { needBytes } = loaded.model
    const reserve = () => {
      if (loaded.isTrial) this.#roomForTrial(needBytes)
      else this.makeRoom(needBytes)
      loaded.reservedBytes = needBytes
    }
    this.#assertWanted(loaded)
    if (loaded.isTrial) return reserve()
    const before = async () => {
      await this.#trialAside(loaded, needBytes)
      this.#assertWanted(loaded)
    }
    await this.room.make({ origin, neededBytes: needBytes, before }, reserve)
  }

  /** Throws IPFA_JOB_CANCELLED where all who asked for it have left while it waited. Who asks from now on has it opened anew. */
  #assertWanted(loaded: Loaded): void {
    if (loaded.leases > 0 || loaded.jobs.size > 0) return
    loaded.opening = undefined
    throw fail("IPFA_JOB_CANCELLED")
  }

  /** Waits for a trial that is in a caller's way: it ends with its present run. */
  async #trialAside(loaded: Loaded, neededBytes: number): Promise<void> {
    while (!loaded.isTrial && this.#trial && this.#trial.loaded.bytes > 0 && this.#isShort(neededBytes))
      await this.#trial.ended
  }

  #isShort(neededBytes: number): boolean {
    return this.usedBytes() + neededBytes > this.#settings.budgetBytes
  }

  /** As `makeRoom`; for a trial nothing is unloaded. */
  #roomForTrial(neededBytes: number): void {
    if (!this.#isShort(neededBytes)) return
    const { budgetBytes } = this.#settings
    const reason = "the pool's budget is in use"
    throw fail("IPFA_DEVICE_MEMORY", { data: { neededBytes, budgetBytes, reason } })
  }

  /** Past the deadline the opening fails at once; the host may go on for `stuckMs`, then it is ended. */
  async #callOpen(
    loaded: Loaded,
    origin: string,
    params: ParamsIn<Methods["device.open"]>,
    transfer: ArrayBuffer[],
  ): Promise<{ life: number; opened: ResultOf<Methods["device.open"]> }> {
    const { openMs, stuckMs, turnMs } = this.#settings.limits
    const { host, model, device, isTrial } = loaded
    const late = Promise.withResolvers<never>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const byBytes = model.needBytes * OPEN_MS_PER_BYTE
    const expectedMs = this.#measurements.of(model, device).openMs ?? 100 + byBytes
    const mayLeave = () => !loaded.isForced
    const turn = { origin, isTrial, expectedMs, turnMs: turnMs + byBytes, mayLeave }
    const opening = this.turnsOf(host).open(turn, async () => {
      this.#assertWanted(loaded)
      const { life } = host
      const call = host.call("device.open", params, { transfer })
      timer = setTimeout(() => {
        late.reject(fail("IPFA_JOB_DEADLINE", { message: "Opening took too long.", data: { deadlineMs: openMs } }))
        const stuck = upkeepTimer(() => host.lose("it did not end an opening past its deadline", life), stuckMs)
        call
          .then(({ handle }) => host.call("device.close", { handle }))
          .catch(() => undefined)
          .finally(() => clearTimeout(stuck))
      }, openMs)
      return { life, opened: await call }
    })
    return await Promise.race([opening, late.promise]).finally(() => clearTimeout(timer))
  }

  #record({ model, host, device }: Loaded, ms: number, error?: string): void {
    const info = host.devices.get(device) as DeviceInfo
    this.#measurements.add("open", info, model, ms, error ? { ok: false, error } : { ok: true })
  }

  #forgetUnused(): void {
    for (const [key, loaded] of this.#all)
      if (!loaded.residence && loaded.leases === 0 && loaded.pending === 0) this.#all.delete(key)
  }

  *[Symbol.iterator](): IterableIterator<Loaded> {
    yield* this.#all.values()
    if (this.#trial) yield this.#trial.loaded
  }
}
