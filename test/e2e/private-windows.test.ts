import { createHash } from "node:crypto"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { EXTENSION_ID } from "../../extension/id.ts"
import english from "../../extension/public/_locales/en/messages.json" with { type: "json" }
import type { Grant } from "../../protocol/index.ts"
import { findPage } from "../../scripts/start/firefox.ts"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { launchFirefox, noFirefox } from "../support/firefox.ts"
import { kept } from "../support/kept.ts"
import { axeFaults } from "../support/screens.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** What is done alike in both browsers. */
interface PrivateBrowser {
  /** A page in a private window, and one in a usual window. */
  open(url: string, isPrivate: boolean): Promise<Asker>
  allow(): Promise<void>
  kept(): ReturnType<typeof kept>
  close(): Promise<void>
}
interface Asker {
  enable(): Promise<Grant | PageFault>
  run(model: number[], image: number[]): Promise<number[]>
  close(): Promise<void>
}

async function run([model, image]: readonly [number[], number[]]): Promise<number[]> {
  const session = await window.ipfsAccelerate.load(new Uint8Array(model), { device: "wasm" })
  const data = Float32Array.from(image)
  const { outputs } = await session.run({ image: { dtype: "float32", shape: [1, 1, 8, 8], data } })
  await session.dispose()
  return [...outputs.logits.data] as number[]
}

interface PrivateChromium extends PrivateBrowser {
  readonly options: Page
  /** The popup as it is over the private window. */
  popup(): Promise<Page>
}

async function inChromium(): Promise<PrivateChromium> {
  // Without developer mode an extension whose permissions were changed stays off.
  const profileDir = await mkdtemp(join(tmpdir(), "ipfa profile "))
  await mkdir(join(profileDir, "Default"))
  const preferences = { extensions: { ui: { developer_mode: true } } }
  await writeFile(join(profileDir, "Default", "Preferences"), JSON.stringify(preferences))
  const browser = await launchExtension({ profileDir, software: false })
  const before = await browser.devtools.target("background.js")
  const settings = await browser.context.newPage()
  await settings.goto("chrome://extensions/")
  await settings.evaluate(async (extensionId) => {
    type Private = { updateExtensionConfiguration(changes: object): Promise<void> }
    const { developerPrivate } = chrome as unknown as { developerPrivate: Private }
    await developerPrivate.updateExtensionConfiguration({ extensionId, incognitoAccess: true })
  }, EXTENSION_ID)
  const startedAnew = async () =>
    expect([before, undefined]).not.toContain(await browser.devtools.target("background.js"))
  await vi.waitFor(startedAnew, 20_000)
  const options = await browser.openOwn("options.html")
  expect(await options.evaluate(() => chrome.extension.isAllowedIncognitoAccess())).toBe(true)
  return {
    options,
    async popup() {
      const popup = await browser.context.newPage()
      // In a tab it would be about its own window.
      await popup.addInitScript(() => {
        const { browser = chrome } = globalThis as { browser?: typeof chrome }
        for (const { tabs } of new Set([chrome, browser])) {
          const query = tabs.query.bind(tabs)
          const value = async () => (await query({})).filter(({ incognito }) => incognito)
          Object.defineProperty(tabs, "query", { value })
        }
      })
      await popup.goto(options.url().replace("options", "popup"))
      return popup
    },
    async open(url, isPrivate) {
      const opened = browser.context.waitForEvent("page", { predicate: (page) => page.url().startsWith(url) })
      await options.evaluate(([url, incognito]) => void chrome.windows.create({ url, incognito }), [
        url,
        isPrivate,
      ] as const)
      const page = await opened
      await page.waitForFunction("window.ipfsAccelerate")
      return {
        enable: () => browser.enable(page, "always"),
        run: (...what) => page.evaluate(run, what),
        close: () => page.close(),
      }
    },
    async allow() {
      await options.bringToFront()
      await options.getByTestId("private-windows").click()
      await options.locator("[data-testid=private-windows]:checked").waitFor()
    },
    kept: () => options.evaluate(kept),
    async close() {
      await browser.close()
      await rm(profileDir, { recursive: true, force: true })
    },
  }
}

async function inFirefox(): Promise<PrivateBrowser> {
  const firefox = await launchFirefox({ privateWindows: true })
  const { browser, options } = firefox
  type Windows = { windows: { create(how: object): Promise<unknown> } }
  return {
    async open(url, isPrivate) {
      let fault: unknown
      const opened = () => {
        const asked = options.evaluate(
          async (url, incognito) => {
            await (globalThis as unknown as { browser: Windows }).browser.windows.create({ url, incognito })
          },
          url,
          isPrivate,
        )
        asked.catch((error) => (fault = error))
        const end = Date.now() + 12_000
        return findPage(browser, url, () => Date.now() > end)
      }
      // A window that is asked for while the extension starts a second time may never come: it is asked for again.
      const page = (await opened()) ?? (await opened())
      if (!page) throw new Error(`${url} did not open`, { cause: fault })
      await page.waitForSelector("body")
      return {
        enable: () => firefox.enable(page, "always"),
        run: (...what) => page.evaluate(run, what),
        close: () => page.close(),
      }
    },
    async allow() {
      // Behind the private window nothing is painted, and a click by the pointer waits for that.
      const box = await options.waitForSelector("[data-testid=private-windows]")
      await box?.evaluate((box) => (box as HTMLElement).click())
      await options.waitForSelector("[data-testid=private-windows]:checked")
    },
    kept: () => options.evaluate(kept),
    close: () => firefox.close(),
  }
}

describe.each([
  ["Chromium", inChromium, ""],
  ["Firefox", inFirefox, noFirefox],
] as const)("in a private window of %s", (_name, launch, absent) => {
  let browser: PrivateBrowser
  let site: Served
  let elsewhere: string
  beforeAll(async () => {
    site = await serveFolder(pagesDir)
    elsewhere = site.url.replace("localhost", "127.0.0.1")
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  test.skipIf(absent)(
    `a page is refused without a question, until the person allows private windows; then it computes, and nothing of it is kept${absent}`,
    async () => {
      const image = digits.samples[0]?.image as number[]
      const expected = await nativeLogits([image])
      const page = await browser.open(elsewhere, true)
      expect(await page.enable()).toMatchObject({ code: "IPFA_GRANT_DENIED" })
      await browser.allow()
      expect(await page.enable()).toMatchObject({ lifetime: "once" })
      // Bytes that nobody else has: ONNX ignores an unknown field at the end.
      const model = [...digitsModel, 0x9a, 0x06, 0x01, 0x07]
      const digest = (bytes: Iterable<number>) => createHash("sha256").update(Uint8Array.from(bytes)).digest("hex")
      expect(distance(await page.run(model, image), expected)).toBeLessThan(digits.tolerance)

      // What a page in a usual window does after it is on disk: so would be what was to be kept before.
      const usual = await browser.open(site.url, false)
      expect(await usual.enable()).toMatchObject({ lifetime: "always" })
      await usual.run([...digitsModel], image)
      const rows = async () => (await browser.kept()).rows
      const stored = (row: string) => /-models /.test(row) && row.includes(digest(digitsModel))
      const logged = (row: string) => /-jobs /.test(row) && row.includes(site.url)
      await expect.poll(async () => (await rows()).some(stored) && (await rows()).some(logged)).toBe(true)
      const held = (await rows()).join("\n")
      expect(held).toContain(site.url)
      expect(held).not.toContain(elsewhere)
      expect(held).not.toContain(digest(model))
      await page.close()
      await usual.close()
    },
  )
})

describe("the popup over a private window", () => {
  let browser: PrivateChromium
  let site: Served
  beforeAll(async () => {
    site = await serveFolder(pagesDir)
    browser = await inChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  test("says that these are off, and lets them be; then it says what holds there, and nothing that was granted elsewhere", async () => {
    const usual = await browser.open(site.url, false)
    expect(await usual.enable()).toMatchObject({ lifetime: "always" })
    const page = await browser.open(site.url, true)
    const popup = await browser.popup()
    const card = popup.locator("#site")
    const says = (key: keyof typeof english) => card.getByText(english[key].message)
    await says("sitePrivateOff").waitFor()
    expect(await card.textContent()).not.toContain(english.lastsAlways.message)
    expect(await card.getByTestId("site-switch").count()).toBe(0)
    expect(await axeFaults(popup)).toEqual([])
    await card.getByTestId("private-windows").click()
    await says("sitePrivate").waitFor()
    await says("siteNothing").waitFor()
    expect(await browser.options.getByTestId("private-windows").isChecked()).toBe(true)
    expect(await page.enable()).toMatchObject({ lifetime: "once" })
    await says("siteNothing").waitFor({ state: "detached" })
    expect(await card.textContent()).toContain("while its page is open")
    expect(await card.textContent()).not.toContain(english.lastsAlways.message)
    // It would take back the other grant as well.
    await card.getByTestId("revoke").click()
    await card.getByTestId("revoke-sure").waitFor()
    expect(await axeFaults(popup)).toEqual([])
    await popup.close()
    await page.close()
    await usual.close()
  })
})
