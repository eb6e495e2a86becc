import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { Recent } from "../../engine/pool/recent.ts"
import { trialFeeds } from "../../engine/pool/trial-feeds.ts"
import { type BenchmarkRecord, fail, type Measurement } from "../../protocol/index.ts"
import { type AdderHost, adderHost, adderModel } from "../support/adder.ts"
import { type Client, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool
let webgpu: AdderHost
let wasm: AdderHost
let page: Client

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] })
  webgpu = adderHost("webgpu")
  wasm = adderHost("wasm")
})
afterEach(() => {
  t.close()
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const benchmarks = (of: readonly Measurement[] = t.measurements) =>
  of.filter(({ kind }) => kind === "benchmark").map(({ device, ok }) => [device, ok])

/** A pool that may tune, with a session of a model that ran once on webgpu. */
async function tuned(more: Parameters<typeof testPool>[1] = {}, bias = 1) {
  t = testPool([webgpu, wasm], { mayTune: () => true, ...more })
  page = t.connect()
  const model = t.publish(`${bias}`, adderModel(bias))
  const { sessionId, device } = await page.open(model)
  expect(device.id).toBe("webgpu")
  // The first compiles and is not counted, so that two make a measurement.
  for (let i = 0; i < 2; i++) await page.run(sessionId, 7)
  return { model, sessionId }
}

describe("in idle time", () => {
  test("a model that was used is tried on the device it was never measured on, and leaves nothing but the measurement", async () => {
    const found: BenchmarkRecord[] = []
    const { sessionId } = await tuned({ onBenchmark: (benchmark) => found.push(benchmark) })
    const before = t.measurements.length
    await pass(9_999)
    expect(wasm.opens).toBe(0)
    await pass(1)
    expect([wasm.opens, wasm.runs, wasm.loaded.size]).toEqual([1, 6, 0])
    expect(t.measurements.slice(before).map(({ kind, device, ok, ms }) => [kind, device, ok, ms])).toEqual([
      ["open", "wasm", true, expect.any(Number)],
      ["benchmark", "wasm", true, 1],
    ])
    expect(found).toMatchObject([{ origin: "tuner", device: "wasm", firstMs: 1, p50Ms: 1, samplesMs: [1, 1, 1, 1, 1] }])
    // Nothing is left to try.
    await pass(600_000)
    expect([wasm.opens, webgpu.runs]).toEqual([1, 2])
    expect(value(await page.run(sessionId, 1))).toBe(2)
    const { sessions, jobs } = t.pool.status({ origin: "owner" })
    expect(sessions).toHaveLength(1)
    expect(jobs).toMatchObject({ running: 0, waiting: 0, done: 3, failed: 0 })
  })

  test("a model of a private window is not tried", async () => {
    await tuned()
    await pass(10_000)
    const visitor = t.connect({ isPrivate: true })
    const { sessionId } = await visitor.open(t.publish("2", adderModel(2)))
    for (let i = 0; i < 2; i++) await visitor.run(sessionId)
    await pass(600_000)
    expect(wasm.opens).toBe(1)
  })

  test("what was measured decides from then on", async () => {
    await tuned({ measurements: [] })
    await pass(10_000)
    // The last steady runs of webgpu were slower, says its history.
    const slow = t.measurements.map((m) => (m.device === "webgpu" ? { ...m, ms: 90 } : m))
    const later = testPool([webgpu, wasm], { measurements: slow })
    const client = later.connect()
    expect((await client.open(later.publish("1", adderModel(1)))).device.id).toBe("wasm")
    later.close()
  })

  test("it is fed numbers of its own, in the shape that callers fed last", async () => {
    const { sessionId } = await tuned()
    const x = { dtype: "float32" as const, shape: [3], data: new Float32Array([7, 7, 7]) }
    await page.peer.call("session.run", { sessionId, feeds: { x } })
    await pass(10_000)
    expect(wasm.fed!.shape).toEqual([3])
    for (const n of wasm.fed!.data as Float32Array) expect(n > 0 && n < 1).toBe(true)
  })

  test("what no caller has had started is started then, and tried: our own kernels", async () => {
    const wgsl = adderHost("wgsl")
    t = testPool([webgpu, wgsl], { mayTune: () => true })
    page = t.connect()
    const { sessionId } = await page.open(t.publish("1", adderModel(1)))
    for (let i = 0; i < 2; i++) await page.run(sessionId, 7)
    await pass(9_999)
    expect(wgsl.starts).toBe(0)
    await pass(1)
    expect([wgsl.starts, benchmarks()]).toEqual([1, [["wgsl", true]]])
  })

  test("pairs are tried one at a time, each after idle time of its own", async () => {
    await tuned()
    await pass(1)
    const second = await page.open(t.publish("2", adderModel(2)), { device: "webgpu" })
    for (let i = 0; i < 2; i++) await page.run(second.sessionId, 1)
    await pass(10_000)
    expect(wasm.order).toEqual(new Array(6).fill(2))
    await pass(9_999)
    expect(wasm.order).toHaveLength(6)
    await pass(1)
    expect(wasm.order.slice(6)).toEqual(new Array(6).fill(1))
  })
})

describe("nothing is tried", () => {
  test("unless whoever made the pool says that it may be", async () => {
    await tuned({ mayTune: undefined })
    await pass(3_600_000)
    expect(wasm.opens).toBe(0)
  })

  test("while it may not be; it is asked again every minute", async () => {
    let may = false
    await tuned({ mayTune: () => may })
    await pass(60_000)
    may = true
    expect(wasm.opens).toBe(0)
    await pass(10_000)
    expect(wasm.opens).toBe(1)
  })

  test("further, once it may not be any more: what was begun ends with its present run", async () => {
    let may = true
    await tuned({ mayTune: () => may })
    wasm.hold()
    vi.advanceTimersByTime(10_000)
    await wasm.begun(1)
    may = false
    wasm.letGo()
    await pass(600_000)
    expect([wasm.opens, wasm.runs, wasm.loaded.size, benchmarks()]).toEqual([1, 1, 0, []])
    may = true
    await pass(60_000)
    expect(benchmarks()).toEqual([["wasm", true]])
  })

  test("while a caller is at work anywhere", async () => {
    const { sessionId } = await tuned()
    webgpu.hold()
    const job = page.run(sessionId, 1)
    await pass(120_000)
    expect(wasm.opens).toBe(0)
    webgpu.letGo()
    await job
    await pass(10_000)
    expect(wasm.opens).toBe(1)
  })

  test("where something would have to be unloaded for it", async () => {
    webgpu.memoryBytes = 1000
    // Room for one, and not for the estimate of another.
    await tuned({ budgetBytes: 1050 })
    await pass(60_000)
    expect([wasm.opens, webgpu.loaded.size]).toEqual([0, 1])
  })

  test("again where it failed, not even after a restart", async () => {
    wasm.refuse = fail("IPFA_RUN_FAILED", { message: "no" })
    await tuned()
    await pass(600_000)
    expect([wasm.opens, benchmarks()]).toEqual([1, [["wasm", false]]])
    const earlier = t.measurements
    t.close()
    await tuned({ measurements: earlier })
    await pass(600_000)
    expect(wasm.opens).toBe(1)
  })
})

describe("a caller who comes", () => {
  test("waits for no more than the run that is under way, and no other is begun", async () => {
    await tuned()
    const other = t.publish("2", adderModel(2))
    wasm.hold()
    vi.advanceTimersByTime(10_000)
    await wasm.begun(1)
    const opening = page.open(other, { device: "wasm" })
    await pass(0)
    wasm.letGo()
    expect(value(await page.run((await opening).sessionId, 1))).toBe(3)
    expect(wasm.order).toEqual([1, 2])
    expect(wasm.loaded.size).toBe(1)
    // What was cut short is no measurement, and no failure: it is tried again.
    expect(benchmarks()).toEqual([])
    await pass(10_000)
    expect(benchmarks()).toHaveLength(1)
    await pass(30_000)
    expect(wasm.order.filter((bias) => bias === 1)).toHaveLength(7)
    expect(benchmarks()).toContainEqual(["wasm", true])
  })

  test("makes the run that is under way count for nothing: it had company", async () => {
    const { sessionId } = await tuned()
    wasm.hold()
    vi.advanceTimersByTime(10_000)
    await wasm.begun(1)
    wasm.letGo()
    wasm.hold()
    await wasm.begun(2)
    expect(value(await page.run(sessionId, 1))).toBe(2)
    wasm.letGo()
    await pass(0)
    expect([wasm.runs, wasm.loaded.size, benchmarks()]).toEqual([2, 0, []])
  })

  test("goes before the runs while it is opened", async () => {
    await tuned()
    wasm.hold("open")
    vi.advanceTimersByTime(10_000)
    await wasm.begun(1, "open")
    const opening = page.open(t.publish("2", adderModel(2)), { device: "wasm" })
    await pass(0)
    wasm.letGo()
    const { sessionId } = await opening
    await page.run(sessionId, 1)
    expect(wasm.order).toEqual([2])
  })

  test("and needs the memory has it when the run has ended; nothing of anybody's is unloaded", async () => {
    webgpu.memoryBytes = wasm.memoryBytes = 1000
    await tuned({ budgetBytes: 2500 })
    const other = t.publish("2", adderModel(2))
    const elsewhere = t.connect({ origin: "https://other.test" })
    wasm.hold()
    vi.advanceTimersByTime(10_000)
    await wasm.begun(1)
    webgpu.memoryBytes = 1400
    const opening = elsewhere.open(other, { device: "webgpu" })
    let isOpen = false
    void opening.then(() => {
      isOpen = true
    })
    await webgpu.begun(2, "open")
    await pass(1_000)
    expect(isOpen).toBe(false)
    wasm.letGo()
    await opening
    expect([webgpu.loaded.size, wasm.loaded.size, webgpu.opens]).toEqual([2, 0, 2])
  })

  test("does not pay for a device that is lost under a trial: it is not tried again, and the job behind it counts no rerun", async () => {
    await tuned()
    const busy = await page.open(t.publish("2", adderModel(2)), { device: "wasm" })
    await pass(0)
    wasm.hold()
    vi.advanceTimersByTime(10_000)
    await wasm.begun(1)
    const job = page.run(busy.sessionId, 1)
    await pass(0)
    wasm.kill()
    wasm.letGo()
    const result = await job
    expect([value(result), result.reruns]).toEqual([3, 0])
    expect(wasm.order.filter((bias) => bias === 1)).toHaveLength(1)
    expect(benchmarks()).toEqual([["wasm", false]])
  })
})

test("a pool that is closed during a trial ends it, and that is no failure", async () => {
  await tuned()
  wasm.hold()
  vi.advanceTimersByTime(10_000)
  await wasm.begun(1)
  t.close()
  await pass(600_000)
  expect([wasm.loaded.size, wasm.runs, benchmarks()]).toEqual([0, 1, []])
})

describe("what a trial is fed", () => {
  test("is the same each time, in range whatever the dtype", () => {
    const forms = {
      f: { dtype: "float32" as const, shape: [2, 2] },
      d: { dtype: "float64" as const, shape: [2] },
      h: { dtype: "float16" as const, shape: [64] },
      b: { dtype: "bfloat16" as const, shape: [64] },
      ids: { dtype: "int64" as const, shape: [1, 3] },
      mask: { dtype: "bool" as const, shape: [2] },
      packed: { dtype: "int4" as const, shape: [3] },
      text: { dtype: "string" as const, shape: [2] },
      scalar: { dtype: "float32" as const, shape: [] },
    }
    const feeds = trialFeeds(forms)
    expect(feeds).toEqual(trialFeeds(forms))
    for (const n of [...(feeds.f!.data as Float32Array), ...(feeds.d!.data as Float64Array)])
      expect(n > 0 && n < 1).toBe(true)
    // 0.5 to 1, as bits.
    for (const bits of feeds.h!.data as Uint16Array) expect(bits >= 0x3800 && bits < 0x3c00).toBe(true)
    for (const bits of feeds.b!.data as Uint16Array) expect(bits >= 0x3f00 && bits < 0x3f80).toBe(true)
    expect(feeds.ids!.data).toEqual(new BigInt64Array(3))
    expect(feeds.mask!.data).toEqual(new Uint8Array(2))
    expect(feeds.packed!.data).toEqual(new Uint8Array(2))
    expect(feeds.text!.data).toEqual(["", ""])
    expect(feeds.scalar!.data).toHaveLength(1)
    t = testPool([])
  })

  test("comes from eight models at most, the last used first, of which no contents are remembered", async () => {
    t = testPool([])
    let now = 0
    const recent = new Recent(() => ++now)
    const models = Array.from({ length: 9 }, (_, i) => ({ key: `${i}` }) as Parameters<Recent["used"]>[0])
    const x = (n: number) => ({ x: { dtype: "float32" as const, shape: [n], data: new Float32Array(n).fill(42) } })
    for (const model of models) recent.used(model, x(1))
    recent.used(models[3]!, x(5))
    expect(recent.all().map(({ model }) => model.key)).toEqual(["3", "8", "7", "6", "5", "4", "2", "1"])
    expect(recent.all()[0]!.forms).toEqual({ x: { dtype: "float32", shape: [5] } })
    expect(JSON.stringify(recent.all())).not.toContain("42")
  })
})
