import type { Page } from "playwright-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { identity, productModel } from "../support/bridge.ts"
import { crashGpu } from "../support/chromium.ts"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"

/** 134 MFLOP: a GPU's by default, and little for a CPU. */
const SIDE = 256
const PRODUCTS = 4
const WORKER = "ipfs-accelerate webgpu"

let browser: ExtensionBrowser
let site: Served
beforeAll(async () => {
  site = await serveFolder(pagesDir)
  browser = await launchExtension()
})
afterAll(async () => {
  await browser?.close()
  await site?.close()
})

interface Worked {
  /** Of each answer. */
  answers: { device: string; reruns: number; from: string | undefined; isRight: boolean }[]
  code: string | undefined
  longestMs: number
  isEnough: boolean
}

/** Runs in the page: one run after another, until one fails or it is enough. The device that the first one goes to. */
async function work([model, side, data]: readonly [readonly number[], number, readonly number[]]): Promise<string> {
  const session = await window.ipfsAccelerate.load(new Uint8Array(model))
  const x = { dtype: "float32", shape: [side, side], data: Float32Array.from(data) }
  const worked: Worked = { answers: [], code: undefined, longestMs: 0, isEnough: false }
  Object.assign(window, { worked })
  const lane = async () => {
    let before: number | undefined
    while (!worked.isEnough) {
      const { outputs, device, reruns, fellBackFrom } = await session.run({ x })
      const now = performance.now()
      if (before !== undefined) worked.longestMs = Math.max(worked.longestMs, now - before)
      before = now
      const isRight = x.data.every((value, i) => value === outputs.y.data[i])
      worked.answers.push({ device, reruns, from: fellBackFrom?.id, isRight })
    }
  }
  lane().catch(({ code, message }: PageFault) => {
    worked.code = code ?? message
  })
  return session.device.id
}

/**
 * A software GPU comes after every CPU. This one, whose loss is real, is taken for hardware: the next worker that computes on it begins when its
 * adapter has no name any more. The function waits for it.
 */
async function nextIsHardware(): Promise<() => Promise<void>> {
  const { devtools } = browser
  const offscreen = (await devtools.target("offscreen.html"))!
  await devtools.evaluate(
    offscreen,
    `globalThis.held = new Promise((resolve) => {
      const post = Worker.prototype.postMessage
      Worker.prototype.postMessage = function (message, transfer) {
        if (message.backend !== "webgpu") return post.call(this, message, transfer)
        Worker.prototype.postMessage = post
        resolve(() => post.call(this, message, transfer))
      }
    })
    void 0`,
  )
  return async () => {
    await devtools.evaluate(offscreen, "held.then(() => undefined)")
    // The one before may not have gone, and one that has just begun may not be known, or have loaded its script, which WebGPU comes with.
    const hide = `(() => {
      if (!globalThis.GPUAdapterInfo) return "not loaded"
      if (GPUAdapterInfo.isHidden) return "the one before"
      GPUAdapterInfo.isHidden = true
      for (const [name, value] of Object.entries({ isFallbackAdapter: false, vendor: "", architecture: "", device: "", description: "" }))
        Object.defineProperty(GPUAdapterInfo.prototype, name, { get: () => value })
      return "hidden"
    })()`
    const hidden = () => devtools.evaluateInWorker(offscreen, WORKER, hide).catch(({ message }: Error) => message)
    await expect.poll(hidden).toBe("hidden")
    await devtools.evaluate(offscreen, "held.then((post) => post())")
  }
}

const granted = async (url: string): Promise<Page> => {
  const page = await browser.context.newPage()
  await page.goto(url)
  expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
  return page
}
const gpu = (page: Page) =>
  page.evaluate(async () => {
    const { devices } = await window.ipfsAccelerate.hardware()
    return devices.find(({ id }: { id: string }) => id === "webgpu") as { state: string; fallbackAdapter: boolean }
  })
/** Where a model that nobody has run is opened for the page. */
const opened = (page: Page) =>
  page.evaluate(
    async (model) => {
      const { device, fellBackFrom } = await window.ipfsAccelerate.load(new Uint8Array(model))
      return { device: device.id as string, from: fellBackFrom?.id as string | undefined }
    },
    [...productModel(SIDE, PRODUCTS + 1)],
  )
const there = { state: "ready", fallbackAdapter: false }

test("S13: the GPU is lost under a page's job: within 5 s its answer comes from the CPU, right, and says so; others have the GPU again, that page not yet", async () => {
  const [page, other] = [await granted(site.url), await granted(site.url.replace("localhost", "127.0.0.1"))]
  const first = await nextIsHardware()
  const [found] = await Promise.all([gpu(page), first()])
  expect(found).toMatchObject(there)
  const given = [[...productModel(SIDE, PRODUCTS)], SIDE, [...identity(SIDE).data]] as const
  expect(await page.evaluate(work, given)).toBe("webgpu")
  const soFar = () => page.evaluate(() => (window as unknown as { worked: Worked }).worked)
  const answersBy = async (device: string) => {
    const { answers, code } = await soFar()
    return code ?? answers.filter((answer) => answer.device === device).length
  }
  await expect.poll(() => answersBy("webgpu")).toBeGreaterThan(1)

  const replacement = await nextIsHardware()
  await Promise.all([crashGpu(page), replacement()])
  await expect.poll(() => answersBy("wasm")).toBeGreaterThan(1)
  const { answers, longestMs } = await soFar()
  await page.evaluate(() => void Object.assign((window as unknown as { worked: Worked }).worked, { isEnough: true }))
  expect(answers.filter(({ isRight }) => !isRight)).toEqual([])
  expect(answers.find(({ device }) => device === "wasm")).toMatchObject({ reruns: 1, from: "webgpu" })
  expect(longestMs).toBeLessThan(5000)

  await expect.poll(() => gpu(other)).toMatchObject(there)
  expect(await opened(page)).toEqual({ device: "wasm", from: "webgpu" })
  expect(await opened(other)).toEqual({ device: "webgpu", from: undefined })
}, 120_000)
