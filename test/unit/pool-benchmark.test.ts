import { afterEach, expect, test } from "vitest"
import { fail } from "../../protocol/index.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())
const feeds = { x: floats(1) }

test("a benchmark measures each device in turn, on a session of its own, and says what it did", async () => {
  const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
  t = testPool([webgpu, wasm])
  const page = t.connect()
  const model = t.publish("one", adderModel(1))
  await page.open(model, { device: "wasm" })
  const events: string[] = []
  const { rows, absent } = await page.peer.call(
    "benchmark.run",
    { model, feeds, samples: 5, warmup: 2 },
    { onEvent: ({ device, phase, done, of }) => void events.push(`${device} ${phase} ${done}/${of}`) },
  )
  expect(absent).toEqual([])
  expect(rows.map(({ device, n, samplesMs }) => [device.id, n, samplesMs.length])).toEqual([
    ["webgpu", 5, 5],
    ["wasm", 5, 5],
  ])
  for (const row of rows) {
    const sorted = [...row.samplesMs].sort((a, b) => a - b)
    expect(row.p50Ms).toBe(sorted[2])
    expect(row.loadMs).toBeGreaterThan(0)
    expect(row.firstMs).toBeGreaterThan(0)
  }
  // The first run, two to warm up, five that count; wasm was opened a second time, and nothing stays.
  expect([webgpu.runs, wasm.runs, wasm.opens]).toEqual([8, 8, 2])
  expect(events.findIndex((e) => e.startsWith("wasm"))).toBeGreaterThan(
    events.findLastIndex((e) => e.startsWith("webgpu")),
  )
  expect(events).toContain("wasm steady 5/5")
  expect(t.measurements.filter(({ kind }) => kind === "benchmark").map((m) => [m.device, m.ms])).toEqual(
    rows.map(({ device, p50Ms }) => [device.id, p50Ms]),
  )
  expect([webgpu.loaded.size, wasm.loaded.size]).toEqual([0, 1])
})

test("steady runs end with the time budget, with the samples there are", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const model = t.publish("one", adderModel(1))
  const { rows } = await t.connect().peer.call("benchmark.run", { model, feeds, samples: 1000, warmup: 0, budgetMs: 0 })
  expect(rows[0]).toMatchObject({ n: 1 })
})

test("devices that are not there, or can't run the model, are absent with the reason; without any it fails", async () => {
  const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
  webgpu.refuse = fail("IPFA_DEVICE_UNSUPPORTED", { message: "no kernel for Add" })
  t = testPool([webgpu, wasm])
  const page = t.connect()
  const model = t.publish("one", adderModel(1))
  const request = { model, feeds, samples: 1, warmup: 0 }
  const { rows, absent } = await page.peer.call("benchmark.run", {
    ...request,
    devices: ["webgpu", "webnn:npu", "wasm"],
  })
  expect(rows.map(({ device }) => device.id)).toEqual(["wasm"])
  expect(absent).toMatchObject([
    { id: "webgpu", reason: "no kernel for Add" },
    { id: "webnn:npu", reason: "there is no such device here" },
  ])
  expect(await refusal(page.peer.call("benchmark.run", { ...request, devices: ["webgpu"] }))).toBe("IPFA_DEVICE_NONE")
  const kept = { x: { dtype: "float32" as const, shape: [1], kept: "k" } }
  expect(await refusal(page.peer.call("benchmark.run", { ...request, feeds: kept }))).toBe("IPFA_INPUT_INVALID")
})

test("a benchmark that is cancelled leaves nothing behind", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const page = t.connect()
  const model = t.publish("one", adderModel(1))
  for (const what of ["open", "run"] as const) {
    const abort = new AbortController()
    wasm.hold(what)
    const running = page.peer.call("benchmark.run", { model, feeds }, { signal: abort.signal })
    await wasm.begun(1, what)
    abort.abort()
    expect(await refusal(running)).toBe("IPFA_JOB_CANCELLED")
    wasm.letGo()
    const { sessionId } = await page.open(model)
    expect(value(await page.run(sessionId))).toBe(2)
    await page.peer.call("session.close", { sessionId })
    expect(wasm.loaded.size).toBe(1)
    wasm.opens = wasm.runs = 0
  }
})

test("benchmarks that are begun at once have no more memory than their site may, and the next one has it again", async () => {
  const wasm = adderHost("wasm")
  wasm.memoryBytes = 1000
  t = testPool([wasm])
  const page = t.connect({ limits: { memoryBytes: 1500 } })
  const request = { model: t.publish("one", adderModel(1)), feeds, samples: 1, warmup: 0 }
  wasm.hold("open")
  let loading = 0
  const { promise: bothLoad, resolve } = Promise.withResolvers<void>()
  const onEvent = ({ phase }: { phase: string }) => void (phase === "load" && ++loading === 2 && resolve())
  const both = [1, 2].map(() =>
    page.peer.call("benchmark.run", request, { onEvent }).then(
      () => "done",
      (error) => JSON.stringify(error.data),
    ),
  )
  await bothLoad
  wasm.letGo()
  const refused = (await Promise.all(both)).filter((outcome) => outcome !== "done")
  expect(refused.join()).toContain("not enough memory")
  expect(wasm.loaded.size).toBe(0)
  expect((await page.peer.call("benchmark.run", request)).rows).toHaveLength(1)
})
