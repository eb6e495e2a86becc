import { BridgeLink } from "../../engine/agent/bridge-link.ts"
import { workerClock } from "../../engine/agent/clock.ts"
import { idbSettings } from "../../engine/agent/settings.ts"
import { Surroundings } from "../../engine/agent/surroundings.ts"
import { browserBackendNames } from "../../engine/backends/names.ts"
import { createPool, type Pool } from "../../engine/index.ts"
import { browserLibrary } from "../../engine/store/browser.ts"
import { webWorkerHost } from "../../engine/worker/web-worker-factory.ts"
import type { BridgeState, HardwareReport, Status } from "../../protocol/index.ts"
import { browserName } from "./browser-name.ts"
import { type Preferences, readPreferences, usedBy, writePreferences } from "./preferences.ts"
import { WakeLock } from "./wake-lock.ts"

/** Where the built page's other files are; absolute paths. */
export interface WorkerFiles {
  worker: string
  webnnWorker: string
  clock: string
  /** The folder with ONNX Runtime's files. */
  runtime: string
  version: string
}

/** What the page shows. */
export interface WorkerView {
  bridge: BridgeState
  preferences: Preferences
  hardware?: HardwareReport
  status?: Status
  /** Whether the machine is on mains power; undefined where the browser does not tell. */
  isOnMains: boolean | undefined
  /** Whether the screen is kept on; undefined where the browser can't. */
  awake: boolean | undefined
  /** Why joining failed; undefined where it did not. */
  fault: unknown
  /** Another tab of this browser computes already. */
  elsewhere: boolean
}

/** Whether nothing is computed because the machine runs on battery. */
export function rests({ preferences, isOnMains }: WorkerView): boolean {
  return preferences.mainsOnly && isOnMains === false
}

const OWNER = { origin: "owner" }

/** This browser as a worker: a pool, its link to the bridge that served the page, and what the person set. */
export class BrowserWorker {
  readonly #files: WorkerFiles
  readonly #settings = idbSettings()
  readonly #clock: ReturnType<typeof workerClock>
  readonly #surroundings = new Surroundings()
  readonly #awake = new WakeLock(() => this.#tell())
  readonly #listeners = new Set<() => void>()
  #pool: Pool | undefined
  #link: BridgeLink | undefined
  #view: WorkerView = {
    bridge: { state: "none" },
    preferences: readPreferences(),
    isOnMains: undefined,
    awake: undefined,
    fault: undefined,
    elsewhere: false,
  }

  constructor(files: WorkerFiles) {
    this.#files = files
    this.#clock = workerClock(files.clock)
    this.#surroundings.onChange = () => void this.#follow()
  }

  get view(): WorkerView {
    return this.#view
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Starts when no other tab of this browser works, and joins: with `code` anew, else as the agent that it was. */
  async start(code: string | undefined): Promise<void> {
    await this.#alone()
    await this.#begin()
    if (code) await this.pair(code)
    else await this.#follow()
  }

  /** Joins the bridge that served this page with a one-time code. What is wrong with it is in `view.fault`. */
  async pair(code: string): Promise<void> {
    this.#set({ fault: undefined })
    this.#prefer({ paused: false })
    try {
      await this.#link?.pair(location.origin, code, AbortSignal.timeout(30_000))
    } catch (error) {
      this.#set({ fault: error })
    }
    await this.#follow()
  }

  async pause(): Promise<void> {
    this.#prefer({ paused: true })
    await this.#follow()
  }

  async resume(): Promise<void> {
    this.#prefer({ paused: false })
    await this.#follow()
  }

  async forget(): Promise<void> {
    this.#prefer({ paused: false })
    await this.#link?.forget()
  }

  /** What runs is run elsewhere, and loaded models are loaded anew. */
  async limit(limits: Pick<Preferences, "budgetMB" | "without" | "mainsOnly">): Promise<void> {
    this.#prefer({ budgetMB: undefined, ...limits })
    this.#link?.pause()
    this.#pool?.close()
    await this.#begin()
    await this.#follow()
  }

  /** Joins or leaves, as the person and the battery have it. */
  async #follow(): Promise<void> {
    this.#tell()
    if (this.#view.preferences.paused || rests(this.#view)) this.#link?.pause()
    else await this.#link?.start()
  }

  async #begin(): Promise<void> {
    const settings = this.#settings
    const browser = browserName(navigator, "ml" in navigator)
    const agent = (await settings.get("agent")) ?? `${browser}-${crypto.randomUUID().slice(0, 8)}`
    await settings.set("agent", agent)
    const incarnation = ((await settings.get("incarnation")) ?? 0) + 1
    await settings.set("incarnation", incarnation)
    const { worker, webnnWorker, runtime, version } = this.#files
    const { budgetMB, without } = this.#view.preferences
    const pool = createPool({
      agent,
      browser,
      version,
      hosts: browserBackendNames
        .filter((backend) => !without.includes(usedBy(backend)))
        .map((backend) =>
          webWorkerHost({ backend, workerUrl: backend === "webnn" ? webnnWorker : worker, assetsUrl: runtime }),
        ),
      models: browserLibrary(),
      ...(budgetMB !== undefined && { budgetBytes: budgetMB * 1e6 }),
      onMeasurement: (measurement) => link.record(measurement),
    })
    const link: BridgeLink = new BridgeLink({
      settings,
      pool,
      clock: this.#clock,
      agent,
      incarnation,
      browser,
      version,
      onChange: () => this.#bridge(link),
      onPaired: () => undefined,
    })
    this.#pool = pool
    this.#link = link
    pool.onChange(() => void this.#look(pool))
    void this.#look(pool)
  }

  #bridge(link: BridgeLink): void {
    if (link !== this.#link) return
    this.#awake.want(link.state.state === "connected")
    this.#set({ bridge: link.state })
  }

  async #look(pool: Pool): Promise<void> {
    const hardware = await pool.hardware()
    if (pool === this.#pool) this.#set({ hardware, status: pool.status(OWNER) })
  }

  /** Two tabs would be the same agent, and each would end the other's connection. */
  async #alone(): Promise<void> {
    await new Promise<void>((resolve) => {
      const name = "ipfs-accelerate worker page"
      const hold = () => {
        this.#set({ elsewhere: false })
        resolve()
        return new Promise<never>(() => undefined)
      }
      void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        if (lock) return hold()
        this.#set({ elsewhere: true })
        void navigator.locks.request(name, hold)
        return undefined
      })
    })
  }

  #prefer(change: Partial<Preferences>): void {
    this.#set({ preferences: { ...this.#view.preferences, ...change } })
    writePreferences(this.#view.preferences)
  }

  #set(change: Partial<WorkerView>): void {
    this.#view = { ...this.#view, ...change }
    this.#tell()
  }

  #tell(): void {
    this.#view = { ...this.#view, awake: this.#awake.held, isOnMains: this.#surroundings.isOnMains }
    for (const listener of this.#listeners) listener()
  }
}
