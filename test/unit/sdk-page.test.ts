import { copyFile, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type Bundled, bundle } from "../support/bundle.ts"
import { launchChromium } from "../support/chromium.ts"
import type { SdkPage } from "../support/sdk-page.ts"
import { serveFolder } from "../support/serve.ts"

declare const sdk: SdkPage

const repository = join(import.meta.dirname, "../..")

/** One pixel. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

describe("the SDK in a real page without the extension", () => {
  let bundled: Bundled
  let served: { url: string; close(): Promise<void> }
  let context: Awaited<ReturnType<typeof launchChromium>>
  let page: Page
  let model: string
  let samples: { image: number[]; logits: number[] }[]
  let tolerance: number

  beforeAll(async () => {
    bundled = await bundle({ page: "test/support/sdk-page.ts", worker: "engine/worker/worker.ts" })
    await copyFile(join(repository, "models/digits/digits.onnx"), join(bundled.dir, "digits.onnx"))
    await writeFile(join(bundled.dir, "picture.png"), Buffer.from(PNG, "base64"))
    ;({ samples, tolerance } = JSON.parse(await readFile(join(repository, "models/digits/samples.json"), "utf8")))
    served = await serveFolder(bundled.dir, {
      mounts: { "/ort/": join(repository, "node_modules/onnxruntime-web/dist") },
    })
    model = `${served.url}/digits.onnx`
    context = await launchChromium()
    page = await context.newPage()
    await page.goto(served.url)
    await page.waitForFunction("window.sdk")
  })
  afterAll(async () => {
    await context?.close()
    await served?.close()
    await bundled?.remove()
  })

  const expectRight = (logits: number[], i: number, within = tolerance) => {
    for (const [j, expected] of samples[i]!.logits.entries())
      expect(Math.abs(logits[j]! - expected)).toBeLessThan(within)
  }

  test("the engine in the page gives right answers, and says that it was the page's", async () => {
    const options = { workerUrl: "worker.js", assetsUrl: "ort/", waitMs: 20, backends: ["wasm"] }
    expect(await page.evaluate((o) => sdk.create(o), options)).toEqual({
      via: "page",
      reason: "no extension announced itself within 20 ms",
    })
    const { logits, device } = await page.evaluate(([u, i]) => sdk.run(u, i), [model, samples[0]!.image] as const)
    expectRight(logits, 0)
    expect(device).toBe("wasm")
  })

  test("a reference may be relative to the page's document", async () => {
    const { logits } = await page.evaluate((i) => sdk.run("digits.onnx", i), samples[2]!.image)
    expectRight(logits, 2)
    expectRight(await page.evaluate((i) => sdk.accelerate("/digits.onnx", i), samples[5]!.image), 5)
  })

  test("an image is resized to the model's input and run", async () => {
    const logits = await page.evaluate(([u, i]) => sdk.accelerate(u, i), [model, samples[5]!.image] as const)
    // The digits model takes 0 … 16; the image holds 15 times that, exactly.
    expectRight(logits, 5)
  })

  test.each(["float32", "float16", "uint8"] as const)("a %s input is made of an image", async (dtype) => {
    const { image: values } = samples[5]!
    const type = { float32: "Float32Array", float16: "Float16Array", uint8: "Uint8ClampedArray" }[dtype]
    expect(await page.evaluate(([d, i]) => sdk.pixels(d, i), [dtype, values] as const)).toEqual({ type, values })
  })

  test("an image that the page may not read, or that is none, is refused with a code", async () => {
    const elsewhere = served.url.replace("localhost", "127.0.0.1")
    for (const of of [`${elsewhere}/picture.png`, `${served.url}/absent.png`])
      expect(await page.evaluate((url) => sdk.pixels("float32", url), of)).toMatchObject({
        code: "IPFA_INPUT_INVALID",
        message: "image: expected an image that this page may read",
        data: { path: "image" },
      })
    expect(await page.evaluate((url) => sdk.pixels("uint8", url), `${served.url}/picture.png`)).toMatchObject({
      values: expect.any(Array),
    })
  })

  test("without its files the engine is absent with the reason", async () => {
    const absent = await page.evaluate(() => sdk.create({ waitMs: 1 }))
    expect(absent).toMatchObject({
      code: "IPFA_EXTENSION_ABSENT",
      message: expect.stringContaining("workerUrl"),
      data: { reason: expect.stringContaining("workerUrl"), extension: expect.stringContaining("announced") },
    })
  })

  test.each(["before", "after"] as const)("an extension that is there %s the page asks is found", async (when) => {
    expect(await page.evaluate((w) => sdk.discover(w), when)).toEqual({
      via: "extension",
      version: "9.9.9",
      report: { devices: [], absent: [] },
    })
  })

  test("where only the extension will do and it does not come, that is an error", async () => {
    expect(await page.evaluate(() => sdk.discover("late"))).toMatchObject({ code: "IPFA_EXTENSION_ABSENT" })
  })

  test("React: a component without a model loads nothing, and says so", async () => {
    const isLoading = () => page.evaluate(() => document.querySelector<HTMLButtonElement>("#run")?.disabled)
    const { image } = samples[1]!
    await page.evaluate((i) => sdk.render(undefined, i), image)
    await expect.poll(() => page.textContent("#via")).toBe("page")
    expect(await isLoading()).toBe(false)
    await page.evaluate(([u, i]) => sdk.render(u, i), [model, image] as const)
    await expect.poll(() => page.textContent("#device")).toBe("wasm")
    await page.evaluate((i) => sdk.render(undefined, i), image)
    await expect.poll(() => page.textContent("#device")).toBe("")
    expect(await isLoading()).toBe(false)
    await page.evaluate(() => sdk.unmount())
  })

  test("React: a component gets a session, runs it, and gives it back", async () => {
    await page.evaluate(([u, i]) => sdk.render(u, i), [model, samples[1]!.image] as const)
    await expect.poll(() => page.textContent("#device")).toBe("wasm")
    expect(await page.textContent("#via")).toBe("page")
    // Strict mode mounts twice; the first session was given back.
    await expect.poll(() => page.evaluate(() => sdk.leases())).toBe(1)
    await page.click("#run")
    await expect.poll(() => page.textContent("#answer")).not.toBe("")
    expectRight((await page.textContent("#answer"))!.split(",").map(Number), 1)

    await page.evaluate(([u, i]) => sdk.render(u, i), [`${model}-absent`, samples[1]!.image] as const)
    await expect.poll(() => page.textContent("#error")).toBe("IPFA_MODEL_NOT_FOUND")
    expect(await page.textContent("#device")).toBe("")
    await page.evaluate(() => sdk.unmount())
    await expect.poll(() => page.evaluate(() => sdk.leases())).toBe(0)
  })
})
