import type { Page } from "puppeteer-core"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { digits, distance, nativeLogits } from "../support/digits.ts"
import { type PageFault, pagesDir } from "../support/extension.ts"
import { type FirefoxBrowser, launchFirefox, noFirefox } from "../support/firefox.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** Images in each run, and runs at once: seconds of work. */
const REPEAT = 40
const RUNS = 40
const images = digits.samples.map(({ image }) => image)
const mounts = { "/models/": "models/digits" }

interface Outcome {
  logits?: number[]
  reruns?: number
  code?: string
  /** performance.now() of the page when it was there. */
  at: number
}
interface Work {
  some: Promise<void>
  all: Promise<Outcome[]>
}

/** Starts all runs at once; resolves when some have ended, with what then becomes of all. */
async function startRuns(page: Page): Promise<() => Promise<Outcome[]>> {
  await page.evaluate(
    async (images, repeat, runs) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device: "wasm" })
      const n = images.length * repeat
      const data = new Float32Array(n * 64)
      for (let i = 0; i < n; i++) data.set(images[i % images.length] as number[], i * 64)
      const { promise: some, resolve } = Promise.withResolvers<void>()
      let ended = 0
      const one = async (): Promise<Outcome> => {
        try {
          const { outputs, reruns } = await session.run({ image: { dtype: "float32", shape: [n, 1, 8, 8], data } })
          return { logits: [...outputs.logits.data.slice(-images.length * 10)], reruns, at: performance.now() }
        } catch (error) {
          return { code: (error as PageFault).code ?? String(error), at: performance.now() }
        } finally {
          if (++ended === 3) resolve()
        }
      }
      const all = Promise.all(Array.from({ length: runs }, one))
      Object.assign(window, { work: { some, all } satisfies Work })
      await some
    },
    images,
    REPEAT,
    RUNS,
  )
  return () => page.evaluate(() => (window as unknown as { work: Work }).work.all)
}

describe.skipIf(noFirefox)(`in Firefox, while a page's jobs run${noFirefox}`, () => {
  let firefox: FirefoxBrowser
  let site: Served
  let expected: number[]
  let page: Page
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts })
    firefox = await launchFirefox()
    expected = await nativeLogits(images)
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
  const expectAllRight = (outcomes: Outcome[]) => {
    expect(outcomes.map(({ code }) => code).filter(Boolean)).toEqual([])
    const right = outcomes.filter(({ logits }) => logits && distance(logits, expected) < digits.tolerance)
    expect(right).toHaveLength(RUNS)
  }

  test("the worker that computes is killed: what it ran is run again, and every answer is right", async () => {
    const outcomes = await startRuns(page)
    await firefox.killWorker("ipfs-accelerate wasm")
    const all = await outcomes()
    expectAllRight(all)
    expect(all.reduce((sum, { reruns = 0 }) => sum + reruns, 0)).toBeGreaterThan(0)
  })

  test("the grant is revoked: all of them end within a second, with that code, and nothing more is allowed", async () => {
    const outcomes = await startRuns(page)
    const revokedAt = await firefox.revoke(site.url, () => page.evaluate(() => performance.now()))
    const ended = await outcomes()
    const cut = ended.map(({ code }) => code).filter(Boolean)
    expect(new Set(cut)).toEqual(new Set(["IPFA_GRANT_REVOKED"]))
    expect(Math.max(...ended.map(({ at }) => at)) - revokedAt).toBeLessThan(1000)
    expect(await page.evaluate(() => window.ipfsAccelerate.status().catch((e: PageFault) => e.code))).toBe(
      "IPFA_GRANT_REQUIRED",
    )
  })

  test("the extension's process is killed: Firefox starts it anew, the page finds it, and every answer is right", async () => {
    const outcomes = await startRuns(page)
    firefox.killExtensionProcess()
    expectAllRight(await outcomes())
  })

  // Last: what the other tests hold on to is gone.
  test("the extension is updated: the page that was open is served by the new one, and every answer is right", async () => {
    // What is granted until the browser ends, ends with this version.
    await page.goto(site.url.replace("localhost", "127.0.0.1"))
    expect(await firefox.enable(page, "always")).toMatchObject({ lifetime: "always" })
    const outcomes = await startRuns(page)
    await firefox.update()
    expectAllRight(await outcomes())
  })

  test("the extension is removed: the page is told so, in the middle of its work and when it asks again", async () => {
    await page.goto(site.url.replace("localhost", "127.0.0.1"))
    const outcomes = await startRuns(page)
    await firefox.remove()
    const codes = (await outcomes()).map(({ code }) => code).filter(Boolean)
    expect(new Set(codes)).toEqual(new Set(["IPFA_EXTENSION_UPDATED"]))
    const again = page.evaluate(() => window.ipfsAccelerate.status().catch((e: PageFault) => e.code))
    expect(await again).toBe("IPFA_EXTENSION_UPDATED")
  })
})
