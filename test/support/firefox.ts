import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { type Browser, connect, type Page } from "puppeteer-core"
import { findFirefox } from "../../bridge-server/browsers.ts"
import { GECKO_ID } from "../../extension/id.ts"
import type { Answer, Grant } from "../../protocol/index.ts"
import { FIREFOX_ABSENT } from "../../scripts/browsers.ts"
import { ensureExtension } from "../../scripts/build-extension.ts"
import { type FirefoxOptions, findPage, openFirefox } from "../../scripts/start/firefox.ts"
import { noteClick, type PageFault } from "./extension.ts"
import { processTree } from "./processes.ts"

// A test file's process is ended by this signal. Firefox ends with its starter's `exit`, so that also one goes that a hook out of time never closed.
process.once("SIGTERM", () => process.exit(143))

/** Why tests in Firefox are skipped, to follow their title; empty where it is there. */
export const noFirefox = findFirefox() ? "" : ` (${FIREFOX_ABSENT})`

export interface FirefoxBrowser {
  /** Another one after `undriven`. */
  readonly browser: Browser
  /** The extension's options page; another one after `undriven`. */
  readonly options: Page
  /** Its main process. */
  readonly pid: number
  /** Has the page ask, and answers the prompt as a person does. */
  enable(page: Page, answer: Answer, request?: { reason?: string }): Promise<Grant | PageFault>
  /** Takes back what an origin was granted, on the options page, as a person does; when the click came to the button, ms since 1970. */
  revoke(origin: string): Promise<number>
  /** Ends the supervisor's dedicated worker of that name. */
  killWorker(name: string): Promise<void>
  /** Installs a newer version over the extension. Its options page goes. */
  update(): Promise<void>
  remove(): Promise<void>
  /** Kills the process that all extensions live in, with the options page in it. Firefox starts another. */
  killExtensionProcess(): void
  /** Does `work` while no WebDriver is connected and garbage has been collected: WebDriver keeps every window in which a page of an extension was, 5 MB each. Linux only. All pages that there were before are to be found anew. */
  undriven<T>(work: () => T): Promise<T>
  close(): Promise<void>
}

interface FirefoxSettings extends Pick<FirefoxOptions, "env" | "prefs" | "privateWindows"> {
  /** Kept between launches; a fresh temporary one where absent. */
  profileDir?: string
}

/** A real Firefox, headless, with the built extension. */
export async function launchFirefox({
  profileDir,
  env = process.env,
  ...settings
}: FirefoxSettings = {}): Promise<FirefoxBrowser> {
  const binary = findFirefox()
  if (!binary) throw new Error(FIREFOX_ABSENT)
  // A copy: a build that someone starts meanwhile must not pull the files from under a running browser.
  const dir = await mkdtemp(join(tmpdir(), "ipfa firefox "))
  const extension = join(dir, "extension")
  await cp(await ensureExtension("firefox-mv2"), extension, { recursive: true })
  await keepWorkers(extension)
  const profile = profileDir ?? (await mkdtemp(join(dir, "profile ")))
  await mkdir(profile, { recursive: true })
  const opened = await openFirefox({
    binary,
    extension,
    profile,
    headless: true,
    env: { ...env, TMPDIR: dir },
    ...settings,
  })
  const { origin } = opened
  let { browser, options } = opened
  const child = browser.process() as ChildProcess
  const pid = child.pid as number
  return {
    get browser() {
      return browser
    },
    get options() {
      return options
    },
    pid,
    async enable(page, answer, request = {}) {
      const granted: Promise<Grant | PageFault> = page.evaluate(
        (request) =>
          window.ipfsAccelerate
            .enable({ capabilities: ["infer"], ...request })
            .catch(({ code, message }: PageFault): PageFault => ({ code, message })),
        request,
      )
      let over = false
      void granted.then(() => (over = true))
      const prompt = await findPage(browser, `${origin}/prompt.html`, () => over)
      // Waits until the button is there and enabled.
      await prompt?.locator(`[data-testid=${answer === "deny" ? "deny" : `allow-${answer}`}]`).click()
      return granted
    },
    async revoke(origin) {
      // What is behind another tab paints nothing, and a click waits for that.
      await options.bringToFront()
      const site = `[data-testid=site][data-origin="${origin}"]`
      const revoke = await options.waitForSelector(`${site} [data-testid=revoke]`)
      await revoke?.evaluate(noteClick)
      await revoke?.click()
      await options.waitForFunction((button) => !button?.isConnected, {}, revoke)
      return options.evaluate(() => window.clickedAt)
    },
    killWorker: (name) =>
      options.evaluate((name) => {
        const { workers } = (globalThis as unknown as Extension).browser.extension.getBackgroundPage()
        const worker = workers[name]
        if (!worker) throw new Error(`There is no worker ${name}.`)
        worker.terminate()
      }, name),
    async update() {
      const file = join(extension, "manifest.json")
      const manifest = JSON.parse(await readFile(file, "utf8")) as { version: string }
      await writeFile(file, JSON.stringify({ ...manifest, version: `${manifest.version}.1` }))
      await browser.installExtension(extension)
    },
    remove: () => browser.uninstallExtension(GECKO_ID),
    killExtensionProcess() {
      const name = (pid: number) => readFileSync(`/proc/${pid}/comm`, "utf8").trim()
      const its = processTree(pid).find((pid) => name(pid) === "WebExtensions")
      if (!its) throw new Error("Firefox has no process for extensions.")
      process.kill(its, "SIGKILL")
    },
    async undriven(work) {
      const address = browser.wsEndpoint()
      await browser.disconnect()
      await collectGarbage(pid, dir)
      const result = work()
      browser = await connect({ browserWSEndpoint: address, protocol: "webDriverBiDi", defaultViewport: null })
      options = (await findPage(browser, `${origin}/options.html`, () => false)) as Page
      return result
    },
    async close() {
      await browser.close()
      // Who connected later does not wait for that.
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Signal by which Firefox frees what it can, and then writes what it holds into a file: SIGRTMIN + 1. */
const MINIMIZE_MEMORY = 35

/** Has Firefox collect garbage in all its processes. `dir`: where it puts temporary files. */
async function collectGarbage(pid: number, dir: string): Promise<void> {
  const report = async () => (await readdir(dir)).find((name) => name.startsWith("unified-memory-report"))
  // Some of it goes with the second time only.
  for (let i = 0; i < 2; i++) {
    process.kill(pid, MINIMIZE_MEMORY)
    let written: string | undefined
    while (!written) {
      await delay(100)
      written = await report()
    }
    await rm(join(dir, written))
  }
}

/** The extension's API in its own pages, and what `keepWorkers` leaves in the background page. */
interface Extension {
  browser: { extension: { getBackgroundPage(): { workers: Partial<Record<string, Worker>> } } }
}

/** Has the background page keep the last worker of each name that it starts, so that they can be ended: WebDriver reaches none of an extension. */
async function keepWorkers(extension: string): Promise<void> {
  const page = join(extension, "background-page.html")
  // Runs before the page's own scripts, which are modules: it starts its first workers at once.
  await writeFile(
    page,
    (await readFile(page, "utf8")).replace("<head>", '<head><script src="/keep-workers.js"></script>'),
  )
  await writeFile(
    join(extension, "keep-workers.js"),
    `globalThis.workers = {}
    globalThis.Worker = class extends Worker {
      constructor(url, options) {
        super(url, options)
        workers[options?.name] = this
      }
    }`,
  )
}
