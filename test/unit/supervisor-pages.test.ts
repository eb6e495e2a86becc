import { afterEach, expect, test } from "vitest"
import { Gate } from "../../extension/gate/gate.ts"
import { memoryGrants } from "../../extension/gate/grant-store.ts"
import { Prompts } from "../../extension/gate/prompts.ts"
import { Pages } from "../../extension/supervisor/pages.ts"
import { memoryPorts, Peer } from "../../protocol/index.ts"
import { adderHost, adderModel, floats } from "../support/adder.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

test("S16: a page that has gone leaves no work behind, though its port never told", async () => {
  const wasm = adderHost("wasm")
  t = testPool([wasm])
  const { pool } = t
  const prompts: Prompts = new Prompts({ show: async (id) => prompts.answer(id, "once"), close: () => undefined })
  const gate = await Gate.open({ store: memoryGrants(), prompts, browserSession: "s", uploaded: async () => false })
  const [here, there] = memoryPorts()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const page = new Peer(here, { role: "page" })
  new Pages(gate, pool, () => undefined).accept(there, { origin: "https://gone.example", isPrivate: false, ended })
  await page.call("grant.request", { capabilities: ["infer"] })
  const { sessionId } = await page.call("session.open", { model: t.publish("one", adderModel(1)) })
  wasm.hold()
  const runs = [1, 2, 3].map((x) => refusal(page.call("session.run", { sessionId, feeds: { x: floats(x) } })))
  await wasm.begun(1)
  end()
  expect(await Promise.all(runs)).toEqual(Array(3).fill("IPFA_PROTOCOL_CLOSED"))
  wasm.letGo()
  await expect.poll(() => pool.status({ origin: "owner" }).jobs).toMatchObject({ running: 0, waiting: 0 })
  expect(gate.list()).toEqual([])
  expect(pool.status({ origin: "owner" }).sessions).toEqual([])
})
