import { BridgeLink } from "../../engine/agent/bridge-link.ts"
import type { Clock } from "../../engine/agent/clock.ts"
import type { ConnectHost } from "../../engine/agent/host-dial.ts"
import type { SettingsStore } from "../../engine/agent/settings.ts"
import {
  type BenchmarkRecord,
  type HardwareReport,
  type Measurement,
  messagePort,
  type Port,
} from "../../protocol/index.ts"
import { Gate } from "../gate/gate.ts"
import type { GrantStore } from "../gate/grant-store.ts"
import { isGrantable } from "../gate/origin.ts"
import { Prompts, type PromptWindow } from "../gate/prompts.ts"
import { extensionPool } from "./extension-pool.ts"
import { idbJobs, JobLog } from "./job-log.ts"
import { Lives } from "./lives.ts"
import { mayTune } from "./may-tune.ts"
import { Owner } from "./owner.ts"
import { Pages } from "./pages.ts"
import { PreferenceKeeper } from "./preferences.ts"
import { RowLog } from "./row-log.ts"

/** What the supervisor needs of the place it lives in: Chromium's offscreen document, or Firefox's and Safari's background page. */
export interface SupervisorPlatform {
  browser: NonNullable<HardwareReport["devices"][number]["browser"]>
  version: string
  /** A name of this run of the browser. */
  browserSession: string
  promptWindow: PromptWindow
  grants: GrantStore
  settings: SettingsStore
  clock: Clock
  /** Whether the supervisor is wanted from the browser's start on. */
  autostart(on: boolean): void
  connectHost?: ConnectHost
}

/** Holds the pool, and decides who may use it for what. One to a browser profile. */
export class Supervisor {
  readonly lives = new Lives()
  readonly #parts: Promise<{ pages: Pages; owner: Owner; prompts: Prompts }>

  constructor(platform: SupervisorPlatform) {
    this.#parts = assemble(platform)
  }

  /** Takes a page's MessagePort; `origin` is the browser's word on whose page it is, `life` what its extension port is named by. */
  accept(port: MessagePort, origin: string, life: string): void {
    this.acceptPage(messagePort(port), origin, this.lives.ended(life))
  }

  /** A page's connection; `origin` is the browser's word. Where the port doesn't tell of its end, `ended` does. */
  acceptPage(port: Port, origin: string, ended?: Promise<void>): void {
    void this.#parts.then(({ pages }) => pages.accept(port, origin, ended))
  }

  /** A connection of one of the extension's own pages. */
  acceptOwner(port: Port): void {
    void this.#parts.then(({ owner }) => owner.accept(port))
  }

  /** The window that asked about request `id` is closed: without an answer that is a no. */
  promptClosed(id: string): void {
    void this.#parts.then(({ prompts }) => prompts.answer(id, "deny"))
  }
}

async function assemble(platform: SupervisorPlatform): Promise<{ pages: Pages; owner: Owner; prompts: Prompts }> {
  const {
    browser,
    version,
    settings,
    grants: store,
    browserSession,
    promptWindow,
    clock,
    autostart,
    connectHost,
  } = platform
  const agent = (await settings.get("agent")) ?? `${browser}-${crypto.randomUUID().slice(0, 8)}`
  await settings.set("agent", agent)
  const incarnation = ((await settings.get("incarnation")) ?? 0) + 1
  await settings.set("incarnation", incarnation)

  const preferences = await PreferenceKeeper.open(settings)
  // What device choices go by after a restart.
  const measured = new RowLog<Measurement>("measurements", 2000)
  const benchmarks = new RowLog<BenchmarkRecord>("benchmarks", 500)
  const jobs = await JobLog.open(idbJobs())
  const { pool, uploaded } = extensionPool({
    agent,
    browser,
    version,
    measurements: await measured.all(),
    // What a site brought is kept as long as it is granted anything; what the person or the bridge has is no site's.
    keepsFor: (owner) => !isGrantable(owner) || gate.holds(owner),
    mayTune: mayTune(() => preferences.current.measureIdle),
    onMeasurement(measurement) {
      measured.add(measurement)
      bridge.record(measurement)
    },
    onJob: (job) => jobs.add(job),
    onBenchmark: (benchmark) => benchmarks.add(benchmark),
  })
  const prompts = new Prompts(promptWindow)
  const onChange = () => owner.changed()
  const gate: Gate = await Gate.open({ store, prompts, browserSession, uploaded, onChange })
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
  const owner: Owner = new Owner({ gate, prompts, pool, bridge, jobs, benchmarks, preferences })
  pool.onChange(onChange)
  await bridge.start()
  return { pages: new Pages(gate, pool), owner, prompts }
}
