import { afterEach, describe, expect, test } from "vitest"
import type { Caller } from "../../engine/caller.ts"
import { fail, memoryPorts, Peer } from "../../protocol/index.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { Client, keptId, refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

async function withSession(limits = {}) {
  const wasm = adderHost("wasm")
  t = testPool([wasm], { limits })
  const page = t.connect()
  const { sessionId } = await page.open(t.publish("one", adderModel(1)))
  return { wasm, page, sessionId, pool: t.pool }
}
const state = async () => (await t!.pool.hardware()).devices[0]!.state

describe("a job that is cancelled", () => {
  test("while it waits is dropped at once and never reaches the device", async () => {
    const { wasm, page, sessionId } = await withSession()
    wasm.hold()
    const running = [page.run(sessionId, 1), page.run(sessionId, 2)]
    await wasm.begun(1)
    const abort = new AbortController()
    const waiting = page.run(sessionId, 3, { signal: abort.signal })
    abort.abort()
    expect(await refusal(waiting)).toBe("IPFA_JOB_CANCELLED")
    wasm.letGo()
    expect((await Promise.all(running)).map(value)).toEqual([2, 3])
    expect(value(await page.run(sessionId, 4))).toBe(5)
    expect(wasm.runs).toBe(3)
  })

  test("while it waits at the host is taken back from it", async () => {
    const { wasm, page, sessionId } = await withSession()
    wasm.hold()
    const first = page.run(sessionId, 1)
    const abort = new AbortController()
    const second = page.run(sessionId, 2, { signal: abort.signal })
    await wasm.begun(1)
    abort.abort()
    expect(await refusal(second)).toBe("IPFA_JOB_CANCELLED")
    wasm.letGo()
    expect(value(await first)).toBe(2)
    await page.run(sessionId, 3)
    expect(wasm.runs).toBe(2)
  })

  test("while it runs ends for its caller at once; the device is busy until the host is done, and serves on", async () => {
    const { wasm, page, sessionId } = await withSession()
    wasm.hold()
    const abort = new AbortController()
    const running = page.run(sessionId, 1, { signal: abort.signal, keep: true })
    await wasm.begun(1)
    abort.abort()
    expect(await refusal(running)).toBe("IPFA_JOB_CANCELLED")
    const next = page.run(sessionId, 2)
    expect(await state()).toBe("busy")
    wasm.letGo()
    expect(value(await next)).toBe(3)
    expect(await state()).toBe("ready")
    // What nobody will ask for was not left on the device.
    await page.run(sessionId, 2)
    expect(wasm.kept.size).toBe(0)
  })

  test("by its deadline fails with IPFA_JOB_DEADLINE, waiting or running", async () => {
    const { wasm, page, sessionId } = await withSession()
    wasm.hold()
    const jobs = [1, 2, 3, 4].map((x) => refusal(page.run(sessionId, x, { deadlineMs: 20 })))
    expect(await Promise.all(jobs)).toEqual(Array(4).fill("IPFA_JOB_DEADLINE"))
    wasm.letGo()
    expect(value(await page.run(sessionId, 1))).toBe(2)
  })

  test("and that the host won't end in time costs the host its life, and the others nothing", async () => {
    const { wasm, page, sessionId } = await withSession({ stuckMs: 20 })
    wasm.hold()
    const abort = new AbortController()
    const stuck = page.run(sessionId, 1, { signal: abort.signal })
    const others = [page.run(sessionId, 2), page.run(sessionId, 3)]
    await wasm.begun(1)
    abort.abort()
    expect(await refusal(stuck)).toBe("IPFA_JOB_CANCELLED")
    await wasm.started(2)
    wasm.letGo()
    const results = await Promise.all(others)
    expect(results.map(value)).toEqual([3, 4])
    expect(results.map(({ reruns }) => reruns)).toEqual([0, 0])
    expect(wasm.ended).toBe(1)
  })

  test("by nobody does not hang either", async () => {
    const { wasm, page, sessionId } = await withSession({ runMs: 30, stuckMs: 10 })
    wasm.hold()
    const jobs = [page.run(sessionId, 1), page.run(sessionId, 2)]
    expect(await refusal(jobs[0]!)).toBe("IPFA_JOB_DEADLINE")
    await wasm.started(2)
    wasm.letGo()
    expect(value(await jobs[1]!)).toBe(3)
  })

  test("with its caller's right ends with that reason, and so does all its caller has", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const right = new AbortController()
    const [page, other] = [t.connect({ revoked: right.signal }), t.connect({ origin: "https://other.test" })]
    const model = t.publish("one", adderModel(1))
    const [session, theirs] = [await page.open(model), await other.open(model)]
    await page.run(session.sessionId, 1, { keep: true })
    wasm.hold()
    const jobs = [1, 2, 3].map((x) => page.run(session.sessionId, x, x === 3 ? { key: "k" } : {}))
    const opening = page.open(t.publish("two", adderModel(2)))
    const survivor = other.run(theirs.sessionId, 7)
    await wasm.begun(2)
    right.abort(fail("IPFA_GRANT_REVOKED"))
    expect(await Promise.all([...jobs, opening].map(refusal))).toEqual(Array(4).fill("IPFA_GRANT_REVOKED"))
    expect(await refusal(page.run(session.sessionId))).toBe("IPFA_GRANT_REVOKED")
    expect(await refusal(page.open(model))).toBe("IPFA_GRANT_REVOKED")
    wasm.letGo()
    expect(value(await survivor)).toBe(8)
    expect(wasm.kept.size).toBe(0)
    expect(t.pool.status({ origin: "owner" }).sessions).toHaveLength(1)
  })
})

describe("an opening", () => {
  test("past its own deadline fails, and a host that goes on with it is ended", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm], { limits: { openMs: 20, stuckMs: 20 } })
    const page = t.connect()
    wasm.hold("open")
    expect(await refusal(page.open(t.publish("one", adderModel(1))))).toBe("IPFA_JOB_DEADLINE")
    await wasm.started(2)
    wasm.letGo()
    expect(value(await page.run((await page.open(t.publish("one", adderModel(1)))).sessionId))).toBe(2)
  })

  test("that its caller gave up is there for the next who asks", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const page = t.connect()
    wasm.hold("open")
    const model = t.publish("one", adderModel(1))
    const abort = new AbortController()
    const opening = page.peer.call("session.open", { model }, { signal: abort.signal })
    await wasm.begun(1, "open")
    abort.abort()
    expect(await refusal(opening)).toBe("IPFA_JOB_CANCELLED")
    wasm.letGo()
    expect(value(await page.run((await page.open(model)).sessionId))).toBe(2)
    expect(wasm.opens).toBe(1)
  })
})

describe("a right that ends", () => {
  test("begins nothing more: openings that waited for their turn are given up, but for those that others want too", async () => {
    const [wasm, webgpu] = [adderHost("wasm"), adderHost("webgpu")]
    const pool = testPool([wasm, webgpu], { limits: { depth: 1 } })
    t = pool
    const right = new AbortController()
    const other = pool.connect({ origin: "https://other.test" })
    const models = [1, 2, 3, 4, 5, 6].map((bias) => pool.publish(`${bias}`, adderModel(bias)))
    // So that all are known and validated, and only the openings are left.
    for (const model of models) await other.open(model, { device: "webgpu" })
    wasm.hold("open")
    const page = pool.connect({ revoked: right.signal })
    const openings = models.slice(0, 5).map((model) => refusal(page.open(model, { device: "wasm" })))
    await wasm.begun(1, "open")
    await page.peer.call("status.get", {})
    const theirs = other.open(models[4]!, { device: "wasm" })
    right.abort(fail("IPFA_GRANT_REVOKED"))
    expect(await Promise.all(openings)).toEqual(Array(5).fill("IPFA_GRANT_REVOKED"))
    // Another page of the origin comes after all that were waiting.
    const last = pool.connect().open(models[5]!, { device: "wasm" })
    wasm.letGo()
    await last
    expect(value(await other.run((await theirs).sessionId))).toBe(6)
    // The one that had begun, the one that another wants, and the last: neither what waited for the device nor what waited to be read.
    expect(wasm.opens).toBe(3)
  })

  test("leaves nobody of its origin waiting for the place that its job had", async () => {
    const [wasm, webgpu] = [adderHost("wasm"), adderHost("webgpu")]
    const pool = testPool([wasm, webgpu])
    t = pool
    const right = new AbortController()
    const limits = { concurrentJobs: 1 }
    // As the gate has it: without a grant there are no limits to go by.
    const caller: Caller = {
      origin: "https://page.test",
      revoked: right.signal,
      get limits() {
        return right.signal.aborted ? undefined : limits
      },
    }
    const first = new Client(pool.pool, caller)
    const second = pool.connect({ limits })
    const model = pool.publish("one", adderModel(1))
    const [one, two] = [await first.open(model, { device: "wasm" }), await second.open(model, { device: "webgpu" })]
    wasm.hold()
    const gone = refusal(first.run(one.sessionId, 1))
    await wasm.begun(1)
    const waits = second.run(two.sessionId, 2)
    await second.peer.call("status.get", {})
    right.abort(fail("IPFA_GRANT_EXPIRED"))
    expect(await gone).toBe("IPFA_GRANT_EXPIRED")
    wasm.letGo()
    expect(value(await waits)).toBe(3)
  })
})

describe("a result that its caller gave up while it was on its way", () => {
  test("leaves neither a session nor kept tensors behind", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const [here, there] = memoryPorts()
    const caller: Caller = { origin: "https://page.test" }
    const served = new Peer<Caller>(there, { role: "pool", handlers: t.pool.serve(caller).handlers, caller })
    const answers: { id: number; kind: string; value?: { sessionId: string } }[] = []
    here.start(
      (message) => answers.push(message as (typeof answers)[number]),
      () => undefined,
    )
    const answer = async (id: number) => {
      await expect.poll(() => answers.find((a) => a.id === id)?.kind).toBe("complete")
      return answers.find((a) => a.id === id)!.value!
    }
    here.send({ kind: "hello", versions: [1, 1], role: "page", software: "by hand" })
    const call = (id: number, method: string, params: unknown) => here.send({ kind: "call", id, method, params })
    const model = t.publish("one", adderModel(1))
    call(1, "session.open", { model })
    const { sessionId } = await answer(1)
    call(2, "session.run", { sessionId, feeds: { x: floats(1) }, keep: ["y"] })
    await answer(2)
    expect(wasm.kept.size).toBe(1)
    here.send({ kind: "cancel", id: 2 })
    await expect.poll(() => wasm.kept.size).toBe(0)
    here.send({ kind: "cancel", id: 1 })
    await expect.poll(() => t?.pool.status({ origin: "owner" }).sessions).toEqual([])
    served.close()
  })
})

describe("a connection that ends", () => {
  test("gives back its sessions, kept tensors and jobs", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const [page, other] = [t.connect(), t.connect({ origin: "https://other.test" })]
    const model = t.publish("one", adderModel(1))
    const { sessionId } = await page.open(model)
    const theirs = await other.open(model)
    const kept = keptId(await page.run(sessionId, 1, { keep: true }))
    expect(kept).not.toBe([...wasm.kept][0])
    wasm.hold()
    const jobs = [1, 2, 3].map((x) => refusal(page.run(sessionId, x)))
    await wasm.begun(2)
    page.close()
    expect(await Promise.all(jobs)).toEqual(Array(3).fill("IPFA_PROTOCOL_CLOSED"))
    wasm.letGo()
    expect(value(await other.run(theirs.sessionId))).toBe(2)
    expect(wasm.kept.size).toBe(0)
    const status = t.pool.status({ origin: "owner" })
    expect(status.sessions.map(({ leases }) => leases)).toEqual([1])
    expect(status.jobs).toMatchObject({ running: 0, waiting: 0 })
  })
})
