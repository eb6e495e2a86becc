import type { Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { digits, digitsModel, distance, nativeLogits } from "../support/digits.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { attack, litter } from "./hostile-page.ts"

/** Two origins in one browser, of which one is hostile: S9 to S13 as far as a page can reach, and promise 4. */

let browser: ExtensionBrowser
let site: Served
let expected: number[]
beforeAll(async () => {
  site = await serveFolder(pagesDir, { mounts: { "/models/": "models/digits" } })
  browser = await launchExtension()
  expected = await nativeLogits(digits.samples.map(({ image }) => image))
}, 60_000)
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

/** Begins to compute digits, one run after another, without end. */
async function work(page: Page): Promise<{ done(): Promise<Worked> }> {
  await page.evaluate(
    async (images) => {
      const session = await window.ipfsAccelerate.load("/models/digits.onnx")
      const data = Float32Array.from(images.flat())
      const work: Worked = { answers: [], codes: [] }
      Object.assign(window, { work })
      void (async () => {
        for (;;) {
          try {
            const { outputs } = await session.run({
              image: { dtype: "float32", shape: [images.length, 1, 8, 8], data },
            })
            work.answers.push([...outputs.logits.data])
          } catch (error) {
            work.codes.push((error as PageFault).code ?? String(error))
          }
        }
      })()
    },
    digits.samples.map(({ image }) => image),
  )
  return { done: () => page.evaluate(() => (window as unknown as { work: Worked }).work) }
}
interface Worked {
  answers: number[][]
  codes: string[]
}

/** Resolves when the page has computed so many more; every answer so far was right, and none failed. */
async function goesOn({ done }: Awaited<ReturnType<typeof work>>, more = 20): Promise<Worked> {
  const before = (await done()).answers.length
  await expect.poll(async () => (await done()).answers.length, { timeout: 60_000 }).toBeGreaterThan(before + more)
  const worked = await done()
  expect(worked.codes).toEqual([])
  for (const logits of worked.answers) expect(distance(logits, expected)).toBeLessThan(digits.tolerance)
  return worked
}

test("everything at once: an honest page gets right answers all the while, and each attempt its typed refusal", async () => {
  const honest = await granted()
  const upload = await honest.evaluate(
    async (bytes) => (await window.ipfsAccelerate.load(new Uint8Array(bytes), { device: "wasm" })).model.reference,
    [...digitsModel, 0x9a, 0x06, 0x01, 0x07],
  )
  const working = await work(honest)
  const hostile = await hostilePage()
  const accomplice = await browser.context.newPage()
  await accomplice.goto(hostile.url())
  const [{ outcomes }] = await Promise.all([attack(hostile, upload), litter(accomplice)])
  await goesOn(working)
  const { flood, shapes, bomb, invalid, addresses, uploads, prompts, endless } = await outcomes()
  await goesOn(working)
  const kinds = (codes: string[] | undefined) => [...new Set(codes)].sort()
  // S10: bounded, and each answered. What an endless run had behind it goes nowhere else.
  expect(flood?.filter((code) => code === "IPFA_QUEUE_FULL").length).toBeGreaterThan(0)
  expect(kinds(flood)).not.toContain("open")
  expect(kinds(shapes).filter((code) => !/^IPFA_INPUT_(INVALID|SHAPE)$/.test(code))).toEqual([])
  // S13
  expect(kinds(bomb)).not.toContain("done")
  expect(endless).toEqual(["IPFA_JOB_OVERRUN"])
  // S11
  expect(kinds(invalid)).toEqual(["IPFA_MODEL_INVALID", "IPFA_MODEL_UPLOAD"])
  // S12
  expect(kinds(addresses).filter((code) => !/^IPFA_MODEL_(ADDRESS|SCHEME|REFERENCE)$/.test(code))).toEqual([])
  // S9: another's upload, and one that is not there.
  expect(uploads).toEqual(["IPFA_MODEL_NOT_FOUND", "IPFA_MODEL_NOT_FOUND"])
  // Others have the device; what held it up gets another, or none, until two minutes are over.
  const given = await hostile.evaluate(() =>
    window.ipfsAccelerate.load("/models/digits.onnx").then(
      ({ device }: { device: { id: string } }) => device.id,
      (e: PageFault) => e.code,
    ),
  )
  expect(["webgpu", "IPFA_DEVICE_NONE"]).toContain(given)
  // One window for one origin.
  expect(prompts?.filter((code) => code === "IPFA_GRANT_PROMPT").length).toBe(49)
  expect(prompts?.filter((code) => code === "open")).toHaveLength(1)
}, 180_000)
