import type { BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import type { DeviceInfo, Tensor } from "../../protocol/index.ts"
import { crashGpu, launchChromium } from "../support/chromium.ts"
import { cases } from "./cases.ts"
import type { Drive } from "./drive.ts"
import { edgeTensor } from "./dtype-cases.ts"
import {
  drivenOf,
  expectConforms,
  expectDtypes,
  expectMemoryFailure,
  type Harness,
  harness,
  type PageUnderTest,
} from "./harness.ts"
import { expectRight } from "./judge.ts"
import { reference } from "./reference.ts"
import { attention, fourBit } from "./tiny-models.ts"

// Models run in fractions of a second, or in some on SwiftShader; the machine may be busy with other tests.
vi.setConfig({ testTimeout: 120_000 })

let context: BrowserContext
let served: Harness
let shared: PageUnderTest

beforeAll(async () => {
  context = await launchChromium()
  served = await harness(context)
  shared = await served.open()
})

afterAll(async () => {
  await context?.close()
  await served?.close()
})

describe.for(["wasm", "webgpu", "wgsl"])("%s in Chromium", (backend) => {
  let device: DeviceInfo

  beforeAll(async () => {
    const probed = await shared.start(backend)
    expect(probed.absent).toEqual([])
    device = probed.devices[0]!
  })

  test("computes the known case right and says what it is", () => {
    expect(device.id).toBe(backend)
    expect(device.probe?.ok).toBe(true)
    expect(device.probe?.maxError).toBeLessThan(1e-3)
    if (backend !== "wasm") expect([device.adapter, device.fallbackAdapter]).toEqual(["google swiftshader", true])
  })

  for (const conformance of cases.filter(({ heavy }) => !heavy || backend !== "webgpu"))
    test(`${conformance.name}: the known answer and onnxruntime-node's numbers`, ({ skip }) => {
      skip(conformance.skip !== undefined, conformance.skip)
      return expectConforms(shared, device, conformance)
    })

  test("every dtype comes back bit for bit, empty tensors too, or is refused when the model is opened", () =>
    expectDtypes(shared, device, device.dtypes))

  // 2^28 float32 are more than SwiftShader allocates, 2^31 more than 32 bits can address, or our own kernels can be told of.
  test.for({ wasm: [2 ** 31], webgpu: [2 ** 28, 2 ** 31], wgsl: [2 ** 28] }[backend]!)(
    "%i elements are IPFA_DEVICE_MEMORY, and the next run is right",
    (n) => expectMemoryFailure(shared, device, n),
  )

  // ONNX Runtime 1.30's WebGPU provider gets it wrong in subgroups of 4, which SwiftShader has.
  test("a prompt's attention: onnxruntime-node's numbers", () => {
    const rows = (seed: number): Tensor => {
      const data = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(seed * i * i))
      return { dtype: "float32", shape: [1, 64, 64], data }
    }
    return expectConforms(shared, device, {
      name: "attention",
      model: attention(64),
      plan: () => ({ kind: "runs", runs: [{ q: rows(1), k: rows(2), v: rows(3) }] }),
      known: () => [],
      tolerance: { absolute: 1e-5, relative: 1e-5 },
    })
  })

  test("4-bit tensors can be fed", async ({ skip }) => {
    skip(backend === "wgsl", "our own kernels have none yet, and say so: the test of all dtypes")
    const scale = { dtype: "float32" as const, shape: [], data: Float32Array.of(1) }
    const runs = [{ x: edgeTensor("int4"), scale }]
    const { outputs } = drivenOf(await shared.drive(backend, fourBit("int4", false), { kind: "runs", runs }))
    // 0x7f, 0x81, low nibble first.
    expect(outputs[0]?.y?.data).toEqual(Float32Array.of(-1, 7, 1, -8))
  })
})

describe("wasm threads", () => {
  test("a cross-origin isolated page has as many as asked, and the device says so", async () => {
    const { devices } = await shared.start("wasm", "two threads", 2)
    expect(devices[0]).toMatchObject({ threads: 2, adapter: "cpu, 2 threads, simd" })
  })

  test("another page has one, says why, and computes right", async () => {
    const { page, start } = await served.open(false)
    const { devices } = await start("wasm", "wasm", 2)
    const adapter = "cpu, 1 thread (2 wanted: not cross-origin isolated), simd"
    expect(devices[0]).toMatchObject({ threads: 1, adapter, probe: { ok: true } })
    await page.close()
  })
})

test("webnn in a browser without it is absent with the reason", async () => {
  const { devices, absent } = await shared.start("webnn")
  expect(devices).toEqual([])
  expect(absent.map((a) => a.id).sort()).toEqual(["webnn:cpu", "webnn:gpu", "webnn:npu"])
  for (const { reason } of absent) expect(reason).toMatch(/no WebNN/)
})

describe("a host that ends", () => {
  const digits = cases.find((c) => c.name === "digits")!
  /** More runs than the test waits for. */
  const endless = (): Drive => ({ ...digits.plan(), times: 1e6 }) as Drive
  const underway = (page: Page) => page.waitForFunction(() => globalThis.conformance.runs > 2)

  test.for([
    { by: "by its port's end", mute: false },
    { by: "by its lock, where ports tell nothing", mute: true },
  ])("a worker killed in mid-run is noticed at once, $by", async ({ mute }) => {
    const { page, start, drive } = await served.open()
    if (mute) await page.evaluate(() => globalThis.conformance.muteClosedPorts())
    await start("wasm")
    const outcome = drive("wasm", digits.model, endless())
    await underway(page)
    const exit = await page.evaluate(() => globalThis.conformance.killNewestWorker("wasm"))
    expect(exit).toMatch(mute ? /killed or ran out of memory/ : /connection ended|killed/)
    expect(await outcome).toMatchObject({ ok: false, code: "IPFA_DEVICE_LOST" })
    await page.close()
  })

  test("a lost GPU ends its runs with IPFA_DEVICE_LOST, and fresh hosts compute again", async () => {
    const backends = ["webgpu", "wgsl"]
    const { page, start, drive } = await served.open()
    await Promise.all(backends.map((backend) => start(backend)))
    const outcomes = backends.map((backend) => drive(backend, digits.model, endless()))
    await underway(page)
    await crashGpu(page)
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ ok: false, code: "IPFA_DEVICE_LOST" })
    for (const backend of backends) {
      const { devices } = await start(backend, "fresh")
      expect(devices[0]?.probe?.ok).toBe(true)
      const again = drivenOf(await drive(backend, digits.model, digits.plan(), "fresh"))
      expectRight(digits, again, await reference(digits))
    }
    await page.close()
  })
})
