import type { Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { digitWork } from "../support/digit-work.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** Jobs that are under way whenever the fault comes: one runs, the others wait. */
const LANES = 20

describe("while a page's jobs run", () => {
  let browser: ExtensionBrowser
  let site: Served
  let page: Page
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
    browser = await launchExtension()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  beforeEach(async () => {
    page = await browser.context.newPage()
    await page.goto(site.url)
    expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    return () => page.close()
  })
  const working = async () => {
    const work = await digitWork(page, { device: "wasm", atOnce: LANES, repeat: 20 })
    await work.goesOn(2)
    return work
  }
  const allRight = { wrong: 0, codes: [] }

  test("S16: the service worker is killed: every run ends right", async () => {
    const work = await working()
    const worker = (await browser.devtools.target("background.js")) as string
    await browser.devtools.close(worker)
    await expect.poll(() => browser.devtools.target("background.js")).toBeUndefined()
    await work.goesOn(LANES)
    expect(await work.end()).toMatchObject(allRight)
    // And it comes back when it is needed: for the next page.
    const next = await browser.context.newPage()
    await next.goto(site.url)
    expect(await next.evaluate(() => window.ipfsAccelerate.status())).toMatchObject({ version: expect.any(String) })
    await next.close()
  })

  test("S16: the worker that computes is killed: what it ran is run again, and every answer is right", async () => {
    const offscreen = (await browser.devtools.target("offscreen.html")) as string
    const work = await working()
    expect(await browser.devtools.killWorker(offscreen, "ipfs-accelerate wasm")).toBe(true)
    await work.goesOn(LANES)
    const worked = await work.end()
    expect(worked).toMatchObject(allRight)
    expect(worked.reruns).toBeGreaterThan(0)
  })

  test("S16: the offscreen document is closed: the page finds the next, and every answer is right", async () => {
    const work = await working()
    await browser.devtools.close((await browser.devtools.target("offscreen.html")) as string)
    await work.goesOn(LANES)
    expect(await work.end()).toMatchObject(allRight)
  })

  test("S17: the grant is revoked: all of them end within a second, and nothing more is allowed", async () => {
    const options = await browser.openOwn("options.html")
    const work = await working()
    const revokedAt = await browser.revoke(options, site.url)
    const { wrong, codes, endedAt } = await work.ended()
    expect([wrong, codes.length]).toEqual([0, LANES])
    // Who asked for its next run just then was refused that.
    const refused = "IPFA_GRANT_REQUIRED"
    expect(new Set([...codes, refused])).toEqual(new Set([refused, "IPFA_GRANT_REVOKED"]))
    expect(endedAt - revokedAt).toBeLessThan(1000)
    expect(await page.evaluate(() => window.ipfsAccelerate.status().catch((e: PageFault) => e.code))).toBe(
      "IPFA_GRANT_REQUIRED",
    )
    // Granted again, the same page computes again.
    await browser.enable(page, "session")
    expect(await (await working()).end()).toMatchObject(allRight)
    await options.close()
  })

  // Last: an unpacked extension that restarts may stay off.
  test("S16: an update that comes meanwhile waits: every run ends right and none is run again, and then the extension restarts", async () => {
    const offscreen = (await browser.devtools.target("offscreen.html")) as string
    const work = await working()
    const worker = (await browser.devtools.target("background.js")) as string
    await browser.devtools.evaluate(worker, 'chrome.runtime.onUpdateAvailable.dispatch({ version: "9.9.9" })')
    await work.goesOn(LANES)
    expect(await work.end()).toMatchObject({ ...allRight, reruns: 0 })
    await expect.poll(() => browser.devtools.target("offscreen.html")).not.toBe(offscreen)
  })
})
