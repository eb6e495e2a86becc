import type { Page as PlaywrightPage } from "playwright-core"
import type { Page as PuppeteerPage } from "puppeteer-core"
import { pairChromium } from "../../../scripts/start/chromium.ts"
import { findPage, pairFirefox } from "../../../scripts/start/firefox.ts"
import { launchExtension } from "../../support/extension.ts"
import { launchFirefox } from "../../support/firefox.ts"
import { processMiB, processName, processTree } from "../../support/processes.ts"
import type { Fault } from "./fault-actor.ts"
import { Gate } from "./gate.ts"
import type { Tab } from "./page-work.ts"

/** What is held, by what holds it, MiB. */
export type Memory = Record<string, number>

/** A real browser with the extension, which has joined the bridge-server. */
export interface SoakBrowser {
  readonly name: "chromium" | "firefox"
  open(url: string): Promise<Tab>
  /** Has the page ask for this session, and allows it. */
  enable(tab: Tab): Promise<unknown>
  revoke(origin: string): Promise<unknown>
  /** What can be killed in it, by name. */
  readonly faults: Record<string, Fault["strike"]>
  /** Of its processes as they are, at work. */
  glance(): Promise<Memory>
  /** Of all that can be told apart, once garbage is collected. */
  memory(): Promise<Memory>
  close(): Promise<void>
}

/** Prompts open one at a time, as for a person. */
function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    last = done.catch(() => undefined)
    return done
  }
}

/** How long a person's click may take to get through, ms. */
const CLICK_MS = 120_000

/** How many prompts one session of WebDriver sees. Windows of 5 MB each that it keeps for an hour leave a heap that is full of holes when they go. */
const PROMPTS_A_SESSION = 10

const WASM_WORKER = "ipfs-accelerate wasm"

export async function openChromium(bridge: { ws: string; code: string }): Promise<SoakBrowser> {
  // So that a measurement collects garbage first, and at once.
  const browser = await launchExtension({ args: ["--enable-blink-features=ForceEagerMeasureMemory"] })
  const { context, devtools } = browser
  const options = await context.newPage()
  // A click waits for a page that paints, which a machine that compiles runtimes lets it do seldom.
  options.setDefaultTimeout(CLICK_MS)
  await pairChromium(options, bridge.ws, bridge.code)
  const turn = inTurn()
  const offscreen = async () => (await devtools.target("offscreen.html")) as string
  const glance = async () => {
    const processes = await devtools.processes()
    const pids = (isGpu: boolean) => processes.filter(({ type }) => (type === "GPU") === isGpu).map(({ id }) => id)
    return memoryOf({
      "chromium: GPU process": processMiB(pids(true)),
      "chromium: its other processes": processMiB(pids(false)),
    })
  }
  return {
    name: "chromium",
    async open(url) {
      const page = await context.newPage()
      await page.goto(url)
      return page as unknown as Tab
    },
    enable: (tab) => turn(() => browser.enable(tab as unknown as PlaywrightPage, "session")),
    revoke: (origin) => turn(() => browser.revoke(options, origin)),
    faults: {
      "service worker": async () => {
        const worker = await devtools.target("background.js")
        if (worker) await devtools.close(worker)
        return worker !== undefined
      },
      "wasm worker": async () => devtools.killWorker(await offscreen(), WASM_WORKER),
      "offscreen document": async () => {
        await devtools.close(await offscreen())
        return true
      },
    },
    async memory() {
      const pool = await devtools.evaluate<number>(
        await offscreen(),
        "performance.measureUserAgentSpecificMemory().then(({ bytes }) => bytes)",
      )
      return { "chromium: JavaScript and WebAssembly of the pool": pool / 2 ** 20, ...(await glance()) }
    },
    glance,
    close: () => browser.close(),
  }
}

export async function openFirefox(bridge: { ws: string; code: string }): Promise<SoakBrowser> {
  const firefox = await launchFirefox()
  await pairFirefox(firefox.options, bridge.ws, bridge.code)
  const turn = inTurn()
  const gate = new Gate()
  const tabs = new Set<FirefoxTab>()
  let prompts = 0
  /** Another session of WebDriver, and what `work` gives between the two. */
  const anew = <T>(work: () => T) =>
    gate.alone(async () => {
      const addresses = [...tabs].map((tab) => [tab, tab.page.url()] as const)
      const result = await firefox.undriven(work)
      for (const [tab, address] of addresses)
        tab.page = (await findPage(firefox.browser, address, () => false)) as PuppeteerPage
      return result
    })
  const processes = () => {
    const isOfExtensions = (pid: number) => processName(pid) === "WebExtensions"
    const children = processTree(firefox.pid).slice(1)
    return memoryOf({
      "firefox: main process": processMiB([firefox.pid]),
      "firefox: process of the extensions": processMiB(children.filter(isOfExtensions)),
      "firefox: its other processes": processMiB(children.filter((pid) => !isOfExtensions(pid))),
    })
  }
  return {
    name: "firefox",
    // WebDriver can fail to open a tab or to bring one to the front while another, or a prompt, goes.
    open: (url) =>
      turn(() =>
        gate.through(async () => {
          const page = await firefox.browser.newPage().catch(() => firefox.browser.newPage())
          await page.goto(url)
          const tab = new FirefoxTab(page, gate, (close) =>
            turn(() =>
              gate.through(() => {
                tabs.delete(tab)
                return close()
              }),
            ),
          )
          tabs.add(tab)
          return tab
        }),
      ),
    enable: (tab) =>
      turn(async () => {
        const granted = await gate.through(() => firefox.enable((tab as FirefoxTab).page, "session"))
        if (++prompts % PROMPTS_A_SESSION === 0) await anew(() => undefined)
        return granted
      }),
    revoke: (origin) => turn(() => gate.through(() => firefox.revoke(origin))),
    faults: {
      "wasm worker": () =>
        gate.through(async () => {
          await firefox.killWorker(WASM_WORKER)
          return true
        }),
    },
    glance: async () => processes(),
    memory: () => anew(processes),
    close: () => firefox.close(),
  }
}

/** A tab that outlives the session of WebDriver in which it was opened. */
class FirefoxTab implements Tab {
  page: PuppeteerPage
  readonly #gate: Gate
  readonly #closed: (close: () => Promise<void>) => Promise<void>
  /** `closed` is given what closes it, to be done in its turn. */
  constructor(page: PuppeteerPage, gate: Gate, closed: (close: () => Promise<void>) => Promise<void>) {
    this.page = page
    this.#gate = gate
    this.#closed = closed
  }
  evaluate: Tab["evaluate"] = (work: unknown, given?: unknown) =>
    this.#gate.through(() => this.page.evaluate(work as (given: unknown) => never, given))
  goto(url: string) {
    return this.#gate.through(() => this.page.goto(url))
  }
  reload() {
    return this.#gate.through(() => this.page.reload())
  }
  close() {
    return this.#closed(() => this.page.close())
  }
}

/** Without what could not be had. */
export function memoryOf(parts: Record<string, number | undefined>): Memory {
  return Object.fromEntries(Object.entries(parts).filter((part): part is [string, number] => part[1] !== undefined))
}
