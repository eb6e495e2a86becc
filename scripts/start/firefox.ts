import { createHash } from "node:crypto"
import { mkdir } from "node:fs/promises"
import { setTimeout as delay } from "node:timers/promises"
import { type Browser, launch, type Page } from "puppeteer-core"
import { GECKO_ID } from "../../extension/id.ts"
import { type JoinOptions, PAIRED_OR_NOT } from "./chromium.ts"
import { type DrivenBrowser, joining } from "./driven.ts"

export interface FirefoxOptions {
  binary: string
  /** Folder of the unpacked extension. */
  extension: string
  /** Folder of a profile of its own, which exists. */
  profile: string
  headless: boolean
  /** Default: this process's. */
  env?: NodeJS.ProcessEnv
  /** Preferences, beside those that WebGPU and the extension need. */
  prefs?: Record<string, unknown>
  /** Lets the extension into private windows. */
  privateWindows?: boolean
}

export interface OpenedFirefox {
  browser: Browser
  /** `moz-extension://UUID` */
  origin: string
  /** The options page. WebDriver may not open an extension's page; the extension does when it is loaded unpacked. */
  options: Page
}

/** How long the options page may take to open, ms. */
const OPTIONS_MS = 30_000

/** How long a page may take to say where it is, ms: one that goes just then may never answer. */
const ANSWER_MS = 2000

/** What a page answers, if it does soon. */
function soon<T>(answer: Promise<T>): Promise<T | undefined> {
  const late = delay(ANSWER_MS, undefined, { ref: false })
  return Promise.race([answer, late]).catch(() => undefined)
}

/** The page at an address that begins so, once it is there; undefined once `over`. Puppeteer itself misses where a window's first page went. */
export async function findPage(browser: Browser, address: string, over: () => boolean): Promise<Page | undefined> {
  while (!over()) {
    for (const page of await browser.pages()) {
      const at = await soon(page.evaluate(() => location.href))
      if (at?.startsWith(address)) return page
    }
    await delay(10)
  }
  return undefined
}

/** WebGPU, also where Firefox has it switched off or mistrusts the driver. */
export const webgpuPrefs = { "dom.webgpu.enabled": true, "gfx.webgpu.ignore-blocklist": true }

/** Opens Firefox with the extension and with WebGPU, which it has switched off on some platforms. */
export async function openFirefox({
  binary,
  extension,
  profile,
  headless,
  env,
  prefs,
  privateWindows = false,
}: FirefoxOptions): Promise<OpenedFirefox> {
  // The extension's origin, which Firefox would draw by lot: the same each time, so that what it stored is found again.
  const uuid = profileUuid(profile)
  const browser = await launch({
    browser: "firefox",
    executablePath: binary,
    headless,
    userDataDir: profile,
    defaultViewport: null,
    ...(env && { env }),
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    extraPrefsFirefox: {
      ...webgpuPrefs,
      "extensions.webextensions.uuids": JSON.stringify({ [GECKO_ID]: uuid }),
      // An extension that is loaded unpacked goes when Firefox ends; its storage and origin stay.
      "extensions.webextensions.keepStorageOnUninstall": true,
      "extensions.webextensions.keepUuidOnUninstall": true,
      ...prefs,
    },
  })
  try {
    // Puppeteer's own method has no such parameter.
    const { connection } = browser as unknown as {
      connection: { send(method: string, params: object): Promise<unknown> }
    }
    const extensionData = { type: "path", path: extension }
    await connection.send("webExtension.install", { extensionData, "moz:allowPrivateBrowsing": privateWindows })
    const origin = `moz-extension://${uuid}`
    const end = Date.now() + OPTIONS_MS
    const options = await findPage(browser, `${origin}/options.html`, () => Date.now() > end)
    if (!options) throw new Error("the extension did not open its options page")
    // Let into private windows, the extension starts twice, and the page that the first opened is an empty one.
    const comeUp = () => soon<unknown>(options.evaluate("globalThis.browser?.runtime !== undefined"))
    for (let up = !privateWindows || (await comeUp()); !up; up = await comeUp()) {
      if (Date.now() > end) throw new Error("the extension's options page did not come up")
      // One that does not answer may be loading: it would be loaded once more after it had come up.
      if (up === false) await soon(options.evaluate("void location.reload()"))
      await delay(500)
    }
    return { browser, origin, options }
  } catch (error) {
    await browser.close()
    throw error
  }
}

/** Opens Firefox in a profile of its own and pairs it with the bridge the way a person does: on the options page. */
export async function joinFirefox({ bridge, code, stop, ...options }: JoinOptions): Promise<DrivenBrowser> {
  await mkdir(options.profile, { recursive: true })
  const { browser, options: page } = await openFirefox(options)
  return joining({ close: () => browser.close() }, stop, async () => {
    await pairFirefox(page, bridge, code)
    if (options.headless) await page.goto("about:blank")
  })
}

/** Pairs on the options page, whatever it was paired with before. */
export async function pairFirefox(page: Page, bridge: string, code: string): Promise<void> {
  const at = (id: string) => page.locator(`[data-testid=${id}]`)
  await page.waitForSelector(PAIRED_OR_NOT, { timeout: 30_000 })
  const state = await page.$("[data-testid=bridge-state]")
  if ((await state?.evaluate((element) => element.getAttribute("data-state"))) !== "none")
    await at("forget-bridge").click()
  await at("bridge-address").fill(bridge.replace(/^ws:\/\//, ""))
  await at("bridge-code").fill(code)
  await at("pair-bridge").click()
  await page.waitForSelector("[data-testid=bridge-state][data-state=connected]", { timeout: 60_000 })
}

function profileUuid(profile: string): string {
  const hex = createHash("sha256").update(profile).digest("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
