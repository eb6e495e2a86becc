import type { SoakBrowser } from "./browsers.ts"
import type { Draws } from "./draws.ts"
import { drawBatch, drawLongBatch, firstBatches } from "./jobs.ts"
import type { Ledger, Step } from "./ledger.ts"
import { allInPage, beginInPage, firstInPage, runInPage, type Tab, type Workplace } from "./page-work.ts"

export interface PageActorOptions {
  name: string
  browser: SoakBrowser
  /** `http://HOST:PORT`, of this actor alone: what it may do is taken from it. */
  site: string
  /** The folder that it serves below `/batches/`. */
  batches: string
  devices: readonly string[]
  draws: Draws
  ledger: Ledger
}

const CANCELLED = ["IPFA_JOB_CANCELLED"]
const REVOKED = ["IPFA_GRANT_REVOKED", "IPFA_GRANT_REQUIRED"]
const WEIGHTS = { run: 6, abort: 3, close: 1, reload: 1, revoke: 1 }

/** One site that a person has open: computes, changes its mind, is closed, is forbidden and allowed again. */
export class PageActor {
  readonly #options: PageActorOptions
  #tab!: Tab
  #steps = 0

  constructor(options: PageActorOptions) {
    this.#options = options
  }

  /** Opens the page, is allowed, and runs each model once on each device. */
  async start(): Promise<void> {
    const { devices } = this.#options
    const step = this.#step("start")
    await step.act(async () => {
      await this.#open()
      await this.#allowed()
    })
    for (const device of devices)
      for (const batch of firstBatches) await step.batch(batch, () => runInPage(this.#workplace, { ...batch, device }))
  }

  /** One action, to its end. */
  async act(): Promise<void> {
    const { draws, devices, browser, site } = this.#options
    const action = draws.weighed(WEIGHTS)
    const device = draws.pick(devices)
    const step = this.#step(action)
    if (action === "run" || action === "abort") {
      const batch = { ...drawBatch(draws), device }
      if (action === "abort") batch.abortAfter = draws.between(1, batch.jobs.length)
      return step.batch(batch, () => runInPage(this.#workplace, batch), action === "abort" ? CANCELLED : [])
    }
    const batch = { ...drawLongBatch(draws), device }
    if (!(await step.act(() => beginInPage(this.#workplace, batch).then(() => firstInPage(this.#workplace))))) return
    switch (action) {
      case "close":
        await step.act(() => this.#tab.close())
        step.dropped(batch)
        await step.act(() => this.#open())
        return
      case "reload":
        await step.act(() => this.#tab.reload())
        step.dropped(batch)
        return
      case "revoke":
        await step.act(() => browser.revoke(site))
        await step.batch(batch, () => allInPage(this.#workplace), REVOKED)
        await step.act(() => this.#allowed())
    }
  }

  get #workplace(): Workplace {
    return { tab: this.#tab, batches: this.#options.batches }
  }

  #step(action: string): Step {
    return this.#options.ledger.step(this.#options.name, ++this.#steps, action)
  }

  async #open(): Promise<void> {
    this.#tab = await this.#options.browser.open(this.#options.site)
  }

  async #allowed(): Promise<void> {
    const granted = (await this.#options.browser.enable(this.#tab)) as { code?: string }
    if (granted.code) throw granted
  }
}
