import { join, relative, resolve } from "node:path"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import type { DeviceInfo, Tensor } from "../../protocol/index.ts"
import { cases } from "../conformance/cases.ts"
import type { Driven, Feeds } from "../conformance/drive.ts"
import { expectRight } from "../conformance/judge.ts"
import { reference } from "../conformance/reference.ts"
import { stringConcat } from "../conformance/tiny-models.ts"
import { launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { launchFirefox, noFirefox } from "../support/firefox.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { sharedDir } from "../support/shared.ts"

// A vision model takes seconds on a software adapter; the machine may be busy with other tests.
vi.setConfig({ testTimeout: 120_000 })

const models = cases.filter(({ name }) => /^(digits|squeezenet-fp16|mobilenetv2 float32)$/.test(name))
const ownModels = resolve(import.meta.dirname, "../../models")
const sharedModels = join(sharedDir, "models")

/** What Playwright's pages and Puppeteer's have in common. */
interface AnyPage {
  evaluate<A, R>(work: (given: A) => R | Promise<R>, given: A): Promise<R>
  close(): Promise<void>
}
interface Browser {
  /** A page of the site, granted what it needs. */
  open(url: string): Promise<AnyPage>
  close(): Promise<void>
}
/** A tensor, with its elements in base64. */
type Packed = Pick<Tensor, "dtype" | "shape"> & { base64: string }

const browsers: Record<string, () => Promise<Browser>> = {
  async Chromium() {
    const browser = await launchExtension()
    return {
      close: browser.close,
      async open(url) {
        const page = await browser.context.newPage()
        await page.goto(url)
        expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
        return page as AnyPage
      },
    }
  },
  async Firefox() {
    const { browser, enable, close } = await launchFirefox()
    return {
      close,
      async open(url) {
        const page = await browser.newPage()
        await page.goto(url)
        expect(await enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
        return page as AnyPage
      },
    }
  },
}

const packed = ({ dtype, shape, data }: Tensor): Packed => {
  const { buffer, byteOffset, byteLength } = data as Float32Array<ArrayBuffer>
  return { dtype, shape, base64: Buffer.from(buffer, byteOffset, byteLength).toString("base64") }
}
const unpacked = ({ dtype, shape, base64 }: Packed): Tensor => {
  const { buffer } = Uint8Array.from(Buffer.from(base64, "base64"))
  return { dtype, shape, data: dtype === "float16" ? new Uint16Array(buffer) : new Float32Array(buffer) } as Tensor
}

/** Loads the model at `url` in the page, forced to `wgsl`, and runs each of `runs`. */
async function drive(page: AnyPage, url: string, runs: Feeds[]): Promise<Driven> {
  const feeds = runs.map((run) => Object.entries(run).map(([name, tensor]) => [name, packed(tensor)] as const))
  const outputs = await page.evaluate(
    async ({ url, feeds }) => {
      const session = await window.ipfsAccelerate.load(url, { device: "wgsl" })
      const made: [string, Packed][][] = []
      for (const run of feeds) {
        const tensors: Record<string, unknown> = {}
        for (const [name, { dtype, shape, base64 }] of run) {
          const bytes = await (await fetch(`data:;base64,${base64}`)).arrayBuffer()
          tensors[name] = { dtype, shape, data: dtype === "float16" ? new Uint16Array(bytes) : new Float32Array(bytes) }
        }
        const result = await session.run(tensors)
        if (result.device !== "wgsl" || result.fellBackFrom) throw new Error(`It ran on ${result.device}.`)
        made.push(
          Object.entries(
            result.outputs as Record<string, { dtype: "float32"; shape: number[]; data: Float32Array }>,
          ).map(([name, { dtype, shape, data }]) => {
            const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
            return [name, { dtype, shape, base64: btoa(String.fromCharCode(...bytes)) }]
          }),
        )
      }
      await session.dispose()
      return made
    },
    { url, feeds },
  )
  return {
    openMs: 0,
    runMs: [],
    outputs: outputs.map((run) => Object.fromEntries(run.map(([name, tensor]) => [name, unpacked(tensor)]))),
    tokens: [],
    keptBytes: { during: 0, after: 0 },
  }
}

const absence = (name: string) => (name === "Firefox" ? noFirefox : "")

for (const [name, launch] of Object.entries(browsers))
  describe.skipIf(absence(name))(`our own kernels in ${name}'s extension${absence(name)}`, () => {
    let browser: Browser
    let site: Served
    let page: AnyPage
    beforeAll(async () => {
      site = await serveFolder(pagesDir, { mounts: { "/models/": ownModels, "/shared/": sharedModels } })
      browser = await launch()
      page = await browser.open(site.url)
    })
    afterAll(async () => {
      await browser?.close()
      await site?.close()
    })

    test("are a device among the others, which computed the known case right", async () => {
      const { devices } = await page.evaluate(() => window.ipfsAccelerate.hardware(), undefined)
      const [device] = devices.filter(({ id }: DeviceInfo) => id === "wgsl")
      expect(device).toMatchObject({ backend: "wgsl", fallbackAdapter: true, state: "ready", probe: { ok: true } })
    })

    for (const model of models)
      test(`${model.name}: the known answer and onnxruntime-node's numbers`, async ({ skip }) => {
        skip(model.skip !== undefined, model.skip)
        const plan = model.plan()
        if (plan.kind !== "runs") throw new Error(`${model.name} keeps tensors.`)
        const file = model.model as string
        const url = file.startsWith(ownModels)
          ? `/models/${relative(ownModels, file)}`
          : `/shared/${relative(sharedModels, file)}`
        expectRight(model, await drive(page, url, plan.runs), await reference(model))
      })

    test("refuse, when it is loaded, a model with an operator that they lack, by its name, and nobody else runs it", async () => {
      const fault = await page.evaluate(
        (bytes) =>
          window.ipfsAccelerate
            .load(new Uint8Array(bytes), { device: "wgsl" })
            .catch(({ code, message, data }: PageFault & { data: unknown }) => ({ code, message, data })),
        [...stringConcat()],
      )
      expect(fault).toMatchObject({
        code: "IPFA_DEVICE_UNSUPPORTED",
        message: expect.stringContaining("StringConcat"),
        data: { operators: ["StringConcat"] },
      })
    })
  })
