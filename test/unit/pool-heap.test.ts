import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { type AdderHost, adderHost, adderModel } from "../support/adder.ts"
import { type Client, type TestPool, testPool, value } from "../support/pool.ts"

const MIB = 2 ** 20
let t: TestPool
let wasm: AdderHost
let page: Client
let model: string

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] })
  wasm = adderHost("wasm")
  wasm.heapBytes = 300 * MIB
  t = testPool([wasm])
  page = t.connect()
  model = t.publish("one", adderModel(1))
})
afterEach(() => {
  t.close()
  vi.useRealTimers()
})

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const state = async () => (await t.pool.hardware()).devices.map(({ id, state }) => [id, state])
async function openAndClose() {
  const { sessionId } = await page.open(model)
  await page.peer.call("session.close", { sessionId })
}

test("a worker with a large heap is ended when nobody had a session on it for a minute; its device stays listed as ready", async () => {
  await openAndClose()
  await pass(59_999)
  expect(wasm.ended).toBe(0)
  await pass(1)
  expect([wasm.ended, wasm.starts]).toEqual([1, 1])
  // Asking what is there does not start it.
  expect(await state()).toEqual([["wasm", "ready"]])
  expect(wasm.starts).toBe(1)

  const { sessionId, device } = await page.open(model)
  expect([device.id, wasm.starts, wasm.opens]).toEqual(["wasm", 2, 2])
  expect(value(await page.run(sessionId, 1))).toBe(2)
  expect(await state()).toEqual([["wasm", "ready"]])
})

test.each([
  ["at the threshold", 256 * MIB],
  ["unknown", undefined],
])("a worker whose heap is %s stays, and what is loaded with it", async (_, heapBytes) => {
  wasm.heapBytes = heapBytes
  await openAndClose()
  await pass(600_000)
  await page.open(model)
  expect([wasm.ended, wasm.opens]).toEqual([0, 1])
})

test("a worker that is none of its own stays: ending it returns nothing", async () => {
  const { returnsMemory: _, ...factory } = wasm.factory
  const other = testPool([factory])
  const client = other.connect()
  const { sessionId } = await client.open(other.publish("one", adderModel(1)))
  await client.peer.call("session.close", { sessionId })
  await pass(600_000)
  expect(wasm.ended).toBe(0)
  other.close()
})

test("a session that is open, however idle, keeps it; so does one opened again in time", async () => {
  const { sessionId } = await page.open(model)
  await pass(600_000)
  await page.peer.call("session.close", { sessionId })
  await pass(59_000)
  const again = await page.open(model)
  await pass(600_000)
  expect(value(await page.run(again.sessionId, 1))).toBe(2)
  expect([wasm.ended, wasm.opens]).toEqual([0, 1])
})

test("a job that outlives its session is finished first", async () => {
  const { sessionId } = await page.open(model)
  wasm.hold()
  // Under an idempotency key it is not its connection's alone.
  const job = page.run(sessionId, 1, { key: "k" })
  await wasm.begun(1)
  await page.peer.call("session.close", { sessionId })
  await pass(130_000)
  expect(wasm.ended).toBe(0)
  wasm.letGo()
  expect(value(await job)).toBe(2)
  await pass(60_000)
  expect(wasm.ended).toBe(1)
})

test("a session opened while the worker is asked for its heap is not lost", async () => {
  let gate = Promise.resolve()
  /** The same host, whose answers take as long as `gate`. */
  const factory = {
    ...wasm.factory,
    start() {
      const { port, ...rest } = wasm.factory.start()
      const start: typeof port.start = (receive, ended) =>
        port.start((message) => void gate.then(() => receive(message)), ended)
      const send: typeof port.send = (message, transfer) => port.send(message, transfer)
      return { ...rest, port: { pendingBytes: 0, send, start, close: port.close.bind(port) } }
    },
  }
  const other = testPool([factory])
  const client = other.connect()
  const one = other.publish("one", adderModel(1))
  const { sessionId } = await client.open(one)
  await client.peer.call("session.close", { sessionId })
  const { promise, resolve } = Promise.withResolvers<void>()
  gate = promise
  await pass(60_000)
  const again = await client.open(one)
  resolve()
  expect(value(await client.run(again.sessionId, 1))).toBe(2)
  expect([wasm.ended, wasm.opens]).toEqual([0, 1])
  other.close()
})

test("jobs that come while it starts again wait for it, and a start that fails is said", async () => {
  await openAndClose()
  await pass(60_000)
  wasm.hold("probe")
  const opening = page.open(model)
  await wasm.started(2)
  expect(await state()).toEqual([["wasm", "ready"]])
  wasm.letGo()
  const { sessionId } = await opening
  expect(value(await page.run(sessionId, 1))).toBe(2)

  await page.peer.call("session.close", { sessionId })
  await pass(60_000)
  expect(wasm.ended).toBe(2)
  wasm.failStart = new Error("no such file: worker.js")
  await expect(page.open(model, { device: "wasm" })).rejects.toMatchObject({ code: "IPFA_DEVICE_LOST" })
  expect((await state())[0]).toEqual(["wasm", "cooling"])
})
