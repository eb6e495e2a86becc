import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { digits, distance } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"

// Pipelines compile slowly on a software adapter; the machine may be busy with other tests.
vi.setConfig({ testTimeout: 300_000 })

let browser: ExtensionBrowser
let site: Served
let page: Page
beforeAll(async () => {
  site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
  browser = await launchExtension()
  page = await browser.context.newPage()
  await page.goto(site.url)
  expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
})
afterAll(async () => {
  await browser?.close()
  await site?.close()
})

const { image, logits } = digits.samples[0]!

/** Loads digits in the page, forced to our own kernels, and runs it once. */
async function run(): Promise<void> {
  const found = await page.evaluate(async (image) => {
    const session = await window.ipfsAccelerate.load("/models/digits.onnx", { device: "wgsl" })
    const result = await session.run({
      image: { dtype: "float32", shape: [1, 1, 8, 8], data: Float32Array.from(image) },
    })
    await session.dispose()
    return [...result.outputs.logits.data]
  }, image)
  expect(distance(found, logits)).toBeLessThan(digits.tolerance)
}

/** Keys in the extension's own storage: adapter, then kind of work. `put` takes the place of what is there under its key. */
const stored = (own: Page, put?: { key: [string, string]; winner: object }) =>
  own.evaluate(async (put) => {
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const database = await done(indexedDB.open("ipfs-accelerate-winners"))
    const winners = database.transaction("winners", "readwrite").objectStore("winners")
    if (put) await done(winners.put(put.winner, put.key))
    const keys = await done(winners.getAllKeys())
    database.close()
    return keys as [adapter: string, key: string][]
  }, put)

test("what the popup's button finds is kept as it is found, also if it is cancelled, and a session computes by it after a restart", async () => {
  await run()
  const popup = await browser.openOwn("popup.html")
  // It is there once all devices are known.
  await popup.getByTestId("run-tune").click({ timeout: 120_000 })
  const progress = popup.getByTestId("tune-progress")
  await expect.poll(() => progress.getByRole("status").textContent(), { timeout: 60_000 }).toMatch(/wgsl: \d+ of \d+$/)
  // What was used lately comes first: the last of digits' kinds of work is a product.
  const product = async () => (await stored(popup)).find(([, key]) => key.startsWith("matmul 1×64"))
  await expect.poll(product, { timeout: 120_000 }).toBeDefined()
  await popup.getByTestId("cancel-tune").click()
  await popup.getByTestId("run-tune").waitFor()
  expect(await popup.getByRole("alert").count()).toBe(0)
  const [adapter] = (await product())!
  expect(adapter).toContain("swiftshader")

  // Which is the fastest on a machine that does other things as well nobody knows: another than the kernel's own choice shows that it is obeyed.
  const winner = { algorithm: "naive", tuning: { WG: 32 }, ms: 1, planMs: 2, at: Date.now() }
  await stored(popup, { key: (await product())!, winner })
  const offscreen = (await browser.devtools.target("offscreen.html"))!
  await browser.devtools.close(offscreen)
  await expect.poll(() => browser.devtools.target("offscreen.html")).not.toBe(offscreen)
  await page.evaluate(() => window.ipfsAccelerate.hardware())
  const inWorker = async <T>(expression: string) =>
    browser.devtools.evaluateInWorker<T>(
      (await browser.devtools.target("offscreen.html"))!,
      "ipfs-accelerate wgsl",
      expression,
    )
  await inWorker(`
    globalThis.compiled = []
    const create = GPUDevice.prototype.createComputePipelineAsync
    GPUDevice.prototype.createComputePipelineAsync = function (pipeline) {
      compiled.push([pipeline.label, pipeline.compute.constants.WG])
      return create.call(this, pipeline)
    }
    undefined`)
  await run()
  expect(await inWorker<[string, number][]>("compiled")).toContainEqual(["matmul:naive", 32])
})
