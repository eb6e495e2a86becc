import { BridgeLink } from "../../engine/agent/bridge-link.ts"
import type { Clock } from "../../engine/agent/clock.ts"
import type { ConnectHost } from "../../engine/agent/host-dial.ts"
import { identify } from "../../engine/agent/identity.ts"
import type { SettingsStore } from "../../engine/agent/settings.ts"
import { Surroundings } from "../../engine/agent/surroundings.ts"
import type { Caller } from "../../engine/caller.ts"
import type { KeyedMeasurement } from "../../engine/index.ts"
import { type BenchmarkRecord, type HardwareReport, messagePort, type Port } from "../../protocol/index.ts"
import { Gate } from "../gate/gate.ts"
import type { GrantStore } from "../gate/grant-store.ts"
import { isGrantable } from "../gate/origin.ts"
import { Prompts } from "../gate/prompts.ts"
import { SiteSwitches } from "../gate/site-switches.ts"
import type { RoutedPort } from "../messages.ts"
import { eraseAll, eraseIfAsked } from "./erase.ts"
import { extensionPool } from "./extension-pool.ts"
import { idbJobs, JobLog } from "./job-log.ts"
import { Limits } from "./limits.ts"
import { Lives } from "./lives.ts"
import { mayTune } from "./may-tune.ts"
import { Owner } from "./owner.ts"
import { type PageSender, Pages } from "./pages.ts"
import { PendingUpdate } from "./pending-update.ts"
import { PreferenceKeeper } from "./preferences.ts"
import { PromptPages } from "./prompt-pages.ts"
import { RowLog } from "./row-log.ts"
import { tellPage, tellPerson } from "./unready.ts"
import { WorkingSign } from "./working-sign.ts"

/** What the supervisor needs of the place it lives in: Chromium's offscreen document, or Firefox's and Safari's background page. */
export interface SupervisorPlatform {
  browser: NonNullable<HardwareReport["devices"][number]["browser"]>
  version: string
  /** A name of this run of the browser. */
  browserSession: Promise<string>
  /** Opens the window that asks the person about that request. */
  showPrompt(id: string): Promise<void>
  grants: GrantStore
  settings: SettingsStore
  clock: Clock
  /** Whether the supervisor is wanted from the browser's start on. */
  autostart(on: boolean): void
  connectHost?: ConnectHost
  /** Restarts the extension, as its new version where there is one: this life ends. */
  restart(): void
  /** Whether anything is computed, for the toolbar. */
  showWorking(on: boolean): void
  /** Deletes what the browser keeps for the extension outside of the storage that this document has. */
  forget(): Promise<void>
}

/** Holds the pool, and decides who may use it for what. One to a browser profile. */
export class Supervisor {
  readonly lives = new Lives()
  readonly #platform: SupervisorPlatform
  /** Rejected where they can't be had, as where what is stored is of a newer version; whoever comes is then told why. */
  readonly #parts: Promise<Parts>

  constructor(platform: SupervisorPlatform) {
    this.#platform = platform
    this.#parts = assemble(platform)
  }

  /** Takes a page's MessagePort; `origin` and `isPrivate` are the browser's word on whose page it is, `life` what its extension port is named by. */
  accept(port: MessagePort, { origin, life, isPrivate }: RoutedPort): void {
    this.acceptPage(messagePort(port), { origin, isPrivate, ended: this.lives.ended(life) })
  }

  /** A page's connection. */
  acceptPage(port: Port, sender: PageSender): void {
    this.#parts.then(
      ({ pages }) => pages.accept(port, sender),
      (error: unknown) => tellPage(port, error),
    )
  }

  /** A connection of one of the extension's own pages. */
  acceptOwner(port: Port): void {
    this.#parts.then(
      ({ owner }) => owner.accept(port),
      (error: unknown) => tellPerson(port, error),
    )
  }

  /** The window that asked about request `id` is closed: without an answer that is a no. */
  promptClosed(id: string): void {
    this.#parts.then(
      ({ prompts }) => prompts.answer(id, "deny"),
      () => undefined,
    )
  }

  /** The browser has a new version of the extension, and waits with it. Where the parts can't be had nobody works, and it may be what they need. */
  updateAvailable(): void {
    this.#parts.then(
      ({ update }) => update.arrived(),
      () => this.#platform.restart(),
    )
  }
}

/** Who sees everybody's jobs. */
const PERSON: Caller = { origin: "owner" }

interface Parts {
  pages: Pages
  owner: Owner
  prompts: Prompts
  update: PendingUpdate
}

async function assemble(platform: SupervisorPlatform): Promise<Parts> {
  const { browser, version, settings, grants: store, showPrompt, clock, autostart, connectHost } = platform
  const browserSession = await platform.browserSession
  const unerased = await eraseIfAsked(platform.forget)
  const { agent, incarnation } = await identify(settings, browser)

  const preferences = await PreferenceKeeper.open(settings)
  const sites = await SiteSwitches.open(settings)
  const surroundings = new Surroundings()
  // What device choices go by after a restart: nothing of what a site brought itself.
  const measured = new RowLog<KeyedMeasurement>("measurements", 2000)
  const benchmarks = new RowLog<BenchmarkRecord>("benchmarks", 500)
  const jobs = await JobLog.open(idbJobs())
  const { pool, models, windowModels } = extensionPool({
    agent,
    browser,
    version,
    measurements: await measured.all(),
    // What a site brought is kept as long as it is granted anything; what the person or the bridge has is no site's.
    keepsFor: (owner) => !isGrantable(owner) || gate.holds(owner),
    mayTune: mayTune(() => preferences.current.measureIdle && !preferences.current.paused, surroundings),
    mayDownload: () => preferences.current.onMetered || !surroundings.isMetered,
    onMeasurement(measurement, key) {
      if (key !== undefined) measured.add({ ...measurement, key })
      bridge.record(measurement)
    },
    onJob: (job) => jobs.add(job),
    onBenchmark: (benchmark) => benchmarks.add(benchmark),
  })
  const prompts: Prompts = new Prompts({ show: showPrompt, close: (id) => promptPages.close(id) })
  const promptPages = new PromptPages(prompts)
  const onChange = () => owner.changed()
  const gate: Gate = await Gate.open({
    store,
    prompts,
    browserSession,
    uploaded: (...what) => windowModels.uploaded(...what),
    onChange,
    most: () => preferences.current,
    bars: ({ origin, isPrivate }) => sites.isOff(origin) || (isPrivate && !preferences.current.privateWindows),
  })
  const bridge: BridgeLink = new BridgeLink({
    settings,
    pool,
    clock,
    agent,
    incarnation,
    browser,
    version,
    ...(connectHost && { connectHost }),
    onChange,
    onPaired: autostart,
  })
  const limits = new Limits({ pool, models, gate, bridge, preferences, surroundings })
  const owner: Owner = new Owner({
    gate,
    prompts: promptPages,
    pool,
    bridge,
    jobs,
    benchmarks,
    preferences,
    sites,
    models,
    limits,
    unerased,
    erase: () => eraseAll(gate, bridge),
  })
  const sign = new WorkingSign(platform.showWorking)
  const update = new PendingUpdate(platform.restart, () => {
    const { running, waiting } = pool.status(PERSON).jobs
    return running + waiting > 0
  })
  pool.onChange(() => {
    sign.update(pool.status(PERSON).jobs.running)
    update.look()
    onChange()
  })
  await limits.obey()
  surroundings.onChange = () => void limits.obey().then(onChange)
  return { pages: new Pages(gate, pool, () => windowModels.forgetPrivate()), owner, prompts, update }
}
