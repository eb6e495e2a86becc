import { afterEach, describe, expect, test } from "vitest"
import { adderHost, adderModel } from "../support/adder.ts"
import { refusal, type TestPool, testPool, value } from "../support/pool.ts"

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
