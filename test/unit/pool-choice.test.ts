import { afterEach, describe, expect, test, vi } from "vitest"
import type { KeyedMeasurement } from "../../engine/pool/measurements.ts"
import { fail } from "../../protocol/index.ts"
import { adderDevice, adderHost, adderModel } from "../support/adder.ts"
import { refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => {
  t?.close()
  vi.useRealTimers()
})

const unsupported = () =>
  fail("IPFA_DEVICE_UNSUPPORTED", { message: "no kernel for Add", data: { reason: "no kernel for Add" } })

describe("hardware", () => {
  test("is every device that is there and every one that is not; each host is probed once, all at the same time", async () => {
    const hosts = [adderHost("wasm"), adderHost("webgpu"), adderHost("webnn:npu")]
    hosts[1]!.devices = []
    hosts[2]!.devices.push(adderDevice("webnn:cpu"))
    for (const host of hosts) host.hold("probe")
    t = testPool(hosts, { budgetBytes: 5000 })
    const reports = [t.pool.hardware(), t.connect().peer.call("hardware.report", {})]
    await Promise.all(hosts.map((host) => host.started(1)))
    for (const host of hosts) host.letGo()
    for (const report of await Promise.all(reports)) {
      expect(
        report.devices.map(({ id, state, agent, browser, budgetBytes }) => [id, state, agent, browser, budgetBytes]),
      ).toEqual(["wasm", "webnn:npu", "webnn:cpu"].map((id) => [id, "ready", "agent-under-test", "chromium", 5000]))
      expect(report.absent).toMatchObject([
        { id: "webgpu", backend: "webgpu", reason: "no adapter", browser: "chromium" },
      ])
    }
    expect(hosts.map(({ starts }) => starts)).toEqual([1, 1, 1])
  })

  test("says what others hold only to the owner", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const page = t.connect()
    await page.open(t.publish("one", adderModel(1)))
    const owner = await t.connect({ origin: "owner" }).peer.call("hardware.report", {})
    expect(owner.devices[0]!.usedBytes).toBeGreaterThan(0)
    expect((await page.peer.call("hardware.report", {})).devices[0]!.usedBytes).toBeUndefined()
  })

  test("nothing is started before it is asked for", () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    t.connect()
    expect(wasm.starts).toBe(0)
  })
})

describe("the device of a session", () => {
  test("is the default one until there are measurements, then the fastest measured", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    t = testPool([wasm, webgpu])
    const page = t.connect()
    const model = t.publish("one", adderModel(1))
    const { device } = await page.open(model)
    expect(device.id).toBe("webgpu")
    const [opened] = t.measurements
    const run = (on: string, ms: number): KeyedMeasurement => ({ ...opened!, kind: "run", device: on, ms })
    t.close()
    t = testPool([wasm, webgpu], { measurements: [run("webgpu", 90), run("wasm", 3)] })
    expect((await t.connect().open(t.publish("one", adderModel(1)))).device.id).toBe("wasm")
  })

  test.each([
    ["of known size and tiny is the CPU", [1, 4], "wasm"],
    ["of a size that only the batch leaves open is the same as with one sample", ["n", 4], "wasm"],
    ["of unknown size is the GPU", ["n"], "webgpu"],
    ["large is the GPU", [1, 200e6], "webgpu"],
  ] as const)("for an unmeasured model %s", async (_, shape, expected) => {
    t = testPool([adderHost("wasm"), adderHost("webgpu")])
    const model = t.publish("one", adderModel(1, 0, [...shape]))
    expect((await t.connect().open(model)).device.id).toBe(expected)
  })

  test("that was forced is that one or an error; it never falls back", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    webgpu.refuse = unsupported()
    t = testPool([webgpu, wasm])
    const page = t.connect()
    const model = t.publish("one", adderModel(1))
    for (let i = 0; i < 2; i++)
      expect(await refusal(page.open(model, { device: "webgpu" }))).toBe("IPFA_DEVICE_UNSUPPORTED")
    expect(await refusal(page.open(model, { device: "webnn:npu" }))).toBe("IPFA_DEVICE_ABSENT")
    expect(await refusal(page.open(model, { device: "wasm#1" }))).toBe("IPFA_DEVICE_ABSENT")
    expect(wasm.opens).toBe(0)
    expect((await page.open(model, { device: "wasm" })).fellBackFrom).toBeUndefined()
  })

  test("is our own kernels' where they were faster; until then they are not even started, unless nothing else can serve", async () => {
    const [wgsl, wasm] = [adderHost("wgsl"), adderHost("wasm")]
    t = testPool([wgsl, wasm])
    const [one, two] = [t.publish("one", adderModel(1)), t.publish("two", adderModel(2))]
    const page = t.connect()
    const { device } = await page.open(one)
    const [opened] = t.measurements
    expect([device.id, wgsl.starts]).toEqual(["wasm", 0])
    wasm.refuse = unsupported()
    expect(await page.open(two)).toMatchObject({ device: { id: "wgsl" }, fellBackFrom: { id: "wasm" } })
    expect(wgsl.starts).toBe(1)
    t.close()
    wasm.refuse = undefined
    const run = (on: string, ms: number): KeyedMeasurement => ({ ...opened!, kind: "run", device: on, ms })
    t = testPool([wgsl, wasm], { measurements: [run("wasm", 90), run("wgsl", 3)] })
    expect((await t.connect().open(t.publish("one", adderModel(1)))).device.id).toBe("wgsl")
  })

  test("that can't open the model is fallen back from, visibly, and is not tried again", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    webgpu.refuse = unsupported()
    t = testPool([webgpu, wasm])
    const page = t.connect()
    const model = t.publish("one", adderModel(1))
    for (let i = 0; i < 2; i++) {
      const session = await page.open(model)
      expect(session).toMatchObject({
        device: { id: "wasm" },
        fellBackFrom: { id: "webgpu", reason: "no kernel for Add" },
      })
      expect(value(await page.run(session.sessionId))).toBe(2)
    }
    expect(webgpu.opens).toBe(1)
    // Another model is.
    webgpu.refuse = undefined
    expect((await page.open(t.publish("two", adderModel(2)))).device.id).toBe("webgpu")
  })

  test("that computes wrong results is not used, not even when it is forced", async () => {
    const [webgpu, wasm] = [
      adderHost("webgpu", { probe: { ok: false, maxError: 9, ms: 1, reason: "off by 9" } }),
      adderHost("wasm"),
    ]
    t = testPool([webgpu, wasm])
    const page = t.connect()
    const model = t.publish("one", adderModel(1))
    expect((await page.open(model)).device.id).toBe("wasm")
    await expect(page.open(model, { device: "webgpu" })).rejects.toMatchObject({
      code: "IPFA_DEVICE_INCORRECT",
      message: expect.stringContaining("off by 9"),
    })
    expect(webgpu.opens).toBe(0)
  })

  test("where none can serve, is an error that says why each can't", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    wasm.devices = []
    webgpu.refuse = unsupported()
    t = testPool([webgpu, wasm])
    const error = await t
      .connect()
      .open(t.publish("one", adderModel(1)))
      .catch((e) => e)
    expect(error.code).toBe("IPFA_DEVICE_NONE")
    expect(error.data.devices).toEqual([
      { device: "webgpu", reason: "no kernel for Add" },
      { device: "wasm", reason: "no adapter" },
    ])
    expect(error.message).toContain("(webgpu: no kernel for Add; wasm: no adapter)")
    const model = t.publish("one", adderModel(1))
    const elsewhere = t.connect().peer.call("session.open", { model, agent: "another" })
    expect(await refusal(elsewhere)).toBe("IPFA_AGENT_UNKNOWN")
  })

  test("is waited for where nothing else can serve, however slowly its host starts; one that never does says so", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] })
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    webgpu.devices = []
    wasm.hold("probe")
    for (const isThereAtLast of [true, false]) {
      t = testPool([webgpu, wasm])
      const { starts } = wasm
      const opening = t
        .connect()
        .open(t.publish("one", adderModel(1)))
        .catch((error) => error)
      await wasm.started(starts + 1)
      await vi.advanceTimersByTimeAsync(59_000)
      if (isThereAtLast) {
        wasm.letGo()
        expect(await opening).toMatchObject({ device: { id: "wasm" } })
        wasm.hold("probe")
      } else {
        await vi.advanceTimersByTimeAsync(1000)
        const { code, data } = await opening
        expect([code, data.devices]).toEqual([
          "IPFA_DEVICE_NONE",
          [
            { device: "webgpu", reason: "no adapter" },
            { device: "wasm", reason: expect.stringContaining("its worker did not start") },
          ],
        ])
      }
      t.close()
    }
  })
})

describe("a model", () => {
  test("that is not valid never reaches a host", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const page = t.connect()
    expect(await refusal(page.open(t.publish("bad", new Uint8Array(100).fill(7))))).toBe("IPFA_MODEL_INVALID")
    expect(await refusal(page.open(t.publish("cut", adderModel(1).slice(0, 60))))).toBe("IPFA_MODEL_INVALID")
    expect(wasm.opens).toBe(0)
  })

  test("may use external data by the explicit map alone, by plain names", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const page = t.connect()
    const [model, weights] = [t.publish("one", adderModel(1)), t.publish("weights", new Uint8Array(8))]
    for (const name of ["../w", "/etc/passwd", "a:b"]) {
      const opening = page.peer.call("session.open", { model, external: { [name]: weights } })
      expect(await refusal(opening)).toBe("IPFA_INPUT_INVALID")
    }
    const { model: info } = await page.peer.call("session.open", { model, external: { "w.bin": weights } })
    expect(info.bytes).toBe(adderModel(1).byteLength + 8)
  })

  test("is not looked up before the caller's right to it is known, its external data no less", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const asked: string[] = []
    const allowModel = async (reference: string) => {
      asked.push(reference)
      if (!reference.endsWith("/one")) throw fail("IPFA_GRANT_REQUIRED")
    }
    const page = t.connect({ allowModel })
    const one = t.publish("one", adderModel(1))
    expect(await refusal(page.open("https://models.example/absent"))).toBe("IPFA_GRANT_REQUIRED")
    const opening = page.peer.call("session.open", { model: one, external: { w: "https://models.example/w" } })
    expect(await refusal(opening)).toBe("IPFA_GRANT_REQUIRED")
    const feeds = {}
    expect(await refusal(page.peer.call("benchmark.run", { model: "https://models.example/b", feeds }))).toBe(
      "IPFA_GRANT_REQUIRED",
    )
    expect(asked).toHaveLength(4)
    expect((await page.open(one)).device.id).toBe("wasm")
  })

  test("that a page uploads is its own alone", async () => {
    t = testPool([adderHost("wasm")])
    const [page, other] = [t.connect(), t.connect({ origin: "https://other.test" })]
    const bytes = adderModel(5)
    const { reference } = await page.peer.call("model.put", {
      uploadId: "u",
      offset: 0,
      total: bytes.byteLength,
      bytes,
    })
    const { sessionId } = await page.open(reference!)
    expect(value(await page.run(sessionId, 1))).toBe(6)
    expect(await refusal(other.open(reference!))).toBe("IPFA_MODEL_NOT_FOUND")
    const { models } = await t.connect({ origin: "owner" }).peer.call("model.list", {})
    expect(models).toMatchObject([{ owners: ["https://page.test"] }])
    const deleted = await t.connect({ origin: "owner" }).peer.call("model.delete", { sha256: models[0]!.sha256 })
    expect(deleted).toEqual({ deleted: true })
  })
})
