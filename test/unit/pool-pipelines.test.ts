import { afterEach, expect, test } from "vitest"
import type { Caller } from "../../engine/caller.ts"
import { adderDevice, adderHost, adderModel } from "../support/adder.ts"
import { memoryLibrary, type TestPool, testPool } from "../support/pool.ts"

const reference = "https://models.example/a"
const bytes = adderModel(1)
const models = memoryLibrary(new Map([[reference, bytes]]))
const needs = ["one", "two"]

let pools: TestPool[] = []
afterEach(() => {
  for (const pool of pools) pool.close()
  pools = []
})

/** What an opening is given of what was told before, after all but the store was started anew; a run then tells that it needs `needs`. */
async function givenAfterRestart(caller: Partial<Caller> = {}, { adapter = "adder", uploads = false } = {}) {
  const host = adderHost("wgsl", adderDevice("wgsl", { adapter }))
  host.needs = needs
  const pool = testPool([host], { models })
  pools.push(pool)
  const client = pool.connect(caller)
  const { sessionId } = await client.open(uploads ? await client.upload(bytes) : reference, { device: "wgsl" })
  await client.run(sessionId)
  return host.given
}

test("what runs of a model needed is given to the next opening of it on such a device, after a restart too", async () => {
  expect(await givenAfterRestart()).toBeUndefined()
  expect(await givenAfterRestart()).toEqual(needs)
  expect(await givenAfterRestart({}, { adapter: "another" })).toBeUndefined()
})

test("what was learned of an upload is its owner's, and of a private window's models nothing is kept", async () => {
  const other = { origin: "https://other.test" }
  expect(await givenAfterRestart(other, { uploads: true })).toBeUndefined()
  expect(await givenAfterRestart(other, { uploads: true })).toEqual(needs)
  expect(await givenAfterRestart({ isPrivate: true })).toBeUndefined()
  expect(await givenAfterRestart({ isPrivate: true })).toBeUndefined()
})

test("a model that is deleted takes along what was learned of it", async () => {
  await givenAfterRestart()
  expect(await givenAfterRestart()).toEqual(needs)
  for (const { sha256 } of (await models.list()).models) await models.delete(sha256)
  expect(await givenAfterRestart()).toBeUndefined()
})
