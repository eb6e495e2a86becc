import { readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import english from "../../extension/public/_locales/en/messages.json" with { type: "json" }
import { registry } from "../../protocol/index.ts"
import { digits, digitsModel } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension, pagesDir } from "../support/extension.ts"
import { tabTo } from "../support/keyboard.ts"
import { type PublicHost, publicHost } from "../support/public-host.ts"
import { axeFaults, sizes } from "../support/screens.ts"
import { sha256 } from "../support/store-cases.ts"

/** What the screens ask before something is lost, and say of what failed, in one browser with a software GPU. */

/** The digits model with `count` zeros in a field that ONNX has not and ignores: bytes that no other test stores. */
function padded(count: number): Uint8Array<ArrayBuffer> {
  const length = [count & 0x7f, count >> 7, count >> 14].map((part, i) => (part & 0x7f) | (i < 2 ? 0x80 : 0))
  return Uint8Array.from([...digitsModel, 0x9a, 0x06, ...length, ...new Uint8Array(count)])
}
const own = padded(300)
const big = padded(2_000_000)
const another = padded(2_000_001)

let host: PublicHost
let browser: ExtensionBrowser
let site: Page
let options: Page
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipfa models "))
  await writeFile(join(folder, "own.onnx"), own)
  const index = readFileSync(resolve(pagesDir, "index.html"))
  host = await publicHost("*.example.com", {
    "/": index,
    "/digits.onnx": digitsModel,
    "/big.onnx": big,
    "/another.onnx": another,
  })
  browser = await launchExtension({ args: host.args })
  site = await browser.context.newPage()
  await site.goto("https://digits.example.com/")
  await browser.enable(site, "always", { capabilities: ["infer", "benchmark"] })
  await site.evaluate(async (image) => {
    const feeds = { image: { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image) } }
    const model = `${origin}/digits.onnx`
    await window.ipfsAccelerate.benchmark({ model, feeds, devices: ["wasm"], samples: 2, warmup: 1 })
    const session = await window.ipfsAccelerate.load(model, { device: "wasm" })
    await session.run(feeds)
  }, digits.samples[0]?.image as number[])
  options = await browser.openOwn("options.html")
})
afterAll(async () => {
  await browser?.close()
  await host?.close()
  if (folder) await rm(folder, { recursive: true, force: true })
})

const modelRow = (bytes: Uint8Array) => options.locator(`[data-testid=model][data-sha256="${sha256(bytes)}"]`)
/** Has the site load a model for the first time: it is read then, and in nobody's hands after that. */
const load = (file: string) =>
  site.evaluate(async (file) => {
    const session = await window.ipfsAccelerate.load(`${origin}/${file}`, { device: "wasm" })
    await session.dispose()
  }, file)

/** Brings in the model from its file, as a person does. */
async function bringIn(): Promise<void> {
  await options.bringToFront()
  await options.getByTestId("import-model").setInputFiles(join(folder, "own.onnx"))
  await modelRow(own).waitFor()
}

/** A device as the pool tells of it. */
const deviceOf = (device: string): Promise<{ state: string; adapter: string }> =>
  site.evaluate(async (device) => {
    const { devices } = await window.ipfsAccelerate.hardware()
    return devices.find(({ id }: { id: string }) => id === device)
  }, device)

/** Kills the worker of a backend until the pool leaves it alone for a while. */
async function lose(backend: string): Promise<void> {
  const offscreen = (await browser.devtools.target("offscreen.html")) as string
  const killed = async () => {
    await browser.devtools.killWorker(offscreen, `ipfs-accelerate ${backend}`)
    return (await deviceOf(backend)).state
  }
  expect((await deviceOf(backend)).state).toBe("ready")
  await expect.poll(killed, { timeout: 60_000 }).toBe("cooling")
}

test("nobody is told that there is nothing while it is still being asked for", async () => {
  const shows: Record<string, string> = {
    "options.html":
      "#models [data-testid=model], #site-storage [data-testid=site-storage], #loaded [data-testid=session]",
    "popup.html": "#work [data-testid=session], #benchmark [data-testid=benchmark]",
    "sidepanel.html": "#log [data-testid=log-entry], #loaded [data-testid=session]",
  }
  const nothing = ["storedNone", "siteStorageNone", "loadedNone", "benchmarksNone", "logEmpty"] as const
  const never = nothing.map((key) => english[key].message)
  for (const [file, parts] of Object.entries(shows)) {
    const page = await browser.context.newPage()
    await page.addInitScript(() => {
      const said = new Set<string>()
      Object.assign(window, { said })
      const look = () => {
        for (const { textContent } of document.querySelectorAll("p")) said.add(textContent)
      }
      new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true })
    })
    await page.goto(options.url().replace("options.html", file))
    for (const part of parts.split(", ")) await page.locator(part).first().waitFor()
    const said = await page.evaluate(() => [...(window as unknown as { said: Set<string> }).said])
    expect(said.length).toBeGreaterThan(0)
    expect(said.filter((text) => never.includes(text))).toEqual([])
    await page.close()
  }
})

test("a file that is brought in is said to be there, and a model that is saved, by which name", async () => {
  await bringIn()
  const imported = options.getByTestId("import-state").and(options.locator("[data-state=done]"))
  await imported.waitFor()
  expect(await imported.textContent()).toContain("own.onnx")
  expect(await imported.textContent()).toContain(sha256(own).slice(0, 8))
  const row = modelRow(own)
  const download = options.waitForEvent("download")
  await row.getByTestId("export-model").click()
  await row.getByTestId("export-state").and(options.locator("[data-state=done]")).waitFor()
  expect(await row.getByTestId("export-state").textContent()).toContain((await download).suggestedFilename())
})

test("a model that a person brought in is measured on the benchmark page like any other", async () => {
  await bringIn()
  const page = await browser.openOwn("benchmarks.html")
  await page.getByTestId("run-model").selectOption(`sha256:${sha256(own)}`)
  for (const device of ["webgpu", "wgsl"]) await page.getByTestId(`run-${device}`).uncheck()
  await page.getByTestId("run-benchmark").click()
  await page.getByTestId("run-state").and(page.locator("[data-state=done]")).waitFor()
  await page
    .getByTestId("result")
    .filter({ hasText: sha256(own).slice(0, 8) })
    .first()
    .waitFor()
  await page.close()
})

test("a model that can't be downloaded again is deleted after a question, another at once", async () => {
  await bringIn()
  const row = modelRow(own)
  await row.getByTestId("delete-model").click()
  await row.getByTestId("delete-model-sure").waitFor()
  expect(await row.locator("legend").textContent()).toContain(sha256(own).slice(0, 8))
  await options.setViewportSize(sizes.narrow)
  expect(await axeFaults(options)).toEqual([])
  expect(await options.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
  await options.setViewportSize(sizes.wide)
  await row.getByRole("button", { name: english.keep.message }).click()
  expect(await row.count()).toBe(1)
  await row.getByTestId("delete-model").click()
  await row.getByTestId("delete-model-sure").click()
  await row.waitFor({ state: "detached" })

  await load("big.onnx")
  await modelRow(big).getByTestId("delete-model").click()
  await modelRow(big).waitFor({ state: "detached" })
})

test("less disk than the models take is asked about: by keyboard one goes past it and back, and nothing is deleted", async () => {
  await options.bringToFront()
  await load("another.onnx")
  await modelRow(another).waitFor()
  const disk = options.getByTestId("disk")
  const quota = () => options.locator("#models meter").getAttribute("max")
  await disk.selectOption("500000000")
  await expect.poll(quota).toBe("500000000")
  // Models as small as a test's fit in each amount that there is.
  await disk.evaluate((select) => select.prepend(new Option("1.5 MB", "1500000")))
  await tabTo(options, "disk")
  await options.keyboard.press("ArrowUp")
  await options.getByTestId("disk-sure").waitFor()
  await options.keyboard.press("ArrowDown")
  // The amount that was chosen is offered as well.
  if ((await disk.inputValue()) === "1500000") await options.keyboard.press("ArrowDown")
  await options.getByTestId("disk-sure").waitFor({ state: "detached" })
  expect(await disk.inputValue()).toBe("500000000")

  await disk.selectOption("1500000")
  await options.getByTestId("disk-sure").waitFor()
  await options.setViewportSize(sizes.narrow)
  expect(await axeFaults(options)).toEqual([])
  expect(await options.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
  await options.setViewportSize(sizes.wide)
  await tabTo(options, "disk-keep")
  await options.keyboard.press("Enter")
  await options.locator("[data-testid=disk]:focus").waitFor()
  expect(await disk.inputValue()).toBe("500000000")
  expect(await quota()).toBe("500000000")
  expect(await modelRow(another).count()).toBe(1)

  await disk.selectOption("1500000")
  await options.getByTestId("disk-sure").click()
  await modelRow(another).waitFor({ state: "detached" })
  await expect.poll(quota).toBe("1500000")
  await disk.selectOption("4000000000")
  await expect.poll(quota).toBe("4000000000")
})

test("a device on which a benchmark failed is named, and why, on the popup and on the benchmark page", async () => {
  // A second loss takes the GPU away for two minutes.
  await lose("webgpu")
  const failed = (page: Page) => page.getByTestId("failed-device")

  const benchmarks = await browser.openOwn("benchmarks.html")
  await benchmarks.getByTestId("run-wgsl").uncheck()
  await benchmarks.getByTestId("run-benchmark").click()
  await failed(benchmarks).waitFor()
  expect(await failed(benchmarks).textContent()).toMatch(/^webgpu.*webgpu was lost/)
  expect(await benchmarks.getByTestId("run-state").textContent()).toMatch(/wasm .*ms/)
  const row = benchmarks.locator("[data-testid=result][data-device=webgpu]")
  await row.waitFor()
  expect(await row.textContent()).toContain(`${registry.IPFA_DEVICE_LOST.message} IPFA_DEVICE_LOST`)
  await benchmarks.setViewportSize(sizes.narrow)
  expect(await axeFaults(benchmarks)).toEqual([])
  expect(await benchmarks.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(sizes.narrow.width)
  await benchmarks.close()

  const popup = await browser.openOwn("popup.html")
  await popup.getByTestId("run-benchmark").click()
  await failed(popup).waitFor({ timeout: 60_000 })
  expect(await failed(popup).textContent()).toMatch(/^webgpu.*webgpu was lost/)
  await popup.setViewportSize(sizes.narrow)
  expect(await axeFaults(popup)).toEqual([])
  await popup.close()
}, 240_000)

test("what is shown of the results is chosen anew once none is left", async () => {
  const page = await browser.openOwn("benchmarks.html")
  await page.getByTestId("filter-device").selectOption("webgpu")
  await expect.poll(() => page.locator("[data-testid=result][data-device=wasm]").count()).toBe(0)
  await page.getByTestId("clear-results").click()
  await page.getByTestId("clear-results-sure").click()
  await page.getByText(english.resultsNone.message).waitFor()
  for (const device of ["webgpu", "wgsl"]) await page.getByTestId(`run-${device}`).uncheck()
  await page.getByTestId("run-benchmark").click()
  await page.locator("[data-testid=result][data-device=wasm]").waitFor()
  await page.close()
})

// Last: what computes on the processor is gone for a while.
test("the welcome page names the hardware that a digit was read on after a fallback, and says why", async () => {
  const page = await browser.openOwn("welcome.html")
  const answer = page.getByTestId("answer")
  await page.getByTestId("sample-5").click()
  await expect.poll(() => answer.getAttribute("data-device")).toBe("wasm")
  expect(await page.getByTestId("fell-back").count()).toBe(0)
  await lose("wasm")
  await page.getByTestId("sample-7").click()
  await expect.poll(() => answer.getAttribute("data-digit"), { timeout: 60_000 }).toBe("7")
  const device = (await answer.getAttribute("data-device")) as string
  expect(["webgpu", "wgsl"]).toContain(device)
  expect(await answer.textContent()).toContain(`on ${device} (`)
  expect(await answer.textContent()).toContain((await deviceOf(device)).adapter)
  expect(await page.getByTestId("fell-back").textContent()).toMatch(/wasm.*: .*lost/)
  expect(await axeFaults(page)).toEqual([])
  await page.close()
}, 180_000)
