import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { drawDigit } from "../support/drawn-digits.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { axeFaults } from "../support/screens.ts"
import { type Served, serveFolder } from "../support/serve.ts"

let browser: ExtensionBrowser
let site: Served
beforeAll(async () => {
  site = await serveFolder(pagesDir)
  // What starts in the end looks for devices: a software GPU is slow to find.
  browser = await launchExtension({ software: false })
})
afterAll(async () => {
  await browser?.close()
  await site?.close()
})

/** Has the extension's settings be as a much newer version left them; `own` is a page of the extension that has nothing started. */
async function outdate(own: Page): Promise<void> {
  const offscreen = await browser.devtools.target("offscreen.html")
  if (offscreen) await browser.devtools.close(offscreen)
  await own.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("ipfs-accelerate-settings", 99)
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          opening.result.close()
          resolve()
        }
      }),
  )
}

/** Takes it back, as an update of the extension would; it then begins without settings. */
const forgetNewer = (own: Page) =>
  own.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const deleting = indexedDB.deleteDatabase("ipfs-accelerate-settings")
        deleting.onerror = () => reject(deleting.error)
        deleting.onsuccess = () => resolve()
      }),
  )

test("where the cause is gone, it starts when the person has it tried again, for all screens and pages; in vain, it says so as before", async () => {
  const welcome = await browser.openOwn("welcome.html")
  await outdate(welcome)
  const popup = await browser.openOwn("popup.html")
  const options = await browser.openOwn("options.html")
  const again = options.getByTestId("try-again")
  await again.waitFor()
  await options.evaluate(() => document.querySelector("#unready")!.setAttribute("data-before", ""))
  await again.focus()
  await options.keyboard.press("Enter")
  await options.locator("#unready:not([data-before])").waitFor()
  expect(await options.getByRole("alert").textContent()).toContain("IPFA_STORE_NEWER")
  await expect.poll(() => again.evaluate((button) => button === document.activeElement)).toBe(true)

  await forgetNewer(welcome)
  await options.keyboard.press("Enter")
  await options.locator("#sites", { hasText: "No site may use this computer" }).waitFor()
  await expect.poll(() => popup.getByRole("alert").count()).toBe(0)
  const page = await browser.context.newPage()
  await page.goto(site.url)
  expect(await browser.enable(page, "session")).toMatchObject({ origin: site.url, lifetime: "session" })
  for (const screen of [popup, options, welcome, page]) await screen.close()
})

test("where a newer version left what is stored, every screen says so with its code, a page is told it, and at a word everything is deleted and goes on", async () => {
  const welcome = await browser.openOwn("welcome.html")
  await outdate(welcome)
  const said = (screen: Page) =>
    expect.poll(() => screen.getByRole("alert").textContent()).toContain("IPFA_STORE_NEWER")
  const screens: Page[] = []
  for (const name of ["popup", "sidepanel", "benchmarks", "options"]) {
    const screen = await browser.openOwn(`${name}.html`)
    await said(screen)
    screens.push(screen)
  }
  // Behind another tab a pen is slow.
  await welcome.bringToFront()
  await drawDigit(welcome, 1)
  await said(welcome)
  const page = await browser.context.newPage()
  await page.goto(site.url)
  const told = page.evaluate(() =>
    window.ipfsAccelerate.hardware().catch(({ code, message }: PageFault) => [code, message]),
  )
  expect(await told).toEqual(["IPFA_STORE_NEWER", expect.stringContaining("newer version")])

  const options = screens.at(-1)!
  await options.bringToFront()
  expect(await axeFaults(options)).toEqual([])
  await options.getByTestId("erase").click()
  await options.getByTestId("erase-sure").click()
  await options.locator("#sites", { hasText: "No site may use this computer" }).waitFor()
  for (const screen of screens) await expect.poll(() => screen.getByRole("alert").count()).toBe(0)
  expect(await browser.enable(page, "session")).toMatchObject({ origin: site.url, lifetime: "session" })
})
