import { launch } from "puppeteer-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { findFirefox } from "../../bridge-server/browsers.ts"
import { webgpuPrefs } from "../../scripts/start/firefox.ts"
import { softwareAdapter } from "../kernels/software-gpu.ts"
import { bundle } from "../support/bundle.ts"
import { launchChromium } from "../support/chromium.ts"
import { noFirefox } from "../support/firefox.ts"
import { serveFolder } from "../support/serve.ts"

/** What a kernel may want beyond WebGPU's core. */
const optional = ["shader-f16", "subgroups", "packed_4x8_integer_dot_product"]

const has = (features: Iterable<string>) =>
  [...new Set(features)]
    .filter((name) => optional.includes(name))
    .sort()
    .join(" ")

/** In a page: all that its adapter, and its WGSL, can do. */
async function all(): Promise<string[]> {
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) throw new Error("There is no adapter.")
  return [...adapter.features, ...navigator.gpu.wgslLanguageFeatures]
}

let served: Awaited<ReturnType<typeof serveFolder>>
let page: Awaited<ReturnType<typeof bundle>>
beforeAll(async () => {
  page = await bundle({})
  served = await serveFolder(page.dir)
})
afterAll(async () => {
  await served.close()
  await page.remove()
})

test.skipIf(noFirefox)(
  `the software adapters' features are those that docs/kernels.md tells of; where they are not: npm test -- test/conformance/adapters.test.ts -u, then npm run generate${noFirefox}`,
  async () => {
    const executablePath = findFirefox() as string
    const firefox = await launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox: webgpuPrefs })
    const inFirefox = await firefox.newPage()
    await inFirefox.goto(served.url)
    const lavapipe = await inFirefox.evaluate(all)
    await firefox.close()

    const chromium = await launchChromium()
    const inChromium = await chromium.newPage()
    await inChromium.goto(served.url)
    const swiftshader = await inChromium.evaluate(all)
    await chromium.close()

    // last: it names its driver in this process's environment, which browsers would inherit
    const { features } = await softwareAdapter()
    const { create } = await import("webgpu")
    const found = {
      "SwiftShader, Dawn in Node": has([...features, ...create([]).wgslLanguageFeatures]),
      "SwiftShader, Chromium": has(swiftshader),
      "lavapipe, Firefox": has(lavapipe),
    }
    await expect(`${JSON.stringify(found, null, 2)}\n`).toMatchFileSnapshot("adapters.json")
  },
)
