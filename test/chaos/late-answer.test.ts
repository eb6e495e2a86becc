import { afterEach, beforeEach, expect, test } from "vitest"
import type { Peer } from "../../protocol/index.ts"
import { type AdderHost, adderHost, adderModel, floats } from "../support/adder.ts"
import { joinAgent, type TestBridge, testBridge } from "../support/bridge.ts"
import { type TestPool, testPool, value } from "../support/pool.ts"

/** A device that takes far longer than it did, and says nothing of it: its agent lives, the run does not end. */

let t: TestBridge
let peer: Peer
let first: AdderHost
let model: string
const pools: TestPool[] = []
beforeEach(async () => {
  t = await testBridge({ native: false })
  peer = await t.client()
  first = await agent("first")
  const bytes = adderModel(5)
  const part = { uploadId: crypto.randomUUID(), offset: 0, total: bytes.byteLength, bytes }
  model = (await peer.call("model.put", part)).reference as string
})
afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close()
  await t.close()
})

async function agent(name: string): Promise<AdderHost> {
  const host = adderHost("wasm")
  const pool = testPool([host], { agent: name })
  pools.push(pool)
  await joinAgent(t.bridge, pool.pool, name)
  return host
}

const run = (sessionId: string, more: { keep?: string[] } = {}) =>
  peer.call("session.run", { sessionId, feeds: { x: floats(1) }, ...more })

/** Sessions on the first agent, with as many runs as make its usual time known; then another agent comes. */
async function known(count: number): Promise<{ sessions: string[]; second: AdderHost }> {
  const sessions: string[] = []
  for (let i = 0; i < count; i++) sessions.push((await peer.call("session.open", { model })).sessionId)
  for (let i = 0; i < 20; i++) await run(sessions[0]!)
  return { sessions, second: await agent("second") }
}

test("where an answer is far later than usual another device is asked as well, and the session goes on there", async () => {
  const { sessions, second } = await known(1)
  first.hold()
  const result = await run(sessions[0]!)
  expect([value(result), result.agent, result.reruns]).toEqual([6, "second", 1])
  expect(result.fellBackFrom).toMatchObject({ agent: "first", reason: expect.stringMatching(/^it had not answered/) })
  expect(await run(sessions[0]!)).toMatchObject({ agent: "second", reruns: 0 })
  expect([first.runs, second.runs]).toEqual([21, 2])
  expect(String((await t.http("GET", "/metrics")).bytes)).toMatch(/^ipfa_reruns 1$/m)
  first.letGo()
})

test("one that is only late answers all the same, and nothing is lost or moved for it", async () => {
  const { sessions, second } = await known(1)
  first.hold()
  second.hold()
  const answer = run(sessions[0]!)
  await second.begun(1)
  first.letGo()
  const result = await answer
  expect([value(result), result.agent, result.reruns]).toEqual([6, "first", 0])
  expect(result.fellBackFrom).toBeUndefined()
  expect(await run(sessions[0]!)).toMatchObject({ agent: "first", reruns: 0 })
  second.letGo()
})

test("a session with tensors kept on its device waits for that device", async () => {
  const { sessions, second } = await known(2)
  const [keeping, other] = sessions as [string, string]
  await run(keeping, { keep: ["y"] })
  first.hold()
  const waits = run(keeping)
  // It is asked later, and overtaken: by then the one that waits would have been.
  expect(await run(other)).toMatchObject({ agent: "second", reruns: 1 })
  expect(second.runs).toBe(1)
  first.letGo()
  expect(await waits).toMatchObject({ agent: "first", reruns: 0 })
})
