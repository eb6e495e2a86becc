import { afterEach, describe, expect, test } from "vitest"
import { adderHost, adderModel } from "../support/adder.ts"
import { type Client, refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

describe("a session", () => {
  test("computes, says where, and is measured", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const page = t.connect()
    const session = await page.open(t.publish("one", adderModel(1)))
    expect(session).toMatchObject({
      device: { id: "wasm", state: "ready", agent: "agent-under-test" },
      inputs: [{ name: "x" }],
      outputs: [{ name: "y" }],
      stored: false,
    })
    expect(session.fellBackFrom).toBeUndefined()
    const results = [await page.run(session.sessionId, 1), await page.run(session.sessionId, 41)]
    expect(results.map(value)).toEqual([2, 42])
    expect(results[0]).toMatchObject({ device: "wasm", reruns: 0, timing: { runMs: 1 } })
    expect(t.measurements.map(({ kind, ok, inputElems }) => [kind, ok, inputElems])).toEqual([
      ["open", true, undefined],
      ["first", true, 1],
      ["run", true, 1],
    ])
    expect(t.measurements.every(({ model }) => model === session.model.sha256)).toBe(true)
  })

  test("is loaded once for all who open that model there, at the same time or later", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const model = t.publish("one", adderModel(1))
    const [a, b] = [t.connect({ origin: "https://a.test" }), t.connect({ origin: "https://b.test" })]
    const [first, second] = await Promise.all([a.open(model), b.open(model)])
    const third = await a.open(model)
    expect(wasm.opens).toBe(1)
    expect(new Set([first.sessionId, second.sessionId, third.sessionId]).size).toBe(3)
    await a.peer.call("session.close", { sessionId: first.sessionId })
    expect(value(await b.run(second.sessionId, 1))).toBe(2)
    expect(value(await a.run(third.sessionId, 2))).toBe(3)
  })

  test("of an upload is its origin's own: equal bytes of another's tell nothing of it", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const [a, b] = [t.connect({ origin: "https://a.test" }), t.connect({ origin: "https://b.test" })]
    const bytes = adderModel(1)
    for (const page of [a, b]) await page.open(await page.upload(bytes))
    expect(wasm.opens).toBe(2)
    const again = await a.open(await a.upload(bytes))
    expect(wasm.opens).toBe(2)
    // What anybody may have by reference is apart from both, and shared as ever.
    const shared = t.publish("one", bytes)
    for (const page of [a, b]) await page.open(shared)
    expect(wasm.opens).toBe(3)
    await a.open(again.model.reference)
    expect(wasm.opens).toBe(3)
    // Nor is it known again in a later life, which would need its owner's name beside what was measured.
    expect(t.measurements.map(({ key }) => key !== undefined)).toEqual([false, false, true])
  })

  test("of an upload is on the device that its own owner's runs speak for, whatever others ran of equal bytes", async () => {
    const bytes = adderModel(1)
    /** The first run compiles and is not counted. */
    const runTwice = async (page: Client, model: string, device: string) => {
      const { sessionId } = await page.open(model, { device })
      for (let i = 0; i < 2; i++) await page.run(sessionId)
    }
    /** Where b gets its upload after it ran it on the slower device and `others` ran equal bytes on the faster one. */
    const seen = async (others?: Parameters<TestPool["connect"]>[0] & { byReference?: boolean }, restarts = false) => {
      const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
      wasm.runMs = 90
      const hosts = [webgpu, wasm]
      t = testPool(hosts)
      if (others) {
        const page = t.connect(others)
        const model = others.byReference ? t.publish("one", bytes) : await page.upload(bytes)
        await runTwice(page, model, "webgpu")
      }
      const { measurements } = t
      if (restarts) {
        t.close()
        t = testPool(hosts, { measurements })
      }
      const b = t.connect({ origin: "https://b.test" })
      const upload = await b.upload(bytes)
      await runTwice(b, upload, "wasm")
      const { device } = await b.open(upload)
      t.close()
      return device.id
    }
    const origin = "https://a.test"
    expect(await seen()).toBe("wasm")
    expect(await seen({ origin })).toBe("wasm")
    expect(await seen({ origin }, true)).toBe("wasm")
    expect(await seen({ origin, byReference: true })).toBe("wasm")
    expect(await seen({ origin, byReference: true }, true)).toBe("wasm")
    expect(await seen({ origin: "https://b.test", isPrivate: true })).toBe("wasm")
  })

  test("of a private window is on the device that nobody's runs speak for, nor do its own for anybody's after it", async () => {
    t = testPool([adderHost("webgpu"), adderHost("wasm")])
    const model = t.publish("one", adderModel(1))
    const runTwice = async (isPrivate: boolean) => {
      const page = t!.connect({ isPrivate })
      const { sessionId } = await page.open(model, { device: "wasm" })
      for (let i = 0; i < 2; i++) await page.run(sessionId)
      page.close()
    }
    const chosen = async (isPrivate: boolean) => (await t!.connect({ isPrivate }).open(model)).device.id
    await runTwice(true)
    expect([await chosen(false), await chosen(true)]).toEqual(["webgpu", "webgpu"])
    await runTwice(false)
    expect([await chosen(false), await chosen(true)]).toEqual(["wasm", "webgpu"])
  })

  test("is of the precision that was asked for, or is refused: no device converts a model", async () => {
    const [wasm, webgpu] = [adderHost("wasm"), adderHost("webgpu")]
    t = testPool([webgpu, wasm])
    const page = t.connect()
    const [floats, bytes] = [t.publish("floats", adderModel(1)), t.publish("bytes", adderModel(1, 100))]
    expect((await page.open(floats, { precision: "float32" })).device.id).toBe("webgpu")
    expect((await page.open(bytes, { precision: "int8" })).device.id).toBe("webgpu")
    for (const precision of ["float16", "int8", "int4"] as const)
      await expect(page.open(floats, { precision, device: "webgpu" })).rejects.toMatchObject({
        code: "IPFA_MODEL_PRECISION",
        message: expect.stringContaining(`Most of its weights are float32, not ${precision}`),
        data: { precision: "float32", wanted: precision },
      })
    expect(await refusal(page.open(bytes, { precision: "float32" }))).toBe("IPFA_MODEL_PRECISION")
    expect(webgpu.opens).toBe(2)
  })

  test("belongs to the connection that opened it, and to nobody else", async () => {
    t = testPool([adderHost("wasm")])
    const model = t.publish("one", adderModel(1))
    const [a, b] = [t.connect(), t.connect()]
    const { sessionId } = await a.open(model)
    expect(await refusal(b.run(sessionId))).toBe("IPFA_SESSION_UNKNOWN")
    expect(await refusal(b.peer.call("session.release", { sessionId, kept: [] }))).toBe("IPFA_SESSION_UNKNOWN")
    await b.peer.call("session.close", { sessionId })
    expect(value(await a.run(sessionId, 1))).toBe(2)
    expect(sessionId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
  })
})
