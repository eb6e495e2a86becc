import { afterEach, beforeEach, expect, test } from "vitest"
import type { AdderHost } from "../support/adder.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { joinAgent, type TestBridge, testBridge } from "../support/bridge.ts"
import { refusal, type TestPool, testPool, value } from "../support/pool.ts"

/** A job that was ended at an agent because others there had waited too long failed, though another agent was free. */

let t: TestBridge
const pools: TestPool[] = []
beforeEach(async () => {
  t = await testBridge({ native: false })
})
afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close()
  await t.close()
})

/** An agent where a page has a model open. `busy`: its device hangs from now on, and the page waits for it. */
async function agent(name: string, turnMs: number) {
  const host = adderHost("wasm")
  const pool = testPool([host], { agent: name, limits: { turnMs } })
  pools.push(pool)
  const page = pool.connect()
  const { sessionId } = await page.open(pool.publish("one", adderModel(1)))
  await joinAgent(t.bridge, pool.pool, name)
  return { host, wait: () => page.run(sessionId) }
}

async function upload(bytes: Uint8Array): Promise<string> {
  const peer = await t.client()
  const part = { uploadId: crypto.randomUUID(), offset: 0, total: bytes.byteLength, bytes }
  return (await peer.call("model.put", part)).reference as string
}

const runsOf = (host: AdderHost, bias: number) => host.order.filter((one) => one === bias).length

test("a job that overran at one agent is run at another, once", async () => {
  const strict = await agent("strict", 50)
  const model = await upload(adderModel(5))
  const peer = await t.client()
  const { sessionId } = await peer.call("session.open", { model })
  const patient = await agent("patient", 60_000)
  strict.host.hold()
  const answer = peer.call("session.run", { sessionId, feeds: { x: floats(1) } })
  await strict.host.begun(1)
  const waiting = strict.wait()
  const result = await answer
  strict.host.letGo()
  expect([value(result), result.agent, result.reruns]).toEqual([6, "patient", 1])
  expect(value(await waiting)).toBe(2)
  expect([runsOf(strict.host, 5), runsOf(patient.host, 5)]).toEqual([1, 1])
})

test("one that overruns there too is not tried a third time, and says so", async () => {
  const first = await agent("first", 50)
  const model = await upload(adderModel(5))
  const peer = await t.client()
  const { sessionId } = await peer.call("session.open", { model })
  const others = [await agent("second", 50), await agent("third", 50)]
  const all = [first, ...others]
  for (const { host } of all) host.hold()
  const refused = refusal(peer.call("session.run", { sessionId, feeds: { x: floats(1) } }))
  const waiting = all.map(async ({ host, wait }) => {
    await host.begun(1)
    return wait()
  })
  expect(await refused).toBe("IPFA_JOB_OVERRUN")
  expect(all.map(({ host }) => runsOf(host, 5)).sort()).toEqual([0, 1, 1])
  for (const { host } of all) host.letGo()
  void Promise.allSettled(waiting)
})
