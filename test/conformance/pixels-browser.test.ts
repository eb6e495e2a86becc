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
  page = await bundle({ page: "test/conformance/pixels-page.ts" })
  served = await serveFolder(page.dir)
})
afterAll(async () => {
  await served?.close()
  await page?.remove()
})

const pixels = () => (globalThis as unknown as { pixels(): Promise<Record<string, string>> }).pixels()
/** A frame is read, or refused: browsers that draw without a GPU import none, and Firefox has no external textures everywhere. */
function check({ VideoFrame, ...rest }: Record<string, string>): void {
  expect(rest).toEqual({ ImageBitmap: "read", OffscreenCanvas: "read", "closed ImageBitmap": "IPFA_INPUT_INVALID" })
  expect(["read", "IPFA_DEVICE_UNSUPPORTED"]).toContain(VideoFrame)
}

test("an image's bytes are read from a bitmap and a canvas in Chromium, a frame's where it can be imported", async () => {
  const chromium = await launchChromium()
  try {
    const tab = await chromium.newPage()
    await tab.goto(served.url)
    check(await tab.evaluate(pixels))
  } finally {
    await chromium.close()
  }
})

test.skipIf(noFirefox)(`and in Firefox${noFirefox}`, async () => {
  const executablePath = findFirefox() as string
  const firefox = await launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox: webgpuPrefs })
  try {
    const tab = await firefox.newPage()
    await tab.goto(served.url)
    check(await tab.evaluate(pixels))
  } finally {
    await firefox.close()
  }
})
