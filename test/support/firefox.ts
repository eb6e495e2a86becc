import { readFileSync } from "node:fs"
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "puppeteer-core"
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
  readonly browser: Browser
  /** The extension's options page. */
  readonly options: Page
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
  close(): Promise<void>
}

interface FirefoxSettings extends Pick<FirefoxOptions, "env" | "prefs" | "privateWindows"> {
  /** Kept between launches; a fresh temporary one where absent. */
  profileDir?: string
}

/** A real Firefox, headless, with the built extension. */
export async function launchFirefox({ profileDir, ...settings }: FirefoxSettings = {}): Promise<FirefoxBrowser> {
  const binary = findFirefox()
  if (!binary) throw new Error(FIREFOX_ABSENT)
  // A copy: a build that someone starts meanwhile must not pull the files from under a running browser.
  const dir = await mkdtemp(join(tmpdir(), "ipfa firefox "))
  const extension = join(dir, "extension")
  await cp(await ensureExtension("firefox-mv2"), extension, { recursive: true })
  await keepWorkers(extension)
  const profile = profileDir ?? (await mkdtemp(join(dir, "profile ")))
  await mkdir(profile, { recursive: true })
  const { browser, origin, options } = await openFirefox({ binary, extension, profile, headless: true, ...settings })
  return {
    browser,
    options,
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
      const pid = processTree(browser.process()?.pid as number).find((pid) => name(pid) === "WebExtensions")
      if (!pid) throw new Error("Firefox has no process for extensions.")
      process.kill(pid, "SIGKILL")
    },
    async close() {
      await browser.close()
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
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
