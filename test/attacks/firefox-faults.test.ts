import type { Page } from "puppeteer-core"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { digitWork } from "../support/digit-work.ts"
import { type PageFault, pagesDir } from "../support/extension.ts"
import { type FirefoxBrowser, launchFirefox, noFirefox } from "../support/firefox.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** Jobs that are under way whenever the fault comes: one runs, the others wait. */
const LANES = 20

describe.skipIf(noFirefox)(`in Firefox, while a page's jobs run${noFirefox}`, () => {
  let firefox: FirefoxBrowser
  let site: Served
  let page: Page
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
    firefox = await launchFirefox()
  })
  afterAll(async () => {
    await firefox?.close()
    await site?.close()
  })
  beforeEach(async () => {
    page = await firefox.browser.newPage()
    await page.goto(site.url)
    expect(await firefox.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    return () => page.close()
  })
  const working = async () => {
    const work = await digitWork(page, { device: "wasm", atOnce: LANES, repeat: 20 })
    await work.goesOn(2)
    return work
  }
  const allRight = { wrong: 0, codes: [] }

  test("S16: the worker that computes is killed: what it ran is run again, and every answer is right", async () => {
    const work = await working()
    await firefox.killWorker("ipfs-accelerate wasm")
    await work.goesOn(LANES)
    const worked = await work.end()
    expect(worked).toMatchObject(allRight)
    expect(worked.reruns).toBeGreaterThan(0)
  })

  test("S17: the grant is revoked: all of them end within a second, with that code, and nothing more is allowed", async () => {
    const work = await working()
    const revokedAt = await firefox.revoke(site.url)
    const { wrong, codes, endedAt } = await work.ended()
    expect([wrong, codes.length]).toEqual([0, LANES])
    // Who asked for its next run just then was refused that.
    const refused = "IPFA_GRANT_REQUIRED"
    expect(new Set([...codes, refused])).toEqual(new Set([refused, "IPFA_GRANT_REVOKED"]))
    expect(endedAt - revokedAt).toBeLessThan(1000)
    expect(await page.evaluate(() => window.ipfsAccelerate.status().catch((e: PageFault) => e.code))).toBe(
      "IPFA_GRANT_REQUIRED",
    )
  })

  test("S16: the extension's process is killed: Firefox starts it anew, the page finds it, and every answer is right", async () => {
    const work = await working()
    firefox.killExtensionProcess()
    await work.goesOn(LANES)
    expect(await work.end()).toMatchObject(allRight)
  })

  // Last: what the other tests hold on to is gone.
  test("S16: the extension is updated: the page that was open is served by the new one, and every answer is right", async () => {
    // What is granted until the browser ends, ends with this version.
    await page.goto(site.url.replace("localhost", "127.0.0.1"))
    expect(await firefox.enable(page, "always")).toMatchObject({ lifetime: "always" })
    const work = await working()
    await firefox.update()
    await work.goesOn(LANES)
    expect(await work.end()).toMatchObject(allRight)
  })

  test("S16: the extension is removed: the page is told so, in the middle of its work and when it asks again", async () => {
    await page.goto(site.url.replace("localhost", "127.0.0.1"))
    const work = await working()
    await firefox.remove()
    const { wrong, codes } = await work.ended()
    expect({ wrong, codes }).toEqual({ wrong: 0, codes: Array(LANES).fill("IPFA_EXTENSION_UPDATED") })
    const again = page.evaluate(() => window.ipfsAccelerate.status().catch((e: PageFault) => e.code))
    expect(await again).toBe("IPFA_EXTENSION_UPDATED")
  })
})
