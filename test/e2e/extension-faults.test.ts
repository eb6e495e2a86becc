import type { Page } from "playwright-core"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { digits, distance, nativeLogits } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** Images in each run, and runs at once: seconds of work. */
const REPEAT = 40
const RUNS = 40

interface Outcome {
  logits?: number[]
  reruns?: number
  code?: string
  /** performance.now() of the page when it was there. */
  at: number
}

interface Work {
  done: number
  outcomes: Promise<Outcome[]>
}

/** Starts all runs at once; `finished` tells how many have ended, `outcomes` how all did. */
async function startRuns(
  page: Page,
  device: string,
): Promise<{ finished(): Promise<number>; outcomes(): Promise<Outcome[]> }> {
  await page.evaluate(
    async ({ device, images, repeat, runs }) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device })
      const n = images.length * repeat
      const data = new Float32Array(n * 64)
      for (let i = 0; i < n; i++) data.set(images[i % images.length] as number[], i * 64)
      const work: Work = { done: 0, outcomes: Promise.resolve([]) }
      const one = async (): Promise<Outcome> => {
        try {
          const { outputs, reruns } = await session.run({ image: { dtype: "float32", shape: [n, 1, 8, 8], data } })
          work.done++
          return { logits: [...outputs.logits.data.slice(-images.length * 10)], reruns, at: performance.now() }
        } catch (error) {
          return { code: (error as PageFault).code ?? String(error), at: performance.now() }
        }
      }
      work.outcomes = Promise.all(Array.from({ length: runs }, one))
      Object.assign(window, { work })
    },
    { device, images: digits.samples.map(({ image }) => image), repeat: REPEAT, runs: RUNS },
  )
  const work = () => (window as unknown as { work: Work }).work
  return {
    finished: () => page.evaluate(`(${work})().done`),
    outcomes: () => page.evaluate(`(${work})().outcomes`),
  }
}

describe("while a page's jobs run", () => {
  let browser: ExtensionBrowser
  let site: Served
  let expected: number[]
  let page: Page
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
    browser = await launchExtension()
    expected = await nativeLogits(digits.samples.map(({ image }) => image))
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
  const right = ({ logits }: Outcome) => logits !== undefined && distance(logits, expected) < digits.tolerance

  test("the service worker is killed: every run ends right", async () => {
    const runs = await startRuns(page, "wasm")
    await expect.poll(runs.finished).toBeGreaterThan(2)
    const worker = (await browser.devtools.target("background.js")) as string
    await browser.devtools.close(worker)
    await expect.poll(() => browser.devtools.target("background.js")).toBeUndefined()
    expect(await runs.finished()).toBeLessThan(RUNS)
    const outcomes = await runs.outcomes()
    expect(outcomes.filter(right)).toHaveLength(RUNS)
    // And it comes back when it is needed: for the next page.
    const next = await browser.context.newPage()
    await next.goto(site.url)
    expect(await next.evaluate(() => window.ipfsAccelerate.status())).toMatchObject({ version: expect.any(String) })
    await next.close()
  })

  test("the worker that computes is killed: what it ran is run again, and every answer is right", async () => {
    const offscreen = (await browser.devtools.target("offscreen.html")) as string
    const runs = await startRuns(page, "wasm")
    await expect.poll(runs.finished).toBeGreaterThan(2)
    await browser.devtools.killWorker(offscreen, "ipfs-accelerate wasm")
    const outcomes = await runs.outcomes()
    expect(outcomes.map(({ code }) => code).filter(Boolean)).toEqual([])
    expect(outcomes.filter(right)).toHaveLength(RUNS)
    expect(outcomes.reduce((sum, { reruns = 0 }) => sum + reruns, 0)).toBeGreaterThan(0)
  })

  test("the offscreen document is closed: the page finds the next, and every answer is right", async () => {
    const runs = await startRuns(page, "wasm")
    await expect.poll(runs.finished).toBeGreaterThan(2)
    await browser.devtools.close((await browser.devtools.target("offscreen.html")) as string)
    const outcomes = await runs.outcomes()
    expect(outcomes.map(({ code }) => code).filter(Boolean)).toEqual([])
    expect(outcomes.filter(right)).toHaveLength(RUNS)
  })

  test("the grant is revoked: all of them end within a second, and nothing more is allowed", async () => {
    const options = await browser.openOwn("options.html")
    const row = options.getByTestId("site").filter({ hasText: site.url })
    await row.waitFor()
    const runs = await startRuns(page, "wasm")
    await expect.poll(runs.finished).toBeGreaterThan(2)
    const now = () => page.evaluate(() => performance.now())
    const revokedAt = await now()
    await row.getByTestId("revoke").click()
    const outcomes = await runs.outcomes()
    const cut = outcomes.filter(({ code }) => code !== undefined)
    expect(new Set(cut.map(({ code }) => code))).toEqual(new Set(["IPFA_GRANT_REVOKED"]))
    expect(cut.length).toBeGreaterThan(0)
    expect(Math.max(...outcomes.map(({ at }) => at)) - revokedAt).toBeLessThan(1000)
    expect(outcomes.filter(({ code }) => code === undefined).every(right)).toBe(true)
    await row.waitFor({ state: "detached" })
    expect(await page.evaluate(() => window.ipfsAccelerate.status().catch((e: PageFault) => e.code))).toBe(
      "IPFA_GRANT_REQUIRED",
    )
    // Granted again, the same page computes again.
    await browser.enable(page, "session")
    const again = await startRuns(page, "wasm")
    expect((await again.outcomes()).filter(right)).toHaveLength(RUNS)
    await options.close()
  })

  // Last: an unpacked extension that restarts may stay off.
  test("an update that comes meanwhile waits: every run ends right and none is run again, and then the extension restarts", async () => {
    const offscreen = (await browser.devtools.target("offscreen.html")) as string
    const runs = await startRuns(page, "wasm")
    await expect.poll(runs.finished).toBeGreaterThan(2)
    const worker = (await browser.devtools.target("background.js")) as string
    await browser.devtools.evaluate(worker, 'chrome.runtime.onUpdateAvailable.dispatch({ version: "9.9.9" })')
    const outcomes = await runs.outcomes()
    expect(outcomes.filter(right)).toHaveLength(RUNS)
    expect(outcomes.filter(({ reruns }) => reruns !== 0)).toEqual([])
    await expect.poll(() => browser.devtools.target("offscreen.html")).not.toBe(offscreen)
  })
})
