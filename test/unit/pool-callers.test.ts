import { afterEach, describe, expect, test, vi } from "vitest"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { keptId, refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => {
  t?.close()
  vi.useRealTimers()
})

async function withSession(hosts = [adderHost("wasm")], more = {}) {
  t = testPool(hosts, more)
  const page = t.connect()
  const model = t.publish("one", adderModel(1))
  const { sessionId } = await page.open(model)
  return { wasm: hosts[0]!, page, model, sessionId }
}

describe("kept tensors", () => {
  test("feed a later run without coming back, under ids that nobody else can use", async () => {
    const { wasm, page, model, sessionId } = await withSession()
    const first = await page.run(sessionId, 1, { keep: true })
    const id = keptId(first)
    expect(first.outputs.y).toEqual({ dtype: "float32", shape: [1], kept: id })
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    const second = await page.run(sessionId, id, { keep: true })
    expect(value(await page.run(sessionId, keptId(second)))).toBe(4)
    // Neither another session of the same caller nor another caller can name it, or the host's own id of it.
    const again = await page.open(model)
    const other = t!.connect({ origin: "https://other.test" })
    const theirs = await other.open(model)
    const hostId = [...wasm.kept][0]!
    expect(await refusal(page.run(again.sessionId, id))).toBe("IPFA_SESSION_KEPT")
    expect(await refusal(other.run(theirs.sessionId, id))).toBe("IPFA_SESSION_KEPT")
    expect(await refusal(page.run(sessionId, hostId))).toBe("IPFA_SESSION_KEPT")
    await other.peer.call("session.release", { sessionId: theirs.sessionId, kept: [id] })
    expect(value(await page.run(sessionId, id))).toBe(3)
  })

  test("are freed by release, and by closing the session", async () => {
    const { wasm, page, sessionId } = await withSession()
    const ids = [
      keptId(await page.run(sessionId, 1, { keep: true })),
      keptId(await page.run(sessionId, 2, { keep: true })),
    ]
    await page.peer.call("session.release", { sessionId, kept: [ids[0]!, "never was"] })
    expect(await refusal(page.run(sessionId, ids[0]!))).toBe("IPFA_SESSION_KEPT")
    expect(value(await page.run(sessionId, ids[1]!))).toBe(4)
    expect(wasm.kept.size).toBe(1)
    await page.peer.call("session.close", { sessionId })
    expect(await refusal(page.run(sessionId, 1))).toBe("IPFA_SESSION_UNKNOWN")
    const { sessionId: next } = await page.open(t!.publish("one", adderModel(1)))
    await page.run(next, 1)
    expect(wasm.kept.size).toBe(0)
  })
})

describe("an idempotency key", () => {
  test("gives the same job's result while it runs and afterwards, on another connection too", async () => {
    const { wasm, page, model, sessionId } = await withSession()
    wasm.hold()
    const first = page.run(sessionId, 1, { key: "k" })
    await wasm.begun(1)
    const tab = t!.connect()
    const session = await tab.open(model)
    const joined = tab.run(session.sessionId, 1, { key: "k" })
    wasm.letGo()
    const results = [await first, await joined, await tab.run(session.sessionId, 1, { key: "k" })]
    expect(results.map(value)).toEqual([2, 2, 2])
    expect(wasm.runs).toBe(1)
    expect(new Set(results.map(({ outputs }) => (outputs.y as { data: Float32Array }).data.buffer)).size).toBe(3)
  })

  test("is its origin's own, its model's, and its inputs' kinds'", async () => {
    const { wasm, page, model, sessionId } = await withSession()
    await page.run(sessionId, 1, { key: "k" })
    const other = t!.connect({ origin: "https://other.test" })
    expect(value(await other.run((await other.open(model)).sessionId, 10, { key: "k" }))).toBe(11)
    expect(wasm.runs).toBe(2)
    const two = await page.open(t!.publish("two", adderModel(2)))
    expect(await refusal(page.run(two.sessionId, 1, { key: "k" }))).toBe("IPFA_INPUT_INVALID")
    const pair = { sessionId, feeds: { x: floats(1, 2) } }
    expect(await refusal(page.peer.call("session.run", pair, { key: "k" }))).toBe("IPFA_INPUT_INVALID")
  })

  test("of a connection that ended with its job in flight answers who asks again", async () => {
    const { wasm, page, model, sessionId } = await withSession()
    const tab = t!.connect()
    const session = await tab.open(model)
    wasm.hold()
    const lost = refusal(page.run(sessionId, 1, { key: "k" }))
    await wasm.begun(1)
    const again = tab.run(session.sessionId, 1, { key: "k" })
    await tab.peer.call("status.get", {})
    page.close()
    expect(await lost).toBe("IPFA_PROTOCOL_CLOSED")
    wasm.letGo()
    expect(value(await again)).toBe(2)
    expect(wasm.runs).toBe(1)
  })

  test("ends its job when the last who waits gives up", async () => {
    const { wasm, page, sessionId } = await withSession()
    wasm.hold()
    const aborts = [new AbortController(), new AbortController()]
    const blocker = [page.run(sessionId, 1), page.run(sessionId, 2)]
    const jobs = aborts.map(({ signal }) => refusal(page.run(sessionId, 3, { key: "k", signal })))
    await wasm.begun(1)
    for (const abort of aborts) abort.abort()
    expect(await Promise.all(jobs)).toEqual(["IPFA_JOB_CANCELLED", "IPFA_JOB_CANCELLED"])
    wasm.letGo()
    await Promise.all(blocker)
    expect(value(await page.run(sessionId, 9, { key: "k" }))).toBe(10)
    expect(wasm.runs).toBe(3)
  })

  test("is forgotten after its time, when its result is too large, and when it failed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
    const { wasm, page, sessionId } = await withSession(undefined, { limits: { keptResultBytes: 8192 } })
    const run = (n: number) => {
      const feeds = { x: { ...floats(0), shape: [n], data: new Float32Array(n) } }
      return page.peer.call("session.run", { sessionId, feeds }, { key: `k${n}` })
    }
    await run(1000)
    await run(1000)
    expect(wasm.runs).toBe(2)
    await run(1)
    await vi.advanceTimersByTimeAsync(59_999)
    await run(1)
    expect(wasm.runs).toBe(3)
    await vi.advanceTimersByTimeAsync(1)
    await run(1)
    expect(wasm.runs).toBe(4)
    const bad = page.peer.call("session.run", { sessionId, feeds: {} }, { key: "bad" })
    expect(await refusal(bad)).toBe("IPFA_INPUT_SHAPE")
    expect(value(await page.run(sessionId, 1, { key: "bad" }))).toBe(2)
    // Nothing is held once nobody asks any more.
    await vi.advanceTimersByTimeAsync(120_000)
    t!.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  test("does not hold for results with kept tensors", async () => {
    const { wasm, page, sessionId } = await withSession()
    const ids = [
      await page.run(sessionId, 1, { key: "k", keep: true }),
      await page.run(sessionId, 1, { key: "k", keep: true }),
    ]
    expect(new Set(ids.map(keptId)).size).toBe(2)
    expect(wasm.runs).toBe(2)
  })
})

describe("between callers", () => {
  test("a device's time is shared fairly, whoever asks most", async () => {
    const { wasm, page, sessionId } = await withSession()
    const other = t!.connect({ origin: "https://other.test" })
    const theirs = await other.open(t!.publish("two", adderModel(2)))
    wasm.hold()
    const greedy = Array.from({ length: 20 }, () => page.run(sessionId, 0, { priority: 9 }))
    await wasm.begun(1)
    const modest = [other.run(theirs.sessionId, 0), other.run(theirs.sessionId, 0)]
    await other.peer.call("status.get", {})
    wasm.letGo()
    await Promise.all([...greedy, ...modest])
    // What may be long is not sent to the host ahead of its turn: every other one is the other's.
    expect(wasm.order.slice(0, 5).filter((bias) => bias === 2)).toHaveLength(2)
  })

  test("an origin has no more jobs running than it may, over all devices and connections, and none is refused for it", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    t = testPool([webgpu, wasm])
    const limits = { concurrentJobs: 1 }
    const [tab, tab2, other] = [
      t.connect({ limits }),
      t.connect({ limits }),
      t.connect({ origin: "https://other.test" }),
    ]
    const model = t.publish("one", adderModel(1))
    const on = async (client: typeof tab, device: string) => (await client.open(model, { device })).sessionId
    const [a, b, c] = [await on(tab, "webgpu"), await on(tab2, "wasm"), await on(other, "wasm")]
    webgpu.hold()
    const first = tab.run(a, 1)
    await webgpu.begun(1)
    const second = tab2.run(b, 2)
    expect(value(await other.run(c, 3))).toBe(4)
    expect(wasm.runs).toBe(1)
    expect((await tab2.peer.call("status.get", {})).jobs).toMatchObject({ running: 0, waiting: 1 })
    webgpu.letGo()
    expect([value(await first), value(await second)]).toEqual([2, 3])
  })

  test("the queue is bounded, and who fills it is refused, not the others", async () => {
    const { wasm, page, sessionId } = await withSession(undefined, { limits: { queued: 4 } })
    const other = t!.connect({ origin: "https://other.test" })
    const theirs = await other.open(t!.publish("two", adderModel(2)))
    wasm.hold()
    const greedy = Array.from({ length: 10 }, () => page.run(sessionId, 0).then(value, (error) => error.code as string))
    await wasm.begun(1)
    const modest = other.run(theirs.sessionId, 0)
    await other.peer.call("status.get", {})
    wasm.letGo()
    expect(value(await modest)).toBe(2)
    const outcomes = await Promise.all(greedy)
    expect(outcomes.filter((x) => x === 1)).toHaveLength(4)
    expect(outcomes.filter((x) => x === "IPFA_QUEUE_FULL")).toHaveLength(6)
  })

  test("each sees its own sessions and jobs; the owner sees all", async () => {
    const { page, model, sessionId } = await withSession()
    const other = t!.connect({ origin: "https://other.test" })
    const theirs = await other.open(model)
    await page.run(sessionId)
    await refusal(page.peer.call("session.run", { sessionId, feeds: {} }))
    const mine = await page.peer.call("status.get", {})
    expect(mine.sessions).toMatchObject([{ sessionId, model, device: "wasm", leases: 1 }])
    expect(mine.jobs).toEqual({ running: 0, waiting: 0, done: 1, failed: 1 })
    expect((await other.peer.call("status.get", {})).jobs.done).toBe(0)
    const all = await t!.connect({ origin: "owner" }).peer.call("status.get", {})
    expect(all.sessions.map((s) => [s.sessionId, s.leases]).sort()).toEqual(
      [
        [sessionId, 2],
        [theirs.sessionId, 2],
      ].sort(),
    )
    page.close()
    await other.peer.call("status.get", {})
    expect(t!.pool.status({ origin: "owner" }).jobs).toEqual({ running: 0, waiting: 0, done: 1, failed: 1 })
    expect(t!.pool.status({ origin: "https://page.test" }).sessions).toEqual([])
  })

  test("what another keeps on the model that both share, and when it runs, is not told", async () => {
    const { page, model, sessionId } = await withSession()
    const other = t!.connect({ origin: "https://other.test" })
    const theirs = await other.open(model)
    const seen = async () => (await page.peer.call("status.get", {})).sessions[0]!
    await page.run(sessionId, 1, { keep: true })
    const before = await seen()
    for (let i = 0; i < 3; i++) await other.run(theirs.sessionId, 1, { keep: true })
    const after = await seen()
    expect(after.memoryBytes).toBe(before.memoryBytes)
    expect(after.idleMs).toBeGreaterThan(before.idleMs)
    const all = (await t!.connect({ origin: "owner" }).peer.call("status.get", {})).sessions
    expect(all.map(({ memoryBytes }) => memoryBytes - after.memoryBytes)).toEqual([12, 12])
    expect(all[0]!.idleMs).toBeLessThan(after.idleMs)
  })

  test("sessions of one connection are bounded", async () => {
    const { page, model } = await withSession(undefined, { limits: { leases: 2 } })
    await page.open(model)
    expect(await refusal(page.open(model))).toBe("IPFA_QUEUE_FULL")
  })
})

test("listeners learn that something changed, until they have heard enough", async () => {
  const { page, sessionId } = await withSession()
  let told = 0
  const heard = new Promise<void>((resolve) => {
    const stop = t!.pool.onChange(() => {
      told++
      stop()
      resolve()
    })
  })
  await page.run(sessionId)
  await heard
  await page.run(sessionId)
  expect(told).toBe(1)
})

test("a pool that closes ends every job and every host", async () => {
  const { wasm, page, sessionId } = await withSession()
  wasm.hold()
  const jobs = [1, 2, 3].map((x) => refusal(page.run(sessionId, x)))
  await wasm.begun(1)
  t!.pool.close()
  expect(await Promise.all(jobs)).toEqual(Array(3).fill("IPFA_PROTOCOL_CLOSED"))
  expect(wasm.ended).toBe(1)
  expect(wasm.starts).toBe(1)
})
