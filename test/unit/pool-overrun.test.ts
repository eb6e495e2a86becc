import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { type Client, refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool
afterEach(() => {
  t.close()
  vi.useRealTimers()
})
const HOSTILE = { origin: "https://hostile.test" }
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
/** Asks for a session; resolves with its opening once that has come as far as it may by itself: models are digested on real threads, which no clock here drives. */
async function opening({ peer }: Client, model: string, device?: string) {
  const { promise: isThere, resolve } = Promise.withResolvers<void>()
  const onEvent = ({ phase }: { phase: string }) => void (phase === "open" && resolve())
  const session = peer.call("session.open", { model, device }, { onEvent })
  await isThere
  for (let i = 0; i < 3; i++) await peer.call("status.get", {})
  return { session }
}

const onClock = () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] })

async function withBoth(hosts: ReturnType<typeof adderHost>[], device?: string) {
  t = testPool(hosts)
  const [hostile, page] = [t.connect(HOSTILE), t.connect()]
  const theirs = await hostile.open(t.publish("bomb", adderModel(5)), { device })
  const mine = await page.open(t.publish("one", adderModel(1)))
  return { hostile, page, theirs: theirs.sessionId, mine: mine.sessionId }
}

describe("S13: a run that does not end", () => {
  beforeEach(onClock)

  test("is ended after two and a half seconds of others' waiting; they are served, and its origin keeps away for two minutes", async () => {
    const wasm = adderHost("wasm")
    const { hostile, page, theirs, mine } = await withBoth([wasm])
    wasm.hold()
    const endless = refusal(hostile.run(theirs))
    const next = refusal(hostile.run(theirs))
    await wasm.begun(1)
    // Nobody is kept waiting by it but its own origin's jobs.
    await pass(60_000)
    expect(wasm.starts).toBe(1)
    const job = page.run(mine, 1)
    await pass(2_499)
    expect(wasm.starts).toBe(1)
    await pass(1)
    wasm.letGo()
    expect([await endless, value(await job)]).toEqual(["IPFA_JOB_OVERRUN", 2])
    expect([wasm.starts, wasm.ended]).toEqual([2, 1])
    expect((await job).reruns).toBe(0)
    // There is no other device for what it had waiting, nor for what it asks for now.
    expect([await next, await refusal(hostile.run(theirs))]).toEqual(["IPFA_DEVICE_NONE", "IPFA_DEVICE_NONE"])
    expect(wasm.order.filter((bias) => bias === 5)).toHaveLength(1)
    await pass(120_000)
    expect(value(await hostile.run(theirs, 1))).toBe(6)
  })

  test("is ended too when its caller has given it up already", async () => {
    const wasm = adderHost("wasm")
    const { hostile, page, theirs, mine } = await withBoth([wasm])
    wasm.hold()
    void hostile.run(theirs).catch(() => undefined)
    await wasm.begun(1)
    hostile.close()
    const job = page.run(mine, 1)
    await pass(2_500)
    wasm.letGo()
    expect(value(await job)).toBe(2)
    expect(wasm.starts).toBe(2)
  })

  test("on a GPU sends the others elsewhere first, and its worker is ended only where some can't go", async () => {
    const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
    const { hostile, page, theirs, mine } = await withBoth([webgpu, wasm])
    const forced = await page.open("https://models.example/one", { device: "webgpu" })
    webgpu.hold()
    const endless = refusal(hostile.run(theirs))
    await webgpu.begun(1)
    const jobs = [page.run(mine, 1), page.run(forced.sessionId, 2)] as const
    await pass(2_500)
    expect(await jobs[0]).toMatchObject({ device: "wasm", fellBackFrom: { id: "webgpu" } })
    // Who comes now is not sent there at all.
    const later = await page.open(t.publish("two", adderModel(2)))
    expect(later).toMatchObject({ device: { id: "wasm" }, fellBackFrom: { id: "webgpu" } })
    expect(later.fellBackFrom?.reason).toContain("holds it up")
    // Unless it is to be that one and no other: then it waits.
    const patient = await opening(page, t.publish("three", adderModel(3)), "webgpu")
    expect((await page.run(mine, 1)).device).toBe("wasm")
    expect(webgpu.starts).toBe(1)
    await pass(22_500)
    webgpu.letGo()
    expect([await endless, value(await jobs[1])]).toEqual(["IPFA_JOB_OVERRUN", 3])
    expect(webgpu.starts).toBe(2)
    expect(value(await page.run((await patient.session).sessionId, 1))).toBe(4)
    // And when it is free again, who had moved comes back.
    expect((await page.run(mine, 1)).device).toBe("webgpu")
  })
})

test("who forced a GPU waits with its opening while another holds that up, and whoever shares the opening with it", async () => {
  onClock()
  const [webgpu, wasm] = [adderHost("webgpu"), adderHost("wasm")]
  const { hostile, page, theirs } = await withBoth([webgpu, wasm])
  webgpu.hold()
  const endless = hostile.run(theirs)
  await webgpu.begun(1)
  const [alone, shared] = [t.publish("two", adderModel(2)), t.publish("three", adderModel(3))]
  const goes = await opening(page, alone)
  const stays = await opening(page, shared)
  const forced = await opening(page, shared, "webgpu")
  await pass(2_500)
  expect(await goes.session).toMatchObject({ device: { id: "wasm" } })
  webgpu.letGo()
  await endless
  expect([(await stays.session).device.id, (await forced.session).device.id]).toEqual(["webgpu", "webgpu"])
})

test("an opening that does not end is ended like a run, and is not tried again", async () => {
  onClock()
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const [hostile, page] = [t.connect(HOSTILE), t.connect()]
  const { sessionId } = await page.open(t.publish("one", adderModel(1)))
  wasm.hold("open")
  const opening = refusal(hostile.open(t.publish("bomb", adderModel(5))))
  await wasm.begun(2, "open")
  const job = page.run(sessionId, 1)
  await pass(2_501)
  wasm.letGo()
  expect([await opening, value(await job)]).toEqual(["IPFA_JOB_OVERRUN", 2])
  // The page's own, once more, and no other.
  expect(wasm.opens).toBe(3)
})

test("openings take turns with runs: a flood of models is no way to have a device alone", async () => {
  const wasm = adderHost("wasm")
  const { hostile, page, mine } = await withBoth([wasm])
  wasm.hold("open")
  const models = [6, 7].map((bias) => opening(hostile, t.publish(`m${bias}`, adderModel(bias))))
  await wasm.begun(3, "open")
  const sessions = (await Promise.all(models)).map(({ session }) => session)
  const job = page.run(mine, 1)
  await page.peer.call("status.get", {})
  wasm.letGo()
  await wasm.begun(1)
  // It waited for the one that was being opened, and not for the one behind it.
  expect(wasm.opens).toBe(3)
  await job
  await Promise.all(sessions)
})

test("what an origin's waiting jobs hold in memory is bounded, and what has ended does not count", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm], { limits: { queuedBytes: 4096 } })
  const [page, other] = [t.connect(), t.connect(HOSTILE)]
  const model = t.publish("one", adderModel(1))
  const [mine, theirs] = [await page.open(model), await other.open(model)]
  const run = (client: typeof page, sessionId: string, n: number) =>
    client.peer.call("session.run", {
      sessionId,
      feeds: { x: { ...floats(0), shape: [n], data: new Float32Array(n) } },
    })
  // One alone may be larger: else it could never run.
  await run(page, mine.sessionId, 2000)
  wasm.hold()
  const fits = [run(page, mine.sessionId, 500), run(page, mine.sessionId, 500)]
  expect(await refusal(run(page, mine.sessionId, 100))).toBe("IPFA_QUEUE_FULL")
  const others = run(other, theirs.sessionId, 500)
  wasm.letGo()
  await Promise.all([...fits, others])
  await run(page, mine.sessionId, 100)
})
