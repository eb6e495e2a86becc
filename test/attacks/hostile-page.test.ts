import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { digitWork } from "../support/digit-work.ts"
import { digitsModel } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { endless } from "./hostile-models.ts"
import { attack, expectRefused, litter } from "./hostile-page.ts"

/** Two origins in one browser, of which one is hostile: S9 to S13 as far as a page can reach, and promise 4. */

let browser: ExtensionBrowser
let site: Served
beforeAll(async () => {
  site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
  browser = await launchExtension()
})
afterAll(async () => {
  await browser?.close()
  await site?.close()
})
afterEach(async () => {
  for (const open of browser.context.pages().slice(1)) await open.close()
})

async function granted(url = site.url): Promise<Page> {
  const page = await browser.context.newPage()
  await page.goto(url)
  expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
  return page
}
const hostilePage = () => granted(site.url.replace("localhost", "127.0.0.1"))

test("a flood of longer runs does not come between the runs of a page that asks for one after another", async () => {
  const [honest, hostile] = [await granted(), await hostilePage()]
  const working = await digitWork(honest)
  await working.goesOn()
  await hostile.evaluate(async () => {
    const session = await window.ipfsAccelerate.load("/models/digits.onnx")
    const flood = { done: 0 }
    Object.assign(window, { flood })
    const image = { dtype: "float32", shape: [800, 1, 8, 8], data: new Float32Array(800 * 64) }
    for (let i = 0; i < 300; i++)
      void session.run({ image }).then(
        () => flood.done++,
        () => undefined,
      )
  })
  const done = () => hostile.evaluate(() => (window as unknown as { flood: { done: number } }).flood.done)
  const before = { flood: await done(), honest: (await working.soFar()).right }
  const { right } = await working.goesOn(60)
  const [flooded, honestly] = [(await done()) - before.flood, right - before.honest]
  // Each of both would have every other turn, if a turn were all that is shared.
  expect(flooded * 3).toBeLessThan(honestly)
}, 240_000)

test("S9 to S13, everything at once: an honest page gets right answers all the while, and each attempt its typed refusal", async () => {
  const honest = await granted()
  const upload = await honest.evaluate(
    async (bytes) => (await window.ipfsAccelerate.load(new Uint8Array(bytes), { device: "wasm" })).model.reference,
    [...digitsModel, 0x9a, 0x06, 0x01, 0x07],
  )
  const working = await digitWork(honest)
  const hostile = await hostilePage()
  const accomplice = await browser.context.newPage()
  await accomplice.goto(hostile.url())
  const [{ outcomes }] = await Promise.all([attack(hostile, upload), litter(accomplice)])
  await working.goesOn()
  const ended = await outcomes()
  await working.goesOn()
  expectRefused(ended)
  // Others have the device; what held it up gets another, or none, until two minutes are over.
  const given = await hostile.evaluate(() =>
    window.ipfsAccelerate.load("/models/digits.onnx").then(
      ({ device }: { device: { id: string } }) => device.id,
      (e: PageFault) => e.code,
    ),
  )
  expect(["webgpu", "IPFA_DEVICE_NONE"]).toContain(given)
  expect(ended.prompts?.filter((code) => code === "open")).toHaveLength(1)
  // The GPU is there as it was.
  await working.end()
  for (const device of ["webgpu", "wgsl"]) {
    const onGpu = await digitWork(honest, { device })
    await onGpu.goesOn(3)
    await onGpu.end()
  }
}, 180_000)

test("S13: a run without end on the GPU: who wants that GPU and no other has it within half a minute", async () => {
  const [honest, hostile] = [await granted(), await hostilePage()]
  const onGpu = await digitWork(honest, { device: "webgpu" })
  await onGpu.goesOn(2)
  const run = await hostile.evaluateHandle(
    async (model) => {
      const session = await window.ipfsAccelerate.load(new Uint8Array(model), { device: "webgpu" })
      const x = { dtype: "float32", shape: [1], data: new Float32Array([1]) }
      const ended = session.run({ x }).then(
        () => "done",
        ({ code }: PageFault) => code,
      )
      return { ended }
    },
    [...endless()],
  )
  const began = Date.now()
  expect(await run.evaluate(({ ended }) => ended)).toBe("IPFA_JOB_OVERRUN")
  expect(Date.now() - began).toBeLessThan(30_000)
  expect((await onGpu.goesOn(3)).longestMs).toBeLessThan(35_000)
  await onGpu.end()
}, 120_000)
