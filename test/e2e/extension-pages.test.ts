import { readFile } from "node:fs/promises"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { EXTENSION_ID } from "../../extension/id.ts"
import { DEMO_SHA256 } from "../../extension/ui/demo-model.ts"
import { drawDigit } from "../support/drawn-digits.ts"
import { type ExtensionBrowser, launchExtension, pagesDir } from "../support/extension.ts"
import { axeFaults } from "../support/screens.ts"
import { type Served, serveFolder } from "../support/serve.ts"

let browser: ExtensionBrowser
beforeAll(async () => {
  browser = await launchExtension()
})
afterAll(() => browser?.close())

describe("the welcome page", () => {
  let page: Page
  beforeAll(async () => {
    const isWelcome = (one: Page) => one.url().endsWith("/welcome.html")
    page =
      browser.context.pages().find(isWelcome) ?? (await browser.context.waitForEvent("page", { predicate: isWelcome }))
    await page.bringToFront()
  })
  afterAll(() => page?.close())

  const chooseDevice = async (device: string) => {
    // Devices are looked for when somebody comes to choose.
    await page.getByTestId("demo-device").focus()
    await page.getByTestId("demo-device").selectOption(device)
  }
  const answer = () => page.getByTestId("answer")

  test("opens once, when the extension is installed, and starts nothing", async () => {
    await page.getByTestId("pad").waitFor()
    expect(await browser.devtools.target("offscreen.html")).toBeUndefined()
  })

  test("reads the digit that is drawn, and says on which device and how fast", async () => {
    await chooseDevice("wasm")
    for (const digit of [3, 4, 7]) {
      await page.getByTestId("clear-pad").click()
      await drawDigit(page, digit)
      await expect.poll(() => answer().getAttribute("data-digit")).toBe(`${digit}`)
    }
    expect(await answer().getAttribute("data-device")).toBe("wasm")
    expect(await answer().textContent()).toMatch(/This is a .?7.*Computed in .?[\d.]+ ms.? on .?wasm/)
  })

  test("reads a digit that is chosen by keyboard, on the device that is chosen", async () => {
    await chooseDevice("webgpu")
    await page.getByTestId("sample-5").focus()
    await page.keyboard.press("Enter")
    await expect.poll(() => answer().getAttribute("data-device")).toBe("webgpu")
    await expect.poll(() => answer().getAttribute("data-digit")).toBe("5")
  })
})

describe("where nothing was granted, stored or measured yet", () => {
  test.each(["options.html", "popup.html", "benchmarks.html", "sidepanel.html"])(
    "axe finds nothing wrong with %s",
    async (file) => {
      const page = await browser.openOwn(file)
      await page.locator(".card p.soft:not([role])").first().waitFor()
      expect(await axeFaults(page)).toEqual([])
      await page.close()
    },
  )
})

describe("the side panel", () => {
  let panel: Page
  let site: Served
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
    panel = await browser.openOwn("sidepanel.html")
    await panel.getByTestId("working").waitFor()
  })
  afterAll(async () => {
    await panel?.close()
    await site?.close()
  })

  test("is the browser's side panel", async () => {
    const manifest = await panel.evaluate(() => chrome.runtime.getManifest())
    expect(manifest).toMatchObject({ side_panel: { default_path: "sidepanel.html" } })
    expect(manifest.permissions).toContain("sidePanel")
  })

  test("shows a job while it runs, and that it ran, until the log is emptied", async () => {
    const page = await browser.context.newPage()
    await page.goto(site.url)
    await browser.enable(page, "session")
    // One after another until it was seen: digits by the thousand take their time, and not for ever.
    const ran = page.evaluate(async () => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device: "wasm" })
      const n = 4000
      const image = { dtype: "float32", shape: [n, 1, 8, 8], data: new Float32Array(n * 64) }
      const state = window as unknown as { seen?: boolean }
      let runs = 0
      while (!state.seen || runs < 2) {
        await session.run({ image })
        runs++
      }
      return runs
    })
    const job = panel.getByTestId("job").filter({ hasText: site.url })
    await job.first().waitFor()
    await expect.poll(() => panel.getByTestId("working").getAttribute("data-state")).toBe("working")
    await page.evaluate(() => void Object.assign(window, { seen: true }))
    const runs = await ran
    await expect.poll(() => job.count()).toBe(0)
    await expect.poll(() => panel.getByTestId("working").getAttribute("data-state")).toBe("idle")
    const entry = panel.getByTestId("log-entry").and(panel.locator(`[data-origin="${site.url}"]`))
    expect(await entry.getAttribute("data-outcome")).toBe("done")
    expect(await entry.textContent()).toMatch(new RegExp(`.?${runs}.? times on .?wasm`))
    await panel.getByTestId("clear-log").click()
    await panel.getByTestId("clear-log-sure").click()
    await expect.poll(() => panel.getByTestId("log-entry").count()).toBe(0)
    await page.close()
  })
})

describe("the benchmark page", () => {
  let page: Page
  const requests: string[] = []
  beforeAll(async () => {
    browser.context.on("request", (request) => requests.push(request.url()))
    page = await browser.openOwn("benchmarks.html")
  })
  afterAll(() => page?.close())

  const exported = async (as: "csv" | "json") => {
    const download = page.waitForEvent("download")
    await page.getByTestId(`export-${as}`).click()
    return readFile(await (await download).path(), "utf8")
  }
  const results = () => page.getByTestId("result")

  test("shows a benchmark that was just run, and its files hold it", async () => {
    for (const device of ["webgpu", "wgsl"]) await page.getByTestId(`run-${device}`).uncheck()
    await page.getByTestId("run-benchmark").click()
    await page.getByTestId("run-state").and(page.locator("[data-state=done]")).waitFor()
    await results().first().waitFor()
    expect(await results().first().getAttribute("data-device")).toBe("wasm")
    expect(await page.getByTestId("chart").locator("canvas").count()).toBe(1)

    const [record] = JSON.parse(await exported("json"))
    expect(record).toMatchObject({ origin: "owner", device: "wasm", sha256: DEMO_SHA256, backend: "wasm" })
    expect(record.samplesMs.length).toBeGreaterThan(0)
    const [head, row] = (await exported("csv")).split("\n") as [string, string]
    expect(head).toBe(
      "at,origin,model,sha256,device,backend,adapter,browser,version,error,loadMs,firstMs,p50Ms,n,samplesMs",
    )
    expect(row).toContain(new Date(record.at).toISOString())
    expect(row).toContain(`,wasm,wasm,"${record.adapter}",chromium,`)
    const samples = row.split(",").at(-1)?.split(" ").map(Number)
    expect(samples).toEqual(record.samplesMs.map((ms: number) => Number(ms.toFixed(3))))
  })

  test("shows what a site measured, and only what is chosen", async () => {
    const site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
    const other = await browser.context.newPage()
    await other.goto(site.url)
    await browser.enable(other, "session", { capabilities: ["infer", "benchmark"] })
    await other.evaluate(async () => {
      const feeds = { image: { dtype: "float32", shape: [1, 1, 8, 8], data: new Float32Array(64) } }
      const { model } = await window.ipfsAccelerate.load("/models/digits.onnx")
      await window.ipfsAccelerate.benchmark({ model: model.reference, feeds, devices: ["webgpu"], samples: 2 })
    })
    await other.close()
    await site.close()
    await page.bringToFront()
    await page.reload()
    await expect.poll(() => results().count()).toBe(2)
    expect(await results().first().textContent()).toContain(site.url)
    await page.getByTestId("filter-device").selectOption("wasm")
    await expect.poll(() => results().count()).toBe(1)
    expect(await results().first().getAttribute("data-device")).toBe("wasm")
    expect(JSON.parse(await exported("json"))).toHaveLength(1)
  })

  test("asks nobody outside the extension for anything", () => {
    const own = `chrome-extension://${EXTENSION_ID}/`
    expect(requests).toContain(`${own}duckdb/duckdb-eh.wasm`)
    expect(requests.filter((url) => !/^(chrome-extension|blob|data):|^http:\/\/localhost[:/]/.test(url))).toEqual([])
  })
})
