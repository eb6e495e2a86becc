import { launch } from "puppeteer-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { findFirefox } from "../../bridge-server/browsers.ts"
import { webgpuPrefs } from "../../scripts/start/firefox.ts"
import { bundle } from "../support/bundle.ts"
import { launchChromium } from "../support/chromium.ts"
import { noFirefox } from "../support/firefox.ts"
import { serveFolder } from "../support/serve.ts"

let served: Awaited<ReturnType<typeof serveFolder>>
let page: Awaited<ReturnType<typeof bundle>>
beforeAll(async () => {
  page = await bundle({ page: "test/conformance/kernels-page.ts" })
  served = await serveFolder(page.dir)
})
afterAll(async () => {
  await served?.close()
  await page?.remove()
})

const run = () => (globalThis as unknown as { run(): Promise<{ passed: number; faults: string[] }> }).run()
/** Some hundred pipelines are compiled, on software adapters, in turn with all else that a busy machine does. */
const TIME = 600_000

test("every kernel, in each of its variants, agrees with its float64 reference in Chromium", {
  timeout: TIME,
}, async () => {
  const chromium = await launchChromium()
  try {
    const tab = await chromium.newPage()
    await tab.goto(served.url)
    const { passed, faults } = await tab.evaluate(run)
    expect(faults).toEqual([])
    expect(passed).toBeGreaterThan(100)
  } finally {
    await chromium.close()
  }
})

test.skipIf(noFirefox)(
  `every kernel, in each of its variants, agrees with its float64 reference in Firefox${noFirefox}`,
  { timeout: TIME },
  async () => {
    const executablePath = findFirefox() as string
    const firefox = await launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox: webgpuPrefs, protocolTimeout: TIME }) // biome-ignore format: a browser
    try {
      const tab = await firefox.newPage()
      await tab.goto(served.url)
      const { passed, faults } = await tab.evaluate(run)
      expect(faults).toEqual([])
      expect(passed).toBeGreaterThan(100)
    } finally {
      await firefox.close()
    }
  },
)
