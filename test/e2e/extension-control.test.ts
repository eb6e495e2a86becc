import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Locator, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import type { PageFault } from "../support/extension.ts"
import { kept } from "../support/kept.ts"
import { type FurnishedBrowser, launchFurnished } from "../support/screens.ts"
import { sha256 } from "../support/store-cases.ts"

const SITE = "https://digits.example.com"
const DIGEST = sha256(digitsModel)

describe("the person's controls", () => {
  let browser: FurnishedBrowser
  let options: Page
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ipfa models "))
    // On a software GPU a benchmark would take longer than all else here.
    browser = await launchFurnished(undefined, { software: false })
    options = await browser.openOwn("options.html")
  })
  afterAll(async () => {
    await browser?.close()
    if (folder) await rm(folder, { recursive: true, force: true })
  })
  const opened: Page[] = []
  afterEach(async () => {
    for (const page of opened.splice(0)) await page.close()
  })
  /** How a run in the site's page ends: the device, or the code it fails with. */
  const run = (model: string, device = "wasm"): Promise<string> =>
    browser.site.evaluate(
      async ([model, device, image]) => {
        const fault = ({ code }: PageFault) => code
        const session = await window.ipfsAccelerate.load(model, { device }).catch(fault)
        if (typeof session === "string") return session
        const data = Float32Array.from(image as number[])
        const ran = session.run({ image: { dtype: "float32", shape: [1, 1, 8, 8], data } })
        const result = await ran.then(({ device }: { device: string }) => device, fault)
        await session.dispose()
        return result
      },
      [model, device, digits.samples[0]?.image] as const,
    )
  const toggle = async (control: Locator, on: boolean) => {
    await control.click()
    await expect.poll(() => control.isChecked()).toBe(on)
  }

  test("a site is found by a part of its address; switched off it gets nothing and can't ask, and on again what it had", async () => {
    const find = options.getByTestId("find-site")
    const row = options.locator(`[data-testid=site][data-origin="${SITE}"]`)
    await find.fill("nothing like it")
    await expect.poll(() => row.count()).toBe(0)
    await find.fill("DIGITS")
    await row.waitFor()
    await find.fill("")
    await toggle(row.getByTestId("site-switch"), false)
    expect(await run(`${SITE}/digits.onnx`)).toBe("IPFA_GRANT_REQUIRED")
    const asked = browser.site.evaluate(() =>
      window.ipfsAccelerate.enable({ capabilities: ["infer"] }).catch((e: PageFault) => e.code),
    )
    expect(await asked).toBe("IPFA_GRANT_DENIED")
    await toggle(row.getByTestId("site-switch"), true)
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
  })

  test("a site at work stays where it is in the list: nobody's neighbour is under the pointer all at once", async () => {
    const other = await browser.context.newPage()
    opened.push(other)
    await other.goto("https://another.example.com/")
    await browser.enable(other, "session")
    const rows = options.locator("[data-testid=site]")
    await expect.poll(() => rows.count()).toBe(2)
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
    // The list is shown anew.
    for (const on of [false, true]) await toggle(rows.last().getByTestId("site-switch"), on)
    expect(await rows.evaluateAll((all) => all.map((row) => row.getAttribute("data-origin")))).toEqual([
      "https://another.example.com",
      SITE,
    ])
  })

  test("a pause refuses pages, and ends with the person's word; the popup says so", async () => {
    const popup = await browser.openOwn("popup.html")
    opened.push(popup)
    await popup.getByTestId("pause").click()
    await popup.getByTestId("paused").waitFor()
    expect(await run(`${SITE}/digits.onnx`)).toBe("IPFA_JOB_PAUSED")
    await popup.getByTestId("pause").click()
    await popup.getByTestId("paused").waitFor({ state: "detached" })
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
  })

  test("on battery nothing is computed where the person wants that; it is again with the plug in, or at their word", async () => {
    const offscreen = (await browser.devtools.target("offscreen.html"))!
    // The machines that run the tests have no battery: the browser's own object says what is wanted, by the event that comes with it.
    const plug = (charging: boolean) =>
      browser.devtools.evaluate(
        offscreen,
        `navigator.getBattery().then((battery) => {
          Object.defineProperty(battery, "charging", { value: ${charging}, configurable: true })
          battery.dispatchEvent(new Event("chargingchange"))
        })`,
      )
    const onBattery = options.getByTestId("on-battery")
    const paused = options.getByTestId("paused").and(options.locator("[data-state=battery]"))
    await plug(false)
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
    await toggle(onBattery, false)
    await paused.waitFor()
    expect(await run(`${SITE}/digits.onnx`)).toBe("IPFA_JOB_PAUSED")
    await plug(true)
    await paused.waitFor({ state: "detached" })
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
    await plug(false)
    await paused.waitFor()
    await toggle(onBattery, true)
    await paused.waitFor({ state: "detached" })
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
    await plug(true)
  })

  test("on a metered network what is stored runs, and nothing is downloaded before the person lets it be, or the network is another", async () => {
    const model = options.locator(`[data-testid=model][data-sha256="${DIGEST}"]`)
    const forget = async () => {
      await model.getByTestId("delete-model").click()
      await model.waitFor({ state: "detached" })
    }
    const onMetered = options.getByTestId("on-metered")
    // A browser on a desktop tells of no kind of network, but of data that is to be saved.
    const offscreen = (await browser.devtools.target("offscreen.html"))!
    const unmeter = await browser.devtools.override(offscreen, "Emulation.setDataSaverOverride", {
      dataSaverEnabled: true,
    })
    try {
      expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
      await forget()
      expect(await run(`${SITE}/digits.onnx`)).toBe("IPFA_MODEL_METERED")
      await toggle(onMetered, true)
      expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
      await toggle(onMetered, false)
      await model.waitFor()
      await forget()
      expect(await run(`${SITE}/digits.onnx`)).toBe("IPFA_MODEL_METERED")
    } finally {
      await unmeter()
    }
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
  })

  test("what is set for memory, disk and the graphics card is what the pool and the store go by, after a restart too", async () => {
    const GB = 1e9
    await options.getByTestId("memory").selectOption(String(0.25 * GB))
    await options.getByTestId("disk").selectOption(String(0.5 * GB))
    await options.getByTestId("gpu-share").selectOption("0.5")
    const budget = () =>
      browser.site.evaluate(async () => (await window.ipfsAccelerate.hardware()).devices[0].budgetBytes)
    await expect.poll(budget).toBe(0.25 * GB)
    const quota = options.locator("#models meter")
    await expect.poll(() => quota.getAttribute("max")).toBe(String(0.5 * GB))
    // The supervisor forgets nothing with its document.
    await browser.devtools.close((await browser.devtools.target("offscreen.html"))!)
    await options.reload()
    await expect.poll(() => options.getByTestId("gpu-share").inputValue()).toBe("0.5")
    await expect.poll(() => quota.getAttribute("max")).toBe(String(0.5 * GB))
    await expect.poll(budget).toBe(0.25 * GB)
    await options.getByTestId("gpu-share").selectOption("0.75")
  })

  test("the toolbar's icon has a sign while something is computed", async () => {
    const [worker] = browser.context.serviceWorkers()
    const badge = () => worker?.evaluate(() => chrome.action.getBadgeText({}))
    const running = browser.site.evaluate(
      async ([model, image]) => {
        const session = await window.ipfsAccelerate.load(model, { device: "wasm" })
        const data = Float32Array.from(image as number[])
        const state = window as unknown as { enough?: boolean }
        while (!state.enough) await session.run({ image: { dtype: "float32", shape: [1, 1, 8, 8], data } })
        await session.dispose()
      },
      [`${SITE}/digits.onnx`, digits.samples[0]?.image] as const,
    )
    await expect.poll(badge).toBe("•")
    await browser.site.evaluate(() => Object.assign(window, { enough: true }))
    await running
    await expect.poll(badge).toBe("")
  })

  test("the popup knows the site in front, runs a benchmark with its progress, and shows it; another is cancelled", async () => {
    const popup = await browser.openOwn("popup.html")
    opened.push(popup)
    await browser.site.bringToFront()
    await popup.reload()
    await popup.locator("#site").getByText(SITE).waitFor()
    /** Runs a benchmark; resolves when `part` was shown, and pressed if it is a button: it is there for milliseconds where the GPU is no part of it. */
    const runUntil = (part: string) =>
      popup.evaluate((part) => {
        const find = (id: string) => document.querySelector<HTMLElement>(`[data-testid=${id}]`)
        const shown = new Promise<void>((resolve) => {
          const observer = new MutationObserver(() => {
            const element = find(part)
            if (!element) return
            observer.disconnect()
            if (element instanceof HTMLButtonElement) element.click()
            resolve()
          })
          observer.observe(document.body, { childList: true, subtree: true })
        })
        find("run-benchmark")?.click()
        return shown
      }, part)
    expect(await popup.locator("#site").getByTestId("site-switch").isChecked()).toBe(true)
    await runUntil("benchmark-progress")
    await popup.getByTestId("run-benchmark").waitFor()
    const row = popup.getByTestId("benchmark").filter({ hasText: "wasm" }).first()
    const measured = () => row.getByRole("img").getAttribute("aria-label")
    // Four were made before.
    await expect.poll(measured).toContain("the last 5 benchmarks")
    const before = await measured()
    await runUntil("cancel-benchmark")
    await popup.getByTestId("run-benchmark").waitFor()
    expect(await popup.getByRole("alert").count()).toBe(0)
    expect(await measured()).toBe(before)
  })

  test("an open popup asks little of what computes, however much goes on", async () => {
    const popup = await browser.context.newPage()
    opened.push(popup)
    await popup.addInitScript(() => {
      const connect = chrome.runtime.connect.bind(chrome.runtime)
      const asked: string[] = []
      Object.assign(window, { asked })
      chrome.runtime.connect = ((...args: Parameters<typeof connect>) => {
        const port = connect(...args)
        const post = port.postMessage.bind(port)
        port.postMessage = (message: { method?: string }) => {
          if (message.method) asked.push(message.method)
          post(message)
        }
        return port
      }) as typeof chrome.runtime.connect
    })
    await popup.goto(options.url().replace("options", "popup"))
    await popup.locator("#devices [data-testid=device]").first().waitFor()
    const asked = () => popup.evaluate(() => (window as unknown as { asked: string[] }).asked.splice(0))
    const since = performance.now()
    await asked()
    await browser.site.evaluate(
      async ([model, image]) => {
        const session = await window.ipfsAccelerate.load(model, { device: "wasm" })
        const feeds = { image: { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image) } }
        const start = performance.now()
        while (performance.now() - start < 3000) await session.run(feeds)
        await session.dispose()
      },
      [`${SITE}/digits.onnx`, digits.samples[0]?.image as number[]] as const,
    )
    const times = new Map<string, number>()
    for (const method of await asked()) times.set(method, (times.get(method) ?? 0) + 1)
    const seconds = (performance.now() - since) / 1000
    expect([...times.keys()].sort()).toEqual(["benchmark.list", "hardware.report", "model.list", "status.get"])
    for (const [method, count] of times) expect(count, method).toBeLessThanOrEqual(seconds + 2)
  })

  test("a model is saved as a file, deleted, brought in again, and loaded by its digest without a download", async () => {
    await options.bringToFront()
    const row = options.locator(`[data-testid=model][data-sha256="${DIGEST}"]`)
    const download = options.waitForEvent("download")
    await row.getByTestId("export-model").click()
    const file = join(folder, "out.onnx")
    await (await download).saveAs(file)
    expect(sha256(await readFile(file))).toBe(DIGEST)
    await row.getByTestId("delete-model").click()
    await row.waitFor({ state: "detached" })
    expect(await run(`sha256:${DIGEST}`)).toBe("IPFA_MODEL_NOT_FOUND")
    await options.getByTestId("import-model").setInputFiles(file)
    await row.waitFor()
    expect(await run(`sha256:${DIGEST}`)).toBe("wasm")
    const empty = join(folder, "empty.onnx")
    await writeFile(empty, "")
    await options.getByTestId("import-model").setInputFiles(empty)
    await expect.poll(() => options.locator("#models").getByRole("alert").textContent()).toContain("IPFA_MODEL_UPLOAD")
  })

  test("what a site stored goes at a word, and is asked about first", async () => {
    await browser.site.evaluate(
      async (bytes) => {
        const session = await window.ipfsAccelerate.load(new Uint8Array(bytes), { device: "wasm" })
        await session.dispose()
        // Bytes that no other test stores: ONNX ignores an unknown field at the end.
      },
      [...digitsModel, 0x9a, 0x06, 0x01, 0x08],
    )
    const row = options.locator(`[data-testid=site-storage][data-origin="${SITE}"]`)
    await row.getByTestId("clear-site").click()
    await row.getByTestId("clear-site-sure").click()
    await row.waitFor({ state: "detached" })
  })

  test("with no network at all a page computes with what is stored, what is not ends with that code, and the benchmark page measures", async () => {
    // Stored, and in nobody's memory.
    expect(await run(`${SITE}/digits.onnx`)).toBe("wasm")
    await browser.devtools.close((await browser.devtools.target("offscreen.html"))!)
    await browser.unplug()
    expect(await browser.site.evaluate(() => navigator.onLine)).toBe(false)
    const images = digits.samples.map(({ image }) => image)
    const logits = browser.site.evaluate(
      async ([model, images]) => {
        const session = await window.ipfsAccelerate.load(model, { device: "wasm" })
        const image = { dtype: "float32", shape: [images.length, 1, 8, 8], data: Float32Array.from(images.flat()) }
        const { outputs } = await session.run({ image })
        await session.dispose()
        return [...outputs.logits.data] as number[]
      },
      [`${SITE}/digits.onnx`, images] as const,
    )
    expect(distance(await logits, await nativeLogits(images))).toBeLessThan(digits.tolerance)
    expect(await run(`${SITE}/other.onnx`)).toBe("IPFA_MODEL_FETCH")

    const benchmarks = await browser.openOwn("benchmarks.html")
    opened.push(benchmarks)
    const results = benchmarks.getByTestId("result")
    await results.first().waitFor()
    const before = await results.count()
    await benchmarks.getByTestId("run-benchmark").click()
    await benchmarks.getByTestId("run-state").and(benchmarks.locator("[data-state=done]")).waitFor()
    await expect.poll(() => results.count()).toBeGreaterThan(before)
    expect(await benchmarks.getByTestId("chart").locator("canvas").count()).toBe(1)
  })

  test("everything is deleted at a word: grants, models, measurements, logs, settings, the agent's name", async () => {
    const before = await options.evaluate(kept)
    expect(before.files.length).toBeGreaterThan(0)
    expect(before.rows.join("\n")).toContain(SITE)
    const agent = (text: string) => /"(chromium-[0-9a-f]{8})"/.exec(text)?.[1]
    const name = agent(before.rows.join("\n")) as string
    await options.bringToFront()
    await options.getByTestId("erase").click()
    await options.getByTestId("erase-sure").click()
    // The page connects to the supervisor that starts anew.
    await options.locator("#sites", { hasText: "No site may use this computer" }).waitFor()
    const agentNow = async () => agent((await options.evaluate(kept)).rows.join("\n"))
    await expect.poll(async () => [undefined, name].includes(await agentNow())).toBe(false)
    const { rows, files, settings } = await options.evaluate(kept)
    expect(files).toEqual([])
    expect(settings).toEqual({})
    // A new name, the count of its starts, and nothing else.
    expect(rows.filter((row) => !row.startsWith("ipfs-accelerate-settings settings"))).toEqual([])
    expect(rows.join("\n")).not.toContain(name)
    expect(rows.join("\n")).not.toContain("example.com")
    expect(await run(`${SITE}/digits.onnx`)).toBe("IPFA_GRANT_REQUIRED")
    expect(await options.getByTestId("gpu-share").inputValue()).toBe("1")
  })
})
