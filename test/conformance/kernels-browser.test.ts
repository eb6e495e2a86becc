import { launch } from "puppeteer-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { findFirefox } from "../../bridge-server/browsers.ts"
import { webgpuPrefs } from "../../scripts/start/firefox.ts"
import { bundle } from "../support/bundle.ts"
import { launchChromium } from "../support/chromium.ts"
import { noFirefox } from "../support/firefox.ts"
import { serveFolder } from "../support/serve.ts"
import adapters from "./adapters.json" with { type: "json" }

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

interface Outcomes {
  passed: number
  native: boolean
  lacks: string[]
  faults: string[]
}
const run = () => (globalThis as unknown as { run(): Promise<Outcomes> }).run()

/** Each case passed, or needs a feature that this adapter is known to lack. */
function check({ passed, native, lacks, faults }: Outcomes, adapter: keyof typeof adapters): void {
  expect(faults).toEqual([])
  expect(passed).toBeGreaterThan(100)
  const has = adapters[adapter].split(" ")
  expect(native).toBe(has.includes("shader-f16"))
  expect(lacks).toEqual(["packed_4x8_integer_dot_product", "subgroups"].filter((name) => !has.includes(name)))
}
/** Some hundred pipelines are compiled, on software adapters, in turn with all else that a busy machine does. */
const TIME = 600_000

test("every kernel, in each of its variants, agrees with its float64 reference in Chromium", {
  timeout: TIME,
}, async () => {
  const chromium = await launchChromium()
  try {
    const tab = await chromium.newPage()
    await tab.goto(served.url)
    check(await tab.evaluate(run), "SwiftShader, Chromium")
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
      check(await tab.evaluate(run), "lavapipe, Firefox")
    } finally {
      await firefox.close()
    }
  },
)
