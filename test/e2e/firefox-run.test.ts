import type { Page } from "puppeteer-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import english from "../../extension/public/_locales/en/messages.json" with { type: "json" }
import { findPage } from "../../scripts/start/firefox.ts"
import { cases } from "../conformance/cases.ts"
import { expectRight } from "../conformance/judge.ts"
import { reference } from "../conformance/reference.ts"
import { digits, distance, nativeLogits } from "../support/digits.ts"
import { drivePage } from "../support/drive-page.ts"
import { type PageFault, pagesDir } from "../support/extension.ts"
import { type FirefoxBrowser, launchFirefox, noFirefox } from "../support/firefox.ts"
import { kept } from "../support/kept.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { sharedDir } from "../support/shared.ts"

const images = digits.samples.map(({ image }) => image)
const mounts = { "/models/": "models/digits", "/shared/": `${sharedDir}/models` }
const halves = cases.find(({ name }) => name === "squeezenet-fp16")!

/** Loads the model in the page and runs all images at once. */
function run(page: Page, device: string): Promise<{ logits: number[]; device: string }> {
  return page.evaluate(
    async (device, images) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device })
      const data = Float32Array.from(images.flat())
      const result = await session.run({ image: { dtype: "float32", shape: [images.length, 1, 8, 8], data } })
      await session.dispose()
      return { logits: [...result.outputs.logits.data] as number[], device: result.device as string }
    },
    device,
    images,
  )
}

describe.skipIf(noFirefox)(`in Firefox, a page runs a model in the extension's pool${noFirefox}`, () => {
  let firefox: FirefoxBrowser
  let site: Served
  let isolated: Served
  let embedding: Served
  let expected: number[]
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts })
    isolated = await serveFolder(pagesDir, { mounts, isolated: true })
    embedding = await serveFolder(pagesDir, { mounts, headers: { "Cross-Origin-Embedder-Policy": "require-corp" } })
    firefox = await launchFirefox()
    expected = await nativeLogits(images)
  })
  afterAll(async () => {
    await firefox?.close()
    await site?.close()
    await isolated?.close()
    await embedding?.close()
  })
  const open = async (url: string) => {
    const page = await firefox.browser.newPage()
    await page.goto(url)
    return page
  }

  test("a person's no is the page's answer", async () => {
    const page = await open(site.url)
    expect(await firefox.enable(page, "deny")).toMatchObject({ code: "IPFA_GRANT_DENIED" })
    await page.close()
  })

  test("a prompt goes with the page that asked, and with its answer", async () => {
    const prompts = async () => (await urls()).filter((url) => url.includes("/prompt.html")).length
    const urls = async () =>
      Promise.all((await firefox.browser.pages()).map((page) => page.evaluate(() => location.href).catch(() => "")))
    const page = await open(site.url)
    await page.evaluate(() => void window.ipfsAccelerate.enable({ capabilities: ["infer"] }).catch(() => undefined))
    await expect.poll(prompts).toBe(1)
    await page.close()
    await expect.poll(prompts).toBe(0)
    const again = await open(site.url.replace("localhost", "127.0.0.1"))
    expect(await firefox.enable(again, "once")).toMatchObject({ lifetime: "once" })
    await expect.poll(prompts).toBe(0)
    await again.close()
  })

  test.each(["wasm", "webgpu"])("on %s, with the numbers of onnxruntime-node", async (device) => {
    const page = await open(site.url.replace("localhost", "127.0.0.1"))
    expect(await firefox.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    const ran = await run(page, device)
    expect(ran.device).toBe(device)
    expect(distance(ran.logits, expected)).toBeLessThan(digits.tolerance)
    await page.close()
  })

  test("float16 on webgpu: SqueezeNet sees the cat, with the numbers of onnxruntime-node", async ({ skip }) => {
    skip(halves.skip !== undefined, halves.skip)
    const page = await open(site.url)
    expect(await firefox.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    const file = "/shared/squeezenet-fp16/squeezenet_fp16.onnx"
    const driven = await drivePage((run, order) => page.evaluate(run, order), file, "webgpu", halves.plan())
    expect(driven.device).toBe("webgpu")
    expectRight(halves, driven, await reference(halves))
    await page.close()
  })

  test("from a page that asks for COEP alone, which is not isolated and takes no frame of the extension", async () => {
    const page = await open(embedding.url)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)
    expect(await firefox.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    const ran = await run(page, "wasm")
    expect(distance(ran.logits, expected)).toBeLessThan(digits.tolerance)
    await page.close()
  })

  test("from a cross-origin isolated page as well, over an extension port", async () => {
    const page = await open(isolated.url)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    expect(await firefox.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    const ran = await run(page, "wasm")
    expect(distance(ran.logits, expected)).toBeLessThan(digits.tolerance)
    await page.close()
  })

  /** WebDriver may not open the extension's pages; they open each other. */
  const openOwn = async (file: string) => {
    const address = await firefox.options.evaluate(async (name) => {
      type Tabs = { tabs: { create(properties: { url: string }): Promise<unknown> } }
      const url = new URL(name, location.href).href
      await (globalThis as unknown as { browser: Tabs }).browser.tabs.create({ url })
      return url
    }, file)
    const end = Date.now() + 20_000
    const page = await findPage(firefox.browser, address, () => Date.now() > end)
    if (!page) throw new Error(`${file} did not open`)
    return page
  }
  const press = async (page: Page, name: string) => {
    const button = await page.waitForSelector(`[data-testid=${name}]`)
    await button?.evaluate((element) => (element as unknown as { click(): void }).click())
  }

  test("the welcome page reads a digit, the benchmark page measures and keeps it, and the side panel has both in its log", async () => {
    const welcome = await openOwn("welcome.html")
    await press(welcome, "sample-7")
    await welcome.waitForSelector("[data-testid=answer][data-digit='7']")
    await welcome.close()

    const benchmarks = await openOwn("benchmarks.html")
    for (const device of ["webgpu", "wgsl"]) await press(benchmarks, `run-${device}`)
    await press(benchmarks, "run-benchmark")
    await benchmarks.waitForSelector("[data-testid=result][data-device=wasm]")
    expect(await benchmarks.$$("[data-testid=chart] canvas")).toHaveLength(1)
    await benchmarks.close()

    const panel = await openOwn("sidepanel.html")
    await panel.waitForSelector("[data-testid=log-entry][data-origin=owner][data-outcome=done]")
    await panel.close()
  })

  test("switches that go by what Firefox does not tell, of power and network, say so and can't be moved", async () => {
    const { options } = firefox
    const switches = [
      ["on-battery", true, english.onBatteryUntold],
      ["on-metered", true, english.onMeteredUntold],
      ["measure-idle", false, english.measureIdleUntold],
    ] as const
    for (const [name, isOn, { message }] of switches) {
      const box = await options.waitForSelector(`[data-testid=${name}]`)
      const shown = await box?.evaluate((element) => {
        const { disabled, checked, labels } = element as HTMLInputElement
        return { disabled, checked, words: labels?.[0]?.textContent }
      })
      expect(shown, name).toMatchObject({ disabled: true, checked: isOn, words: expect.stringContaining(message) })
    }
    expect(await options.$("[data-testid=private-windows]:enabled")).not.toBeNull()
  })

  test("the toolbar's icon has a sign while something is computed", async () => {
    type Toolbar = { browserAction: { getBadgeText(details: object): Promise<string> } }
    const badge = () =>
      firefox.options.evaluate(() =>
        (globalThis as unknown as { browser: Toolbar }).browser.browserAction.getBadgeText({}),
      )
    const page = await open(site.url)
    expect(await firefox.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    const running = page.evaluate(async (image) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device: "wasm" })
      const data = Float32Array.from(image as number[])
      const state = window as unknown as { enough?: boolean }
      while (!state.enough) await session.run({ image: { dtype: "float32", shape: [1, 1, 8, 8], data } })
      await session.dispose()
    }, images[0])
    await expect.poll(badge).toBe("•")
    await page.evaluate(() => void Object.assign(window, { enough: true }))
    await running
    await expect.poll(badge).toBe("")
    await page.close()
  })

  test("everything is deleted at a word, and the supervisor starts anew", async () => {
    const { options } = firefox
    const page = await open(site.url)
    expect(await firefox.enable(page, "always")).toMatchObject({ capabilities: ["infer"] })
    await run(page, "wasm")
    const agent = (rows: string[]) => /"(firefox-[0-9a-f]{8})"/.exec(rows.join("\n"))?.[1]
    const before = await options.evaluate(kept)
    expect(before.files.length).toBeGreaterThan(0)
    expect(before.rows.join("\n")).toContain(site.url)
    const name = agent(before.rows)
    expect(name).toBeDefined()
    await press(options, "erase")
    await press(options, "erase-sure")
    await expect.poll(async () => [undefined, name].includes(agent((await options.evaluate(kept)).rows))).toBe(false)
    const { rows, files, settings } = await options.evaluate(kept)
    expect(files).toEqual([])
    expect(settings).toEqual({})
    // A new name, the count of its starts, and nothing else.
    expect(rows.filter((row) => !row.startsWith("ipfs-accelerate-settings settings"))).toEqual([])
    const status = page.evaluate(() => window.ipfsAccelerate.status().catch((e: PageFault) => e.code))
    expect(await status).toBe("IPFA_GRANT_REQUIRED")
    await page.close()
    // The options page has found the supervisor that started anew.
    await options.bringToFront()
    await options.waitForFunction(() => document.querySelector("#sites")?.textContent.includes("No site may use"))
  })
})
