import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type DeviceInfo, decodeFrame, encodeFrame, joinFrame } from "../../protocol/index.ts"
import { bundle } from "../support/bundle.ts"
import { launchChromium, noChromium } from "../support/chromium.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { cases } from "./cases.ts"
import type { Driven } from "./drive.ts"
import { expectRight } from "./judge.ts"
import type { Outcome, PlanFile, Probed } from "./page.ts"
import { reference } from "./reference.ts"

const root = resolve(import.meta.dirname, "../..")
let context: BrowserContext
let page: Page
let served: Served
let remove: () => Promise<void>
let folder: string

/** A page of the test's server, with the bundle loaded. */
async function openPage(url: string): Promise<Page> {
  const opened = await context.newPage()
  await opened.goto(url)
  await opened.waitForFunction(() => "conformance" in globalThis)
  return opened
}

beforeAll(async () => {
  if (noChromium) return
  const built = await bundle({
    page: join(root, "test/conformance/page.ts"),
    worker: join(root, "engine/worker/worker.ts"),
  })
  folder = await mkdtemp(join(tmpdir(), "ipfa plans "))
  const mounts = { "/ort/": join(root, "node_modules/onnxruntime-web/dist"), "/plans/": folder }
  served = await serveFolder(built.dir, { isolated: true, mounts })
  remove = built.remove
  context = await launchChromium()
  page = await openPage(served.url)
}, 60_000)

afterAll(async () => {
  await context?.close()
  await served?.close()
  await remove?.()
  if (folder) await rm(folder, { recursive: true, force: true })
})

describe.skipIf(noChromium).for(["wasm", "webgpu"])("%s in Chromium", (backend) => {
  let device: DeviceInfo

  beforeAll(async () => {
    const probed: Probed = await page.evaluate((b) => globalThis.conformance.start(b, b), backend)
    expect(probed.absent).toEqual([])
    device = probed.devices[0]!
  }, 60_000)

  test("computes the known case right and says what it is", () => {
    expect(device.id).toBe(backend)
    expect(device.probe?.ok).toBe(true)
    expect(device.probe?.maxError).toBeLessThan(1e-3)
    if (backend === "wasm") expect(device.adapter).toMatch(/^cpu, \d+ threads?, simd$/)
    else expect([device.adapter, device.fallbackAdapter]).toEqual(["google swiftshader", true])
  })

  for (const [i, conformance] of cases.entries())
    test.skipIf(conformance.skip)(
      `${conformance.name}: the known answer and onnxruntime-node's numbers`,
      async () => {
        const plan = conformance.plan()
        const file: PlanFile = { model: new Uint8Array(await readFile(conformance.model)), plan }
        await writeFile(join(folder, `${i}.bin`), joinFrame(encodeFrame(file)))
        const [outcome, expected]: [Outcome, Driven] = await Promise.all([
          page.evaluate(([b, url]) => globalThis.conformance.drive(b!, b!, url!), [backend, `/plans/${i}.bin`]),
          reference(conformance),
        ])
        if (conformance.needs && !device.dtypes.includes(conformance.needs)) {
          expect(outcome).toMatchObject({
            ok: false,
            code: "IPFA_DEVICE_UNSUPPORTED",
            message: expect.stringMatching(/f16|float16/),
          })
          return
        }
        if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`)
        const driven = decodeFrame(Buffer.from(outcome.frame, "base64")) as Driven
        expectRight(conformance, driven, expected)
        if (plan.kind !== "runs") expect(driven.keptBytes.during).toBeGreaterThan(0)
      },
      120_000,
    )
})
