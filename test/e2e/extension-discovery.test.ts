import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { BrowserContext, CDPSession, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { EXTENSION_ID } from "../../extension/id.ts"
import { ensureExtension } from "../../scripts/build-extension.ts"
import { launchChromium } from "../support/chromium.ts"
import { type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"

// Vanilla pages, that know of the API what docs tell: the event they are announced to, and the one they ask with.
describe("a page and the extension find each other", () => {
  let context: BrowserContext
  let browser: CDPSession
  let site: Served
  let early: Page
  let profileDir: string
  beforeAll(async () => {
    site = await serveFolder(pagesDir)
    // Without developer mode an unpacked extension that is loaded anew stays off.
    profileDir = await mkdtemp(join(tmpdir(), "ipfa profile "))
    await mkdir(join(profileDir, "Default"))
    const preferences = { extensions: { ui: { developer_mode: true } } }
    await writeFile(join(profileDir, "Default", "Preferences"), JSON.stringify(preferences))
    context = await launchChromium({ profileDir, args: ["--enable-unsafe-extension-debugging"] })
    browser = (await context.browser()?.newBrowserCDPSession()) as CDPSession
    early = await open()
  })
  afterAll(async () => {
    await context?.close()
    await site?.close()
    await rm(profileDir, { recursive: true, force: true })
  })

  async function open(): Promise<Page> {
    const page = await context.newPage()
    await page.addInitScript(() => {
      const announced: boolean[] = []
      Object.assign(window, { announced })
      window.addEventListener("ipfs-accelerate:announce", (event) =>
        announced.push((event as CustomEvent).detail === window.ipfsAccelerate),
      )
    })
    await page.goto(site.url)
    return page
  }
  const announced = (page: Page) => page.evaluate("announced") as Promise<boolean[]>
  const statusCode = (page: Page) =>
    page.evaluate(() =>
      window.ipfsAccelerate.status().then(
        () => "served",
        (e: PageFault) => e.code,
      ),
    )

  test("where there is no extension, nobody answers", async () => {
    await early.evaluate(() => window.dispatchEvent(new CustomEvent("ipfs-accelerate:request")))
    expect(await announced(early)).toEqual([])
    expect(await early.evaluate(() => typeof window.ipfsAccelerate)).toBe("undefined")
  })

  test("a page that was open before the extension was installed is announced to, and served", async () => {
    await browser.send("Extensions.loadUnpacked" as never, { path: await ensureExtension() } as never)
    await expect.poll(() => announced(early)).toEqual([true])
    expect(await statusCode(early)).toBe("IPFA_GRANT_REQUIRED")
  })

  test("a page that opens later has the API before its own scripts, and is announced to when it asks", async () => {
    const page = await open()
    // Before the page's first script there is nobody to hear.
    const before = (await announced(page)).length
    await page.evaluate(() => window.dispatchEvent(new CustomEvent("ipfs-accelerate:request")))
    expect(await announced(page)).toHaveLength(before + 1)
    expect(await page.evaluate(() => ({ ...window.ipfsAccelerate }))).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      protocolVersion: 1,
      features: expect.arrayContaining(["infer"]),
    })
    await page.close()
  })

  test("the API can't be changed by one script of a page for another", async () => {
    const page = await open()
    const changed = await page.evaluate(() => {
      try {
        ;("use strict")
        window.ipfsAccelerate.load = () => "mine"
      } catch {
        // A frozen object refuses in strict mode.
      }
      return typeof window.ipfsAccelerate.load()
    })
    expect(changed).toBe("object")
    await page.close()
  })

  test("an extension that is updated under a page serves its next call", async () => {
    const options = await context.newPage()
    await options.goto(`chrome-extension://${EXTENSION_ID}/options.html`)
    const closed = options.waitForEvent("close")
    await options.evaluate("void chrome.runtime.reload()").catch(() => undefined)
    await closed
    await expect.poll(() => statusCode(early)).toBe("IPFA_GRANT_REQUIRED")
  })

  test("one that was removed says so, and nothing hangs", async () => {
    await browser.send("Extensions.uninstall" as never, { id: EXTENSION_ID } as never)
    await expect.poll(() => statusCode(early)).toBe("IPFA_EXTENSION_UPDATED")
  })
})
