import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { tensorBytes } from "../../protocol/index.ts"
import type { ConformanceCase } from "../conformance/case.ts"
import { cases } from "../conformance/cases.ts"
import type { Drive } from "../conformance/drive.ts"
import { expectRight } from "../conformance/judge.ts"
import { reference } from "../conformance/reference.ts"
import { drivePage } from "../support/drive-page.ts"
import { type ExtensionBrowser, launchExtension, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { sharedDir } from "../support/shared.ts"

const caseOf = (name: string): ConformanceCase => cases.find((one) => one.name === name)!
const chosen = [
  ["kwt1", "kwt1/kwt1.onnx"],
  ["silero-vad", "silero-vad/silero_vad.onnx"],
] as const
const alone = [
  ["mnist-cnn", "mnist-cnn/mnist.onnx"],
  ["mobilenetv2 QDQ", "mobilenetv2/mobilenet_v2_1.0_224_qdq.onnx"],
] as const
const skip = chosen.map(([name]) => caseOf(name).skip).find(Boolean)

describe.skipIf(skip)(`real models run from a page in the extension's pool${skip ? ` (${skip})` : ""}`, () => {
  let browser: ExtensionBrowser
  let site: Served
  beforeAll(async () => {
    site = await serveFolder(pagesDir, { mounts: { "/models/": `${sharedDir}/models` } })
    browser = await launchExtension()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  const open = async () => {
    const page = await browser.context.newPage()
    await page.goto(site.url)
    expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    return page
  }

  const drive = (page: Page, file: string, device: string, plan: Drive) =>
    drivePage((run, order) => page.evaluate(run, order), `/models/${file}`, device, plan)

  test.each(chosen)(
    "two pages share one session of %s on wasm, each with its own state there, and both get onnxruntime-node's numbers",
    async (name, file) => {
      const one = caseOf(name)
      const plan = one.plan() as Extract<Drive, { kind: "runs" | "carried" }>
      const pages = [await open(), await open()]
      const ran = await Promise.all(pages.map((page) => drive(page, file, "wasm", plan)))
      const expected = await reference(one)
      for (const driven of ran) {
        expect(driven.device).toBe("wasm")
        expectRight(one, driven, expected)
        const state = Object.values(plan.kind === "carried" ? plan.initial : {}).reduce((n, t) => n + tensorBytes(t), 0)
        // What the other page keeps is not told.
        expect(driven.keptBytes.during).toBe(state)
      }
      // Both are still open: one model, loaded once.
      const options = await browser.openOwn("options.html")
      const session = options.getByTestId("session")
      await expect.poll(() => session.count()).toBe(1)
      expect(await session.getAttribute("data-leases")).toBe("2")
      for (const page of pages) await page.close()
      await options.close()
    },
  )

  test.each(alone)("%s on wasm gives a page onnxruntime-node's numbers", async (name, file) => {
    const page = await open()
    const driven = await drive(page, file, "wasm", caseOf(name).plan())
    expect(driven.device).toBe("wasm")
    expectRight(caseOf(name), driven, await reference(caseOf(name)))
    await page.close()
  })

  test.each([
    ["wasm", 32],
    ["webgpu", 6],
  ])(
    "stories260k on %s writes %i tokens of its story for a page, its KV cache on the device all the while",
    async (device, count) => {
      const one = caseOf("stories260k")
      const plan = one.plan() as Extract<Drive, { kind: "greedy" }>
      const page = await open()
      const driven = await drive(page, "stories260k/stories260K_decoder.onnx", device, { ...plan, count })
      expect(driven.device).toBe(device)
      for (const [what, tokens, expected] of one.known(driven))
        expect(tokens, what).toEqual((expected as number[]).slice(0, count))
      // A key and a value in each of its layers, float32 [1, 4, tokens, 8].
      expect(driven.keptBytes).toEqual({ during: 2 * plan.layers * 4 * count * 8 * 4, after: 0 })
      await page.close()
    },
  )
})
