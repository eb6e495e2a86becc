import { afterEach, describe, expect, test } from "vitest"
import type { Feeds, Session } from "../../sdk/types.ts"
import { adderDevice, adderHost, adderModel, floats } from "../support/adder.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"
import { sdkOn } from "../support/sdk.ts"

let t: TestPool
let sdk: ReturnType<typeof sdkOn>
afterEach(() => {
  sdk.close()
  t.close()
})

function start(options: Parameters<typeof sdkOn>[1] = {}) {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  sdk = sdkOn(t, options)
  return { wasm, url: t.publish("adder", adderModel(1)) }
}
const y = ({ outputs }: { outputs: Record<string, unknown> }) => (outputs.y as { data: Float32Array }).data[0]

describe("a session", () => {
  test("tells of its model and device, and runs", async () => {
    const { wasm, url } = start()
    wasm.note = "some operators run on the CPU"
    const seen: string[] = []
    const session = await sdk.api.load(url, { onProgress: (p) => seen.push(p.phase) })
    expect(session.inputs).toMatchObject([{ name: "x", dtype: "float32" }])
    expect(session.outputs).toMatchObject([{ name: "y" }])
    expect(session.device.id).toBe("wasm")
    expect([session.fellBackFrom, session.note]).toEqual([undefined, wasm.note])
    expect(session.model.reference).toBe(url)
    expect(session.loadMs).toBeGreaterThan(0)
    expect(seen).toContain("download")
    const result = await session.run({ x: floats(41) })
    expect(y(result)).toBe(42)
    expect(result.timing.runMs).toBeGreaterThanOrEqual(0)
  })

  test("keeps outputs on the device, feeds them again, and frees them", async () => {
    const { wasm, url } = start()
    const session = await sdk.api.load(url)
    let kept = (await session.run({ x: floats(0) }, { keep: ["y"] })).outputs.y
    for (let i = 0; i < 3; i++) {
      const next = (await session.run({ x: kept }, { keep: ["y"] })).outputs.y
      await kept.dispose()
      kept = next
    }
    expect(wasm.kept.size).toBe(1)
    expect(y(await session.run({ x: kept }))).toBe(5)
    await kept.dispose()
    expect(await refusal(session.run({ x: kept }))).toBe("IPFA_SESSION_KEPT")
    expect(wasm.kept.size).toBe(0)
  })

  test("copies feeds, or moves them where it is told to", async () => {
    const { url } = start()
    const session = await sdk.api.load(url)
    const feed = floats(1)
    await session.run({ x: feed })
    expect((feed.data as Float32Array).length).toBe(1)
    await session.run({ x: feed }, { transfer: true })
    expect((feed.data as Float32Array).length).toBe(0)
  })

  test("sends a part of a large buffer alone", async () => {
    const { url } = start()
    const session = await sdk.api.load(url)
    const large = new Float32Array(2 ** 20)
    large[1000] = 6
    const data = large.subarray(1000, 1001)
    const sent: unknown[] = []
    const peer = await sdk.connection.peer()
    const call = peer.call.bind(peer)
    peer.call = ((...args: Parameters<typeof call>) => {
      sent.push(args[1])
      return call(...args)
    }) as typeof call
    expect(y(await session.run({ x: { dtype: "float32", shape: [1], data } }))).toBe(7)
    const { feeds } = sent[0] as { feeds: { x: { data: Float32Array } } }
    expect(feeds.x.data.buffer.byteLength).toBe(4)
  })

  test("ends a run that is aborted or late, and serves on", async () => {
    const { wasm, url } = start()
    const session = await sdk.api.load(url)
    wasm.hold()
    const abort = new AbortController()
    const running = session.run({ x: floats(1) }, { signal: abort.signal })
    await wasm.begun(1)
    abort.abort()
    expect(await refusal(running)).toBe("IPFA_JOB_CANCELLED")
    expect(await refusal(session.run({ x: floats(1) }, { deadlineMs: 20 }))).toBe("IPFA_JOB_DEADLINE")
    wasm.letGo()
    expect(y(await session.run({ x: floats(1) }))).toBe(2)
  })

  test("takes a deadline as it is computed: a part of a millisecond, or one that has passed", async () => {
    const { wasm, url } = start()
    const session = await sdk.api.load(url)
    for (const deadlineMs of [60_000.7, Number.POSITIVE_INFINITY])
      expect(y(await session.run({ x: floats(1) }, { deadlineMs }))).toBe(2)
    wasm.hold()
    for (const deadlineMs of [12.7, 0, -1, Number.NEGATIVE_INFINITY])
      expect(await refusal(session.run({ x: floats(1) }, { deadlineMs }))).toBe("IPFA_JOB_DEADLINE")
    wasm.letGo()
    const error = await session.run({ x: floats(1) }, { deadlineMs: Number.NaN }).catch((e) => e)
    expect(error).toMatchObject({ code: "IPFA_INPUT_INVALID", data: { path: "deadlineMs" } })
  })

  test("that was disposed of runs no more, and disposing twice is once", async () => {
    const { url } = start()
    let after: Session | undefined
    {
      await using session = await sdk.api.load(url)
      after = session
    }
    await after.dispose()
    expect(await refusal(after.run({ x: floats(1) }))).toBe("IPFA_SESSION_UNKNOWN")
    expect((await sdk.api.status()).sessions.filter((s) => s.leases > 0)).toEqual([])
  })

  test("of bytes is uploaded, and belongs to its origin", async () => {
    start()
    const bytes = adderModel(3, 20 * 2 ** 20)
    const seen: number[] = []
    const onProgress = (p: { phase: string; loaded: number }) => p.phase === "download" && seen.push(p.loaded)
    const session = await sdk.api.load(new Blob([bytes as BlobPart]), { onProgress })
    expect(seen.filter((n) => n > 0).length).toBeGreaterThan(2)
    expect(session.model.reference).toMatch(/^sha256:/)
    expect(y(await session.run({ x: floats(1) }))).toBe(4)
    const stranger = sdkOn(t, { origin: "https://other.test" })
    expect(await refusal(stranger.api.load(session.model.reference))).toBe("IPFA_MODEL_NOT_FOUND")
    stranger.close()
  })

  test.each([
    [{ x: undefined }, "x.dtype"],
    [{ x: { dtype: "float31", shape: [1], data: new Float32Array(1) } }, "x.dtype"],
    [{ x: { dtype: "float32", shape: 1, data: new Float32Array(1) } }, "x.shape"],
    [{ x: { dtype: "float32", shape: [1], data: [1] } }, "x.data"],
    [{ x: { dtype: "float32", shape: [1], data: new Int32Array(1) } }, "x.data"],
    [{ x: { dtype: "float64", shape: [1], data: new Float32Array(1) } }, "x.data"],
    [{ x: { dtype: "string", shape: [1], data: "text" } }, "x.data"],
    [{ x: { dtype: "float32", shape: [2], data: new Float32Array(1) } }, "feeds.x.data"],
  ])("names the feed that is wrong: %j", async (feeds, path) => {
    const { url } = start()
    const session = await sdk.api.load(url)
    const error = await session.run(feeds as unknown as Feeds).catch((e) => e)
    expect(error).toMatchObject({ code: "IPFA_INPUT_INVALID", data: { path } })
  })
})

describe("a session whose connection is lost", () => {
  test("is opened again, and what ran is submitted again under the same keys", async () => {
    const { wasm, url } = start({ keyed: true })
    const session = await sdk.api.load(url)
    wasm.hold()
    const running = [session.run({ x: floats(1) }), session.run({ x: floats(2) })]
    await expect.poll(() => sdk.keys.length).toBe(2)
    sdk.cut()
    await expect.poll(() => sdk.keys.length).toBe(4)
    wasm.letGo()
    expect((await Promise.all(running)).map(y)).toEqual([2, 3])
    const [a, b] = sdk.keys
    expect(a).toMatch(/^[0-9a-f-]{36}$/)
    expect(b).not.toBe(a)
    expect(sdk.keys).toEqual([a, b, a, b])
    expect(wasm.opens).toBe(1)
  })

  test("loses what it kept, and says so", async () => {
    const { url } = start({ keyed: true })
    const session = await sdk.api.load(url)
    const { outputs } = await session.run({ x: floats(1) }, { keep: ["y"] })
    sdk.cut()
    expect(await refusal(session.run({ x: outputs.y }))).toBe("IPFA_SESSION_KEPT")
    await outputs.y.dispose()
    expect(y(await session.run({ x: floats(1) }))).toBe(2)
  })

  test("fails a run whose buffers were moved away, for it can't be sent again", async () => {
    const { wasm, url } = start({ keyed: true })
    const session = await sdk.api.load(url)
    wasm.hold()
    const running = refusal(session.run({ x: floats(1) }, { transfer: true }))
    await wasm.begun(1)
    sdk.cut()
    expect(await running).toBe("IPFA_PROTOCOL_CLOSED")
    wasm.letGo()
    expect(y(await session.run({ x: floats(1) }))).toBe(2)
  })

  test("waits for the next one no longer than a run may take, or is wanted", async () => {
    const { url } = start({ keyed: true })
    const session = await sdk.api.load(url)
    sdk.cut()
    const letGo = sdk.hold()
    expect(await refusal(session.run({ x: floats(1) }, { deadlineMs: 20 }))).toBe("IPFA_JOB_DEADLINE")
    const abort = new AbortController()
    const waiting = refusal(session.run({ x: floats(1) }, { signal: abort.signal }))
    abort.abort()
    expect(await waiting).toBe("IPFA_JOB_CANCELLED")
    letGo()
    expect(y(await session.run({ x: floats(1) }))).toBe(2)
  })

  test("is opened again once for all who wait", async () => {
    const { url } = start()
    const session = await sdk.api.load(url)
    sdk.cut()
    const runs = Array.from({ length: 5 }, (_, i) => session.run({ x: floats(i) }))
    expect((await Promise.all(runs)).map(y)).toEqual([1, 2, 3, 4, 5])
    expect((await sdk.api.status()).sessions).toMatchObject([{ leases: 1 }])
  })
})

describe("a connection that is lost", () => {
  test("while a model is brought: it is brought over the next one", async () => {
    start()
    let parts = 0
    const onProgress = ({ phase, loaded }: { phase: string; loaded: number }) => {
      // In the first time with the first of several parts, as the next is on its way.
      if (phase === "download" && loaded > 0 && ++parts === 1) queueMicrotask(sdk.cut)
    }
    const session = await sdk.api.load(adderModel(3, 20 * 2 ** 20), { onProgress })
    expect(y(await session.run({ x: floats(1) }))).toBe(4)
    expect([sdk.dials, parts]).toEqual([2, expect.any(Number)])
    expect(parts).toBeGreaterThan(3)
  })

  test("while something else is asked: it is asked again, but not for ever", async () => {
    const { wasm } = start()
    wasm.hold("probe")
    const given = refusal(sdk.api.hardware())
    for (let dials = 1; dials <= 3; dials++) {
      await expect.poll(() => sdk.dials).toBe(dials)
      sdk.cut()
    }
    expect(await given).toBe("IPFA_PROTOCOL_CLOSED")
    const asked = sdk.api.hardware()
    await expect.poll(() => sdk.dials).toBe(4)
    sdk.cut()
    wasm.letGo()
    expect(await asked).toMatchObject({ devices: [{ id: "wasm" }] })
  })
})

describe("accelerate", () => {
  test("loads a model once, takes a tensor or one for each input, and says what computed", async () => {
    const { wasm, url } = start()
    const first = await sdk.api.accelerate({ modelId: url, modelType: "adder", input: floats(1) })
    const second = await sdk.api.accelerate({ modelId: url, input: { x: floats(2) } })
    expect([y(first), y(second)]).toEqual([2, 3])
    expect(first).toMatchObject({ modelType: "adder", device: { id: "wasm" }, model: { reference: url } })
    expect(wasm.opens).toBe(1)
    expect((await sdk.api.status()).sessions).toMatchObject([{ leases: 1 }])
  })

  test("of several that share a load: one that gives up ends its own alone, and all see the progress", async () => {
    const { wasm, url } = start()
    wasm.hold("open")
    const seen: string[][] = [[], []]
    const first = new AbortController()
    const ask = (n: number, signal?: AbortSignal) =>
      sdk.api.accelerate({
        modelId: url,
        input: floats(n),
        options: { ...(signal && { signal }), onProgress: ({ phase }) => void seen[n]!.push(phase) },
      })
    const [given, kept] = [refusal(ask(0, first.signal)), ask(1)]
    await expect.poll(() => seen.map((phases) => phases.at(-1))).toEqual(["open", "open"])
    first.abort()
    expect(await given).toBe("IPFA_JOB_CANCELLED")
    wasm.letGo()
    expect(y(await kept)).toBe(2)
    expect(wasm.opens).toBe(1)
  })

  test("ends a load that all gave up, and the next who asks begins it anew", async () => {
    const { url } = start()
    const dial = sdk.hold()
    const [one, two] = [new AbortController(), new AbortController()]
    const asked = [one, two].map(({ signal }) =>
      refusal(sdk.api.accelerate({ modelId: url, input: floats(1), options: { signal } })),
    )
    one.abort()
    two.abort()
    expect(await Promise.all(asked)).toEqual(["IPFA_JOB_CANCELLED", "IPFA_JOB_CANCELLED"])
    dial()
    expect((await sdk.api.status()).sessions).toEqual([])
    // Its own is not what it finds already done.
    expect(y(await sdk.api.accelerate({ modelId: url, input: floats(1) }))).toBe(2)
    const late = { signal: AbortSignal.abort() }
    expect(await refusal(sdk.api.accelerate({ modelId: url, input: floats(1), options: late }))).toBe(
      "IPFA_JOB_CANCELLED",
    )
    expect(y(await sdk.api.accelerate({ modelId: url, input: floats(2) }))).toBe(3)
    expect((await sdk.api.status()).sessions).toHaveLength(1)
  })

  test("runs more models at once than it keeps open, and closes the rest when they are done", async () => {
    start()
    const urls = Array.from({ length: 10 }, (_, i) => t.publish(`adder-${i}`, adderModel(i)))
    const answers = await Promise.all(urls.map((modelId) => sdk.api.accelerate({ modelId, input: floats(1) })))
    expect(answers.map(y)).toEqual(urls.map((_, i) => i + 1))
    expect((await sdk.api.status()).sessions).toHaveLength(8)
  })

  test("opens a session again that ended with its grant", async () => {
    const { url } = start()
    await sdk.api.accelerate({ modelId: url, input: floats(1) })
    const { sessionId } = (await sdk.api.status()).sessions[0]!
    await (await sdk.connection.peer()).call("session.close", { sessionId })
    expect(y(await sdk.api.accelerate({ modelId: url, input: floats(2) }))).toBe(3)
  })

  test("leaves no session behind where a part of the model was given as bytes", async () => {
    const { url } = start()
    for (const n of [1, 2, 3]) {
      const options = { external: { "weights.bin": new Uint8Array([1, 2, 3]) } }
      expect(y(await sdk.api.accelerate({ modelId: url, input: floats(n), options }))).toBe(n + 1)
    }
    await expect.poll(async () => (await sdk.api.status()).sessions).toEqual([])
  })

  test("tries a model again that could not be loaded", async () => {
    const { url } = start()
    const absent = `${url}-absent`
    expect(await refusal(sdk.api.accelerate({ modelId: absent, input: floats(1) }))).toBe("IPFA_MODEL_NOT_FOUND")
    t.publish("adder-absent", adderModel(2))
    expect(y(await sdk.api.accelerate({ modelId: absent, input: floats(1) }))).toBe(3)
  })
})

test("benchmark gives a row for each device, with its samples and its steps", async () => {
  start()
  t.close()
  t = testPool([adderHost("wasm"), adderHost("webgpu")])
  sdk = sdkOn(t)
  const steps: string[] = []
  const { rows, absent } = await sdk.api.benchmark({
    model: t.publish("adder", adderModel(1)),
    feeds: { x: floats(1) },
    samples: 5,
    onProgress: ({ phase }) => void steps.push(phase),
  })
  expect(rows.map(({ device, n, samplesMs }) => [device.id, n, samplesMs.length])).toEqual([
    ["wasm", 5, 5],
    ["webgpu", 5, 5],
  ])
  expect(absent).toEqual([])
  expect(steps).toContain("load")
})

test("hardware names every device, and why others are not there", async () => {
  const gone = adderHost("webnn")
  gone.devices = []
  t = testPool([adderHost("wasm"), gone])
  sdk = sdkOn(t)
  const { devices, absent } = await sdk.api.hardware()
  expect(devices).toMatchObject([{ id: adderDevice("wasm").id }])
  expect(absent).toMatchObject([{ backend: "webnn", reason: "no adapter" }])
})
