import { readFileSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"
import type { Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type ExtensionBrowser, launchExtension, type PageFault, pagesDir } from "../support/extension.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { tensorType, tinyBytes } from "./onnx-build.ts"

const SIDE = 512
const PRODUCTS = 16

/** x float32 [1] → y = x, by way of products of 512 × 512 matrices. */
function slowModel(): Uint8Array {
  const sides = new Uint8Array(new BigInt64Array([BigInt(SIDE), BigInt(SIDE)]).buffer)
  const share = new Uint8Array(new Float32Array([1 / SIDE]).buffer)
  const product = (i: number) => ({ opType: "MatMul", input: [`x${i}`, "w"], output: [`x${i + 1}`] })
  return tinyBytes({
    node: [
      { opType: "Expand", input: ["x", "sides"], output: ["x0"] },
      { opType: "Expand", input: ["share", "sides"], output: ["w"] },
      ...Array.from({ length: PRODUCTS }, (_, i) => product(i)),
      {
        opType: "ReduceMax",
        input: [`x${PRODUCTS}`],
        output: ["y"],
        attribute: [{ name: "keepdims", type: 2, i: 0n }],
      },
    ],
    initializer: [
      { name: "sides", dims: [2n], dataType: 7, rawData: sides },
      { name: "share", dims: [1n], dataType: 1, rawData: share },
    ],
    input: [{ name: "x", type: tensorType([1]) }],
    output: [{ name: "y", type: tensorType([]) }],
  })
}

/** How long the GPU would be busy with all that a page asks for at once, ms: far longer than it may be after the fault. */
const WORK_MS = 90_000

/** Runs in a page: asks for that much at once; how many runs that is. */
async function ask([model, device, workMs]: readonly [readonly number[], string, number]): Promise<number> {
  const session = await window.ipfsAccelerate.load(new Uint8Array(model), { device })
  const run = async () => {
    const { outputs } = await session.run({ x: { dtype: "float32", shape: [1], data: Float32Array.of(3) } })
    return Math.abs(outputs.y.data[0] - 3) < 1e-3 ? "right" : "wrong"
  }
  await run()
  const start = performance.now()
  await run()
  const runs = Math.min(400, Math.ceil(workMs / (performance.now() - start)))
  const fault = ({ code, message }: PageFault) => code ?? message
  const outcomes = Promise.all(Array.from({ length: runs }, () => run().catch(fault)))
  Object.assign(window, { outcomes })
  return runs
}

/** Of a core: at least so much while it computes, at most so much at rest. */
const BUSY = 0.2
const RESTS = 0.05
const TEST_MS = 120_000

describe("S16: the GPU", { timeout: TEST_MS }, () => {
  let browser: ExtensionBrowser
  let site: Served
  let gpu: number
  beforeAll(async () => {
    site = await serveFolder(pagesDir)
    browser = await launchExtension()
    gpu = (await browser.devtools.processes()).find(({ type }) => type === "GPU")?.id as number
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** CPU time of the process that a software adapter computes in, s; Linux counts it in hundredths. */
  const computed = () => {
    const fields = readFileSync(`/proc/${gpu}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")
    return (Number(fields[11]) + Number(fields[12])) / 100
  }
  /** How much of a core it takes. */
  const busy = async () => {
    const [before, start] = [computed(), performance.now()]
    await delay(1000)
    return ((computed() - before) * 1000) / (performance.now() - start)
  }
  const asking = async (device: string): Promise<Page> => {
    const page = await browser.context.newPage()
    await page.goto(site.url)
    expect(await browser.enable(page, "session")).toMatchObject({ capabilities: ["infer"] })
    expect(await page.evaluate(ask, [[...slowModel()], device, WORK_MS] as const)).toBeGreaterThan(1)
    await expect.poll(busy).toBeGreaterThan(BUSY)
    return page
  }
  const restsSoon = () => expect.poll(busy).toBeLessThan(RESTS)

  describe.each(["webgpu", "wgsl"])("with %s", (device) => {
    test("rests soon after the page that asked has gone", async () => {
      const page = await asking(device)
      await page.close()
      await restsSoon()
    })

    test("rests soon after the page that asked has gone, also where the service worker was killed before", async () => {
      const page = await asking(device)
      await browser.devtools.close((await browser.devtools.target("background.js")) as string)
      await expect.poll(() => browser.devtools.target("background.js")).toBeUndefined()
      expect(await busy()).toBeGreaterThan(BUSY)
      await page.close()
      await restsSoon()
    })
  })

  // Last: an unpacked extension that restarts may stay off.
  test("rests soon after the extension is restarted in mid-request, and every run ends right or with a code", async () => {
    const page = await asking("webgpu")
    const worker = (await browser.devtools.target("background.js")) as string
    await browser.devtools.evaluate(worker, "void setTimeout(() => chrome.runtime.reload())")
    await expect.poll(() => browser.devtools.target("offscreen.html")).toBeUndefined()
    await restsSoon()
    const outcomes = await page.evaluate(() => (window as unknown as { outcomes: Promise<string[]> }).outcomes)
    expect(outcomes.filter((outcome) => outcome !== "right" && !outcome.startsWith("IPFA_"))).toEqual([])
  })
})
