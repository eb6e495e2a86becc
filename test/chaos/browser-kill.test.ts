import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { digitError, digitImage, digits, nativeIsThere, type TestBridge, testBridge } from "../support/bridge.ts"
import { crashGpu } from "../support/chromium.ts"
import { type DigitWork, digitWork } from "../support/digit-work.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { axeFaults } from "../support/screens.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** R7 and R8: what a browser may lose while pages compute. `IPFA_SEED=N` kills at other moments. */
const SEED = Number(process.env.IPFA_SEED ?? 20_261_121)
const KILLS = 6

let browser: ExtensionBrowser
let site: Served
let bridge: TestBridge
beforeAll(async () => {
  bridge = await testBridge()
  site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
  browser = await launchExtension()
  const options = await browser.openOwn("options.html")
  await options.getByTestId("bridge-address").fill(new URL(bridge.bridge.http).host)
  await options.getByTestId("bridge-code").fill(bridge.bridge.pairingCode().code)
  await options.getByTestId("pair-bridge").click()
  await options.getByTestId("bridge-state").and(options.locator("[data-state=connected]")).waitFor()
  await nativeIsThere(bridge.bridge)
})
afterAll(async () => {
  await browser?.close()
  await site?.close()
  await bridge?.close()
})

async function open(url = site.url): Promise<Page> {
  const page = await browser.context.newPage()
  await page.goto(url)
  expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
  return page
}

/** Park and Miller's minimal standard generator. */
function seeded(seed: number): () => number {
  let state = seed % 2147483647 || 1
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

test(`R8: the service worker is killed again and again under load, and no run fails (seed ${SEED})`, async () => {
  const random = seeded(SEED)
  const pages = [await open(), await open(site.url.replace("localhost", "127.0.0.1"))]
  const working: DigitWork[] = []
  for (const page of pages) working.push(await digitWork(page, { device: "wasm" }))
  for (let kill = 0; kill <= KILLS; kill++) {
    // Whoever comes while there is none is served as well, and wakes it.
    const visitor = await browser.context.newPage()
    await visitor.goto(site.url)
    await (await digitWork(visitor, { device: "wasm" })).goesOn(3)
    await visitor.close()
    if (kill === KILLS) break
    // At any moment of their work: so many answers later.
    await working[kill % 2]!.goesOn(1 + Math.floor(random() * 30))
    const worker = await browser.devtools.target("background.js")
    if (!worker) throw new Error(`Kill ${kill} found no service worker.`)
    await browser.devtools.close(worker)
    await expect.poll(() => browser.devtools.target("background.js")).toBeUndefined()
  }
  for (const work of working) await work.goesOn()
  for (const page of pages) await page.close()
}, 240_000)

test("R7: the GPU process is killed twice: that browser keeps off its GPU and says until when, and all others are served", async () => {
  const [page, gpuPage] = [await open(), await open(site.url.replace("localhost", "127.0.0.1"))]
  const working = await digitWork(page, { device: "wasm" })
  const onGpu = await digitWork(gpuPage, { device: "webgpu" })
  await onGpu.goesOn(2)
  await crashGpu(page)
  // Once costs a retry.
  await onGpu.goesOn(2)
  await crashGpu(page)
  await expect.poll(async () => (await onGpu.soFar()).codes, { timeout: 60_000 }).toHaveLength(1)
  expect((await onGpu.soFar()).codes[0]).toMatch(/^IPFA_(JOB|DEVICE)_LOST$/)
  const now = Date.now()
  const gpu = () =>
    page.evaluate(async () => {
      const { devices } = await window.ipfsAccelerate.hardware()
      const { state, unavailableUntil } = devices.find(({ id }: { id: string }) => id === "webgpu")
      return { state, unavailableUntil }
    })
  const { state, unavailableUntil } = await gpu()
  expect(state).toBe("cooling")
  expect(unavailableUntil).toBeGreaterThan(now + 20_000)
  // A person is told until when, in words that axe finds nothing wrong with.
  const popup = await browser.openOwn("popup.html")
  await popup
    .getByText(/^not used until .*, after it was lost$/)
    .first()
    .waitFor()
  expect(await axeFaults(popup)).toEqual([])
  await popup.close()
  // Asked for by name it is refused with that time; otherwise another device serves, and says so.
  const load = (options: object) =>
    page.evaluate(
      (options) =>
        window.ipfsAccelerate.load("/models/digits.onnx", options).then(
          ({ device }: { device: { id: string } }) => device.id,
          ({ code, data }: PageFault & { data: { unavailableUntil?: number } }) => [code, data.unavailableUntil],
        ),
      options,
    )
  expect(await load({ device: "webgpu" })).toEqual(["IPFA_DEVICE_LOST", unavailableUntil])
  expect(await load({})).toBe("wasm")
  // All the while, both losses among it, no answer of the other page was five seconds behind the one before.
  expect((await working.goesOn()).longestMs).toBeLessThan(5000)
  // The fleet knows, and serves on.
  const client = await bridge.client()
  const { sessionId, device } = await client.call("session.open", { model: "digits" })
  expect(device.id).not.toBe("webgpu")
  const { outputs } = await client.call("session.run", { sessionId, feeds: { image: digitImage(0) } })
  expect(digitError((outputs.logits as { data: Float32Array }).data, 0)).toBeLessThan(digits.tolerance)
  const told = async () => {
    const { json } = await bridge.http("GET", "/v1/devices")
    const { devices } = json as { devices: { id: string; browser?: string; state: string }[] }
    return devices.find(({ id, browser }) => id === "webgpu" && browser === "chromium")?.state
  }
  await expect.poll(told).toBe("cooling")
}, 240_000)
