import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { type DeviceInfo, decodeFrame, dtypes, encodeFrame, joinFrame } from "../../protocol/index.ts"
import { type Bundled, bundle } from "../support/bundle.ts"
import { crashGpu, launchChromium, noChromium } from "../support/chromium.ts"
import { type Served, serveFolder } from "../support/serve.ts"
import { type ConformanceCase, cases } from "./cases.ts"
import type { Drive, Driven } from "./drive.ts"
import { edgeTensor } from "./dtype-cases.ts"
import { expectRight } from "./judge.ts"
import type { Outcome, PlanFile, Probed } from "./page.ts"
import { reference } from "./reference.ts"
import { fourBit, identity } from "./tiny-models.ts"

// Models run in fractions of a second, or in some on SwiftShader; the machine may be busy with other tests.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const root = resolve(import.meta.dirname, "../..")
let context: BrowserContext
let page: Page
let built: Bundled
let folder: string
let isolated: Served
let plain: Served

beforeAll(async () => {
  if (noChromium) return
  const entries = { page: join(root, "test/conformance/page.ts"), worker: join(root, "engine/worker/worker.ts") }
  built = await bundle(entries)
  folder = await mkdtemp(join(tmpdir(), "ipfa plans "))
  const mounts = { "/ort/": join(root, "node_modules/onnxruntime-web/dist"), "/plans/": folder }
  isolated = await serveFolder(built.dir, { isolated: true, mounts })
  plain = await serveFolder(built.dir, { mounts })
  context = await launchChromium()
  page = await openPage(isolated.url)
})

afterAll(async () => {
  await context?.close()
  await Promise.all([isolated?.close(), plain?.close(), built?.remove()])
  if (folder) await rm(folder, { recursive: true, force: true })
})

/** A page of the test's server, with the bundle loaded. */
async function openPage(url: string): Promise<Page> {
  const opened = await context.newPage()
  await opened.goto(url)
  await opened.waitForFunction(() => "conformance" in globalThis)
  return opened
}

const start = (on: Page, backend: string, name = backend, threads?: number): Promise<Probed> =>
  on.evaluate(([n, b, t]) => globalThis.conformance.start(n, b, t), [name, backend, threads] as const)

let plans = 0
async function driveOn(
  on: Page,
  device: string,
  model: ConformanceCase["model"],
  plan: Drive,
  name = device,
): Promise<Outcome> {
  const bytes = typeof model === "string" ? new Uint8Array(await readFile(model)) : model
  const file = `${plans++}.bin`
  await writeFile(join(folder, file), joinFrame(encodeFrame({ model: bytes, plan } satisfies PlanFile)))
  return on.evaluate(([n, d, url]) => globalThis.conformance.drive(n, d, url), [
    name,
    device,
    `/plans/${file}`,
  ] as const)
}

function drivenOf(outcome: Outcome): Driven {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`)
  return decodeFrame(Buffer.from(outcome.frame, "base64")) as Driven
}

describe.skipIf(noChromium).for(["wasm", "webgpu"])("%s in Chromium", (backend) => {
  let device: DeviceInfo

  beforeAll(async () => {
    const probed = await start(page, backend)
    expect(probed.absent).toEqual([])
    device = probed.devices[0]!
  })

  test("computes the known case right and says what it is", () => {
    expect(device.id).toBe(backend)
    expect(device.probe?.ok).toBe(true)
    expect(device.probe?.maxError).toBeLessThan(1e-3)
    if (backend === "webgpu") expect([device.adapter, device.fallbackAdapter]).toEqual(["google swiftshader", true])
  })

  for (const conformance of cases)
    test.skipIf(conformance.skip)(
      `${conformance.name}: the known answer and onnxruntime-node's numbers`,
      async () => {
        const plan = conformance.plan()
        const [outcome, expected] = await Promise.all([
          driveOn(page, backend, conformance.model, plan),
          reference(conformance),
        ])
        if (conformance.needs && !device.dtypes.includes(conformance.needs)) {
          const message = expect.stringMatching(/f16|float16/)
          expect(outcome).toEqual({ ok: false, code: "IPFA_DEVICE_UNSUPPORTED", message })
          return
        }
        const driven = drivenOf(outcome)
        expectRight(conformance, driven, expected)
        if (plan.kind !== "runs") expect(driven.keptBytes.during).toBeGreaterThan(0)
      },
      120_000,
    )

  test("every dtype comes back bit for bit, empty tensors too, or is refused when the model is opened", async () => {
    for (const dtype of dtypes) {
      const feeds = [false, true].map((empty) => ({ x: edgeTensor(dtype, empty) }))
      const outcome = await driveOn(page, backend, identity(dtype), { kind: "runs", runs: feeds })
      if (outcome.ok) expect(drivenOf(outcome).outputs.map((o) => o.y)).toEqual(feeds.map((f) => f.x))
      else expect([dtype, outcome.code]).toEqual([dtype, "IPFA_DEVICE_UNSUPPORTED"])
      if (device.dtypes.includes(dtype)) expect([dtype, outcome.ok]).toEqual([dtype, true])
    }
  })

  test("4-bit tensors can be fed", async () => {
    const scale = { dtype: "float32" as const, shape: [], data: Float32Array.of(1) }
    const runs = [{ x: edgeTensor("int4"), scale }]
    const { outputs } = drivenOf(await driveOn(page, backend, fourBit("int4", false), { kind: "runs", runs }))
    // 0x7f, 0x81, low nibble first.
    expect(outputs[0]?.y?.data).toEqual(Float32Array.of(-1, 7, 1, -8))
  })
})

describe.skipIf(noChromium)("wasm threads", () => {
  test("a cross-origin isolated page has as many as asked, and the device says so", async () => {
    const { devices } = await start(page, "wasm", "two threads", 2)
    expect(devices[0]).toMatchObject({ threads: 2, adapter: "cpu, 2 threads, simd" })
  })

  test("another page has one, says why, and computes right", async () => {
    const on = await openPage(plain.url)
    const { devices } = await start(on, "wasm", "wasm", 2)
    const adapter = "cpu, 1 thread (2 wanted: not cross-origin isolated), simd"
    expect(devices[0]).toMatchObject({ threads: 1, adapter, probe: { ok: true } })
    await on.close()
  })
})

test.skipIf(noChromium)("webnn in a browser without it is absent with the reason", async () => {
  const { devices, absent } = await start(page, "webnn")
  expect(devices).toEqual([])
  expect(absent.map((a) => a.id).sort()).toEqual(["webnn:cpu", "webnn:gpu", "webnn:npu"])
  for (const { reason } of absent) expect(reason).toMatch(/no WebNN/)
})

describe.skipIf(noChromium)("a host that ends", () => {
  const endless = cases.find((c) => c.name === "digits")!
  /** More runs than the test waits for. */
  const long = (): Drive => ({ ...endless.plan(), times: 1e6 }) as Drive
  const underway = (on: Page) => on.waitForFunction(() => globalThis.conformance.runs > 2)

  test.for([
    { by: "by its port's end", mute: false },
    { by: "by its lock, where ports tell nothing", mute: true },
  ])("a worker killed in mid-run is noticed at once, $by", { timeout: 30_000 }, async ({ mute }) => {
    const on = await openPage(isolated.url)
    if (mute) await on.evaluate(() => globalThis.conformance.muteClosedPorts())
    await start(on, "wasm")
    const outcome = driveOn(on, "wasm", endless.model, long())
    await underway(on)
    const exit = await on.evaluate(() => globalThis.conformance.killNewestWorker("wasm"))
    expect(exit).toMatch(mute ? /killed or ran out of memory/ : /connection ended|killed/)
    expect(await outcome).toMatchObject({ ok: false, code: "IPFA_DEVICE_LOST" })
    await on.close()
  })

  test("a lost GPU ends its runs with IPFA_DEVICE_LOST, and a fresh host computes again", async () => {
    const on = await openPage(isolated.url)
    await start(on, "webgpu")
    const outcome = driveOn(on, "webgpu", endless.model, long())
    await underway(on)
    await crashGpu(on)
    expect(await outcome).toMatchObject({ ok: false, code: "IPFA_DEVICE_LOST" })
    const { devices } = await start(on, "webgpu", "fresh")
    expect(devices[0]?.probe?.ok).toBe(true)
    expectRight(
      endless,
      drivenOf(await driveOn(on, "webgpu", endless.model, endless.plan(), "fresh")),
      await reference(endless),
    )
    await on.close()
  })
})
