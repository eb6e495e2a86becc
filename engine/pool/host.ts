import {
  type AbsentDevice,
  type AccelerateError,
  asAccelerateError,
  type CallOptions,
  type DeviceInfo,
  fail,
  type MethodName,
  type Methods,
  type ParamsIn,
  Peer,
  type ResultOf,
} from "../../protocol/index.ts"
import type { HostConnection, HostFactory } from "../host-factory.ts"
import {
  afterFailedStart,
  afterLoss,
  afterStart,
  afterSuccess,
  countLoss,
  GPU_LOSS_WINDOW_MS,
  type LossHistory,
  noLosses,
  noSharedLosses,
} from "./loss-policy.ts"
import type { PoolSettings } from "./options.ts"
import { type Timer, upkeepTimer } from "./timer.ts"

export interface HostListener {
  /** Its worker or device is gone, and with it what was loaded and what ran. Either a replacement starts now, or `down` follows. */
  lost(reason: string): void
  /** It can compute (again). */
  ready(): void
  /** It is left alone until `until`. */
  down(): void
}

/** What all hosts of a pool know of the GPU they share. */
export class Gpu {
  losses = noSharedLosses
}

/** One worker or process with its backend: started when first needed, replaced when lost, left alone when that happens too often. */
export class Host {
  readonly backend: string
  /** Rises with each loss: what belonged to an earlier life is gone. */
  life = 0
  state: "idle" | "starting" | "ready" | "asleep" | "down" | "closed" = "idle"
  /** It was put to sleep and has not been started again since: its devices are there for whoever wants them. */
  slept = false
  /** As probed; a device that the replacement no longer found stays here, and is in `missing`. */
  readonly devices = new Map<string, DeviceInfo>()
  readonly missing = new Map<string, string>()
  absent: AbsentDevice[] = []
  /** While `down`: ms since 1970 of the next try. */
  until = 0
  listener: HostListener = { lost() {}, ready() {}, down() {} }

  readonly #factory: HostFactory
  readonly #settings: PoolSettings
  readonly #gpu: Gpu
  #history: LossHistory
  #connection: HostConnection | undefined
  #peer: Peer | undefined
  #started: Promise<void> | undefined
  #timer: Timer | undefined

  constructor(factory: HostFactory, settings: PoolSettings, gpu: Gpu) {
    this.#factory = factory
    this.#settings = settings
    this.#gpu = gpu
    this.backend = factory.backend
    this.#history = noLosses(factory.backend)
  }

  /** Starts and probes it where that was not done yet; resolves when its devices, or their absence, are known. */
  probe(): Promise<void> {
    const again = this.state === "down" && this.devices.size === 0 && this.#settings.now() >= this.until
    if (this.state === "idle" || again) this.#start()
    return this.#started ?? Promise.resolve()
  }

  /** Resolves when it can compute; IPFA_DEVICE_LOST where it is left alone for now. */
  async ready(): Promise<void> {
    if (this.state === "asleep") this.#start()
    await this.probe()
    if (this.state !== "ready") throw this.unavailable()
  }

  unavailable(): AccelerateError {
    const until = this.state === "down" ? { unavailableUntil: this.until } : {}
    return fail("IPFA_DEVICE_LOST", {
      message: `${this.backend} was lost, and is left alone for now.`,
      data: { backend: this.backend, ...until },
    })
  }

  async call<N extends MethodName>(
    name: N,
    params: ParamsIn<Methods[N]>,
    options?: CallOptions<Methods[N]>,
  ): Promise<ResultOf<Methods[N]>> {
    const { life } = this
    const peer = this.#peer
    if (!peer) throw this.unavailable()
    try {
      return await peer.call(name, params, options)
    } catch (error) {
      const e = asAccelerateError(error)
      if (e.code === "IPFA_DEVICE_LOST" || peer.isClosed) {
        this.lose(String(e.data.reason ?? e.message), life)
        throw e.code === "IPFA_DEVICE_LOST" ? e : fail("IPFA_DEVICE_LOST", { cause: e, data: { reason: e.message } })
      }
      throw e
    }
  }

  /** Ending it returns memory to the system. */
  get returnsMemory(): boolean {
    return this.#factory.returnsMemory === true
  }

  /** ms since 1970 of its last loss; 0 where there was none. */
  get lostAt(): number {
    return this.#history.lostAt
  }

  /** Ends its worker, which nobody uses, until somebody does. */
  sleep(): void {
    if (this.state !== "ready") return
    this.#end()
    this.state = "asleep"
    this.slept = true
  }

  /** Its loss may take the GPU away from the whole browser. */
  get isGpu(): boolean {
    return this.#history.gpu
  }

  /** Work came out well. */
  worked(): void {
    this.#history = afterSuccess(this.#history, this.#settings.now())
  }

  /** Ends the worker of `life`, if that is still the one, and starts another or waits, as its history says. */
  lose(reason: string, life = this.life): void {
    if (life !== this.life || this.state !== "ready") return
    this.#end()
    const now = this.#settings.now()
    if (this.isGpu) this.#gpu.losses = countLoss(this.#gpu.losses, this.backend, now, GPU_LOSS_WINDOW_MS)
    const after = afterLoss(this.#history, now, this.#gpu.losses)
    this.#history = after.history
    // Who is told asks for the replacement at once, so that is under way by then.
    const rests = after.retryAt > now
    if (rests) this.#rest(after.retryAt)
    else this.#start()
    this.listener.lost(reason)
    if (rests) this.listener.down()
  }

  close(): void {
    clearTimeout(this.#timer)
    if (this.state === "closed") return
    this.state = "closed"
    this.#end()
  }

  #start(): void {
    this.state = "starting"
    this.#started = this.#connect()
  }

  async #connect(): Promise<void> {
    const { life } = this
    await undefined
    if (life !== this.life) return
    try {
      const connection = this.#factory.start()
      this.#connection = connection
      const peer = new Peer(connection.port, { role: "pool", maxPendingBytes: Number.POSITIVE_INFINITY })
      this.#peer = peer
      connection.onExit((reason) => peer.close(fail("IPFA_DEVICE_LOST", { message: reason, data: { reason } })))
      void peer.closed.then((error) => this.lose(error?.message ?? "its worker ended", life))
      const { devices, absent } = await peer.call("device.probe", {}, { deadlineMs: this.#settings.limits.probeMs })
      if (life === this.life) this.#found(devices, absent)
    } catch (error) {
      if (life !== this.life) return
      this.#notFound(error, this.#peer?.isClosed)
      // Started anew at once: who waits for this start waits for that one.
      if (this.state === "starting") await this.#started
    }
  }

  #found(devices: DeviceInfo[], absent: AbsentDevice[]): void {
    this.slept = false
    const wasThere = this.devices.size > 0
    this.absent = absent
    for (const device of devices) {
      this.devices.set(device.id, device)
      this.missing.delete(device.id)
    }
    for (const id of this.devices.keys())
      if (!devices.some((device) => device.id === id))
        this.missing.set(id, absent.find((a) => a.id === id)?.reason ?? "it was not found again")
    // A GPU that was lost and is not there again may come back later.
    if (wasThere && devices.length === 0) return this.#notFound(absent[0]?.reason)
    this.#history = afterStart(this.#history)
    this.state = "ready"
    this.listener.ready()
    // A worker that has nothing to compute on is not kept. Where ending it ends its whole process, that is for who started the process.
    if (devices.length === 0 && this.returnsMemory) this.sleep()
  }

  /** `ended`: its worker ended by itself, or was killed, before it told what it found. */
  #notFound(error: unknown, ended = false): void {
    this.slept = false
    this.#end()
    const reason = typeof error === "string" ? error : asAccelerateError(error).message
    const now = this.#settings.now()
    const after = afterFailedStart(this.#history, now, ended)
    this.#history = after.history
    if (after.retryAt <= now) return this.#start()
    if (this.devices.size === 0)
      this.absent = [{ id: this.backend, backend: this.backend, reason: `its worker did not start: ${reason}` }]
    this.#rest(after.retryAt)
    this.listener.down()
  }

  /** Leaves it alone until `until`, then tries again; what never was there only when someone asks. */
  #rest(until: number): void {
    this.state = "down"
    this.until = until
    clearTimeout(this.#timer)
    if (this.devices.size === 0) return
    this.#timer = upkeepTimer(() => this.#start(), until - this.#settings.now())
  }

  #end(): void {
    this.life++
    const [peer, connection] = [this.#peer, this.#connection]
    this.#peer = undefined
    this.#connection = undefined
    peer?.close(fail("IPFA_DEVICE_LOST", { message: "The host was ended.", data: { reason: "the host was ended" } }))
    connection?.terminate()
  }
}
