import { afterEach, expect, test } from "vitest"
import { shownReference } from "../../engine/pool/job.ts"
import { type BenchmarkRecord, type EndedJob, fail } from "../../protocol/index.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

test("what runs and waits is told of everybody, and each job that ended with how it did", async () => {
  const wasm = adderHost("wasm")
  const ended: EndedJob[] = []
  t = testPool([wasm], { onJob: (job) => ended.push(job) })
  const [a, b] = [t.connect({ origin: "https://a.example" }), t.connect({ origin: "https://b.example" })]
  const model = t.publish("one", adderModel(1))
  const [first, second] = [await a.open(model), await b.open(model)]
  let changes = 0
  t.pool.onChange(() => changes++)
  wasm.hold("run")
  const abort = new AbortController()
  const runs = [a.run(first.sessionId), a.run(first.sessionId), b.run(second.sessionId, 1, { signal: abort.signal })]
  await wasm.begun(1)
  await expect.poll(() => t?.pool.jobs().length).toBe(3)
  const live = t.pool.jobs()
  expect(live.map(({ origin, state }) => [origin, state])).toEqual([
    ["https://a.example", "running"],
    ["https://a.example", "running"],
    ["https://b.example", "waiting"],
  ])
  expect(live[0]).toMatchObject({ model, device: "wasm", startedAt: expect.any(Number) })
  expect(Math.abs(live[0]!.submittedAt - Date.now())).toBeLessThan(10_000)
  await expect.poll(() => changes).toBeGreaterThan(0)
  abort.abort()
  expect(await refusal(runs[2]!)).toBe("IPFA_JOB_CANCELLED")
  wasm.letGo()
  await Promise.all(runs.slice(0, 2))
  expect(t.pool.jobs()).toEqual([])
  expect(ended.map(({ origin, outcome }) => [origin, outcome])).toEqual([
    ["https://b.example", "cancelled"],
    ["https://a.example", "done"],
    ["https://a.example", "done"],
  ])
  expect(new Set(ended.map(({ id }) => id))).toEqual(new Set(live.map(({ id }) => id)))
  // Times and names: nothing of what was computed.
  expect(Object.keys(ended[1]!).sort()).toEqual([
    "at",
    "device",
    "id",
    "model",
    "origin",
    "outcome",
    "queueMs",
    "runMs",
  ])
})

test("of what runs in a private window nothing is told, not even how long it took, and nothing stays loaded", async () => {
  const told: unknown[] = []
  const wasm = adderHost("wasm")
  t = testPool([wasm], { onJob: (job) => told.push(job), onBenchmark: (found) => told.push(found) })
  const page = t.connect({ isPrivate: true })
  const model = t.publish("one", adderModel(1))
  const { sessionId } = await page.open(model)
  await page.run(sessionId)
  await page.peer.call("benchmark.run", { model, feeds: { x: floats(1) }, samples: 1 })
  expect(wasm.loaded.size).toBe(1)
  page.close()
  await expect.poll(() => wasm.loaded.size).toBe(0)
  expect([told, t.measurements]).toEqual([[], []])
})

test("what a private window has loaded opens no faster elsewhere, nor the other way round", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const model = t.publish("one", adderModel(1))
  await t.connect().open(model)
  await t.connect({ isPrivate: true }).open(model)
  await t.connect({ isPrivate: true }).open(model)
  await t.connect().open(model)
  expect(wasm.opens).toBe(2)
})

test("a benchmark is told with its samples and who asked, and where it failed with the code", async () => {
  const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
  webgpu.refuse = fail("IPFA_DEVICE_UNSUPPORTED")
  const found: BenchmarkRecord[] = []
  t = testPool([webgpu, wasm], { onBenchmark: (benchmark) => found.push(benchmark) })
  const model = t.publish("one", adderModel(1))
  const { rows } = await t.connect().peer.call("benchmark.run", { model, feeds: { x: floats(1) }, samples: 4 })
  const { loadMs, firstMs, p50Ms, samplesMs } = rows[0]!
  const who = { origin: "https://page.test", model, browser: "chromium", version: "0.0.0" }
  expect(found).toMatchObject([
    { ...who, device: "webgpu", error: "IPFA_DEVICE_UNSUPPORTED", samplesMs: [] },
    { ...who, device: "wasm", backend: "wasm", loadMs, firstMs, p50Ms, samplesMs },
  ])
  expect(found[0]).not.toHaveProperty("p50Ms")
})

test.each([
  ["https://models.example/a.onnx?token=secret#sha256=00", "https://models.example/a.onnx"],
  ["https://me:secret@models.example/a.onnx", "https://models.example/a.onnx"],
  ["hf://org/name@main/a.onnx", "hf://org/name@main/a.onnx"],
  ["ipfs://bafy/a", "ipfs://bafy/a"],
])("%s is shown as %s", (reference, shown) => {
  expect(shownReference(reference)).toBe(shown)
})
