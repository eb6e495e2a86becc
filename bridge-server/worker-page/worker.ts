import { BridgeLink } from "../../engine/agent/bridge-link.ts"
import { workerClock } from "../../engine/agent/clock.ts"
import { identify } from "../../engine/agent/identity.ts"
import { idbSettings } from "../../engine/agent/settings.ts"
import { Surroundings } from "../../engine/agent/surroundings.ts"
import { browserBackendNames } from "../../engine/backends/names.ts"
import { createPool, type Pool } from "../../engine/index.ts"
import { browserLibrary } from "../../engine/store/browser.ts"
import type { ModelLibrary } from "../../engine/store/library.ts"
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
  /** What the models stored here take, bytes, with what is left of some that came in part; undefined until that is known. */
  stored: number | undefined
  /** Why what was last asked for failed; undefined where it did not. */
  fault: unknown
  /** Another tab of this browser computes already. */
  elsewhere: boolean
  /** A code is there to join with, once it is this tab's turn. */
  codeWaits: boolean
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
  #models: ModelLibrary | undefined
  #pool: Pool | undefined
  #link: BridgeLink | undefined
  #beginning: Promise<BridgeLink> | undefined
  /** No other tab of this browser computes while this one is there. */
  #isAlone = false
  #view: WorkerView = {
    bridge: { state: "none" },
    preferences: readPreferences(),
    isOnMains: undefined,
    awake: undefined,
    stored: undefined,
    fault: undefined,
    elsewhere: false,
    codeWaits: false,
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
    if (code) return this.pair(code)
    await this.#attempt(() => this.#ready())
    await this.#follow()
  }

  /** Joins the bridge that served this page with a one-time code, once it is this tab's turn. */
  async pair(code: string): Promise<void> {
    this.#set({ codeWaits: true })
    await this.#act(async () => {
      const link = await this.#ready()
      this.#prefer({ paused: false })
      await link.pair(location.origin, code, AbortSignal.timeout(30_000))
    })
    this.#set({ codeWaits: false })
    await this.#follow()
  }

  async pause(): Promise<void> {
    await this.#act(async () => this.#prefer({ paused: true }))
    await this.#follow()
  }

  async resume(): Promise<void> {
    await this.#act(async () => this.#prefer({ paused: false }))
    await this.#follow()
  }

  /** Leaves the bridge and forgets its token. */
  async forget({ deleteModels = false } = {}): Promise<void> {
    await this.#act(async () => {
      try {
        if (deleteModels) {
          // First, or it would send more of them.
          this.#link?.pause()
          await this.#models?.deleteAll()
        }
      } finally {
        await this.#link?.forget()
      }
      this.#prefer({ paused: false })
    })
    await this.#attempt(() => this.#count())
  }

  /** What a bridge needs of them, it sends again. */
  async deleteModels(): Promise<void> {
    await this.#act(async () => this.#models?.deleteAll())
    await this.#attempt(() => this.#count())
  }

  /** What runs is run elsewhere, and loaded models are loaded anew. */
  async limit(limits: Pick<Preferences, "budgetMB" | "without" | "mainsOnly">): Promise<void> {
    await this.#act(async () => {
      this.#prefer({ budgetMB: undefined, ...limits })
      if (!this.#link) return
      this.#link.pause()
      this.#pool?.close()
      this.#link = this.#pool = this.#beginning = undefined
      await this.#ready()
    })
    await this.#follow()
  }

  /** Does what the person asked for. What is in the way of it is in `view.fault`. */
  async #act(work: () => Promise<unknown>): Promise<void> {
    this.#set({ fault: undefined })
    await this.#attempt(work)
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (fault) {
      this.#set({ fault })
    }
  }

  /** Joins or leaves, as the person and the battery have it. */
  async #follow(): Promise<void> {
    this.#tell()
    if (this.#view.preferences.paused || rests(this.#view)) this.#link?.pause()
    else await this.#attempt(async () => this.#link?.start())
  }

  /** Once it is this tab's turn. Where it fails it may be tried again. */
  #ready(): Promise<BridgeLink> {
    const beginning = this.#beginning ?? this.#alone().then(() => this.#begin())
    this.#beginning = beginning
    beginning.catch(() => {
      this.#beginning = undefined
    })
    return beginning
  }

  async #begin(): Promise<BridgeLink> {
    const settings = this.#settings
    const browser = browserName(navigator, "ml" in navigator)
    const { agent, incarnation } = await identify(settings, browser)
    const { worker, webnnWorker, runtime, version } = this.#files
    const { budgetMB, without } = this.#view.preferences
    const models = browserLibrary()
    const pool = createPool({
      agent,
      browser,
      version,
      hosts: browserBackendNames
        .filter((backend) => !without.includes(usedBy(backend)))
        .map((backend) =>
          webWorkerHost({ backend, workerUrl: backend === "webnn" ? webnnWorker : worker, assetsUrl: runtime }),
        ),
      models,
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
    this.#models = models
    this.#pool = pool
    this.#link = link
    pool.onChange(() => void this.#look(pool))
    void this.#look(pool)
    return link
  }

  #bridge(link: BridgeLink): void {
    if (link !== this.#link) return
    this.#awake.want(link.state.state === "connected")
    this.#set({ bridge: link.state })
  }

  async #look(pool: Pool): Promise<void> {
    const hardware = await pool.hardware()
    if (pool !== this.#pool) return
    this.#set({ hardware, status: pool.status(OWNER) })
    await this.#attempt(() => this.#count())
  }

  async #count(): Promise<void> {
    this.#set({ stored: (await this.#models?.list())?.usedBytes })
  }

  /** Two tabs would be the same agent, and each would end the other's connection. */
  #alone(): Promise<void> {
    if (this.#isAlone) return Promise.resolve()
    return new Promise<void>((resolve, reject) => {
      const name = "ipfs-accelerate worker page"
      const hold = () => {
        this.#isAlone = true
        this.#set({ elsewhere: false })
        resolve()
        return new Promise<never>(() => undefined)
      }
      const first = navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        if (lock) return hold()
        this.#set({ elsewhere: true })
        navigator.locks.request(name, hold).catch(reject)
        return undefined
      })
      first.catch(reject)
    })
  }

  /** Holds from now on, and after a reload where the browser keeps it. */
  #prefer(change: Partial<Preferences>): void {
    this.#set({ preferences: { ...this.#view.preferences, ...change } })
    try {
      writePreferences(this.#view.preferences)
    } catch (fault) {
      this.#set({ fault })
    }
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
