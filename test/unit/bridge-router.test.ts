import { afterEach, expect, test } from "vitest"
import { AgentSessions } from "../../bridge-server/fleet/agent-sessions.ts"
import { Aliases } from "../../bridge-server/fleet/aliases.ts"
import { Averages } from "../../bridge-server/fleet/averages.ts"
import type { BridgeCaller } from "../../bridge-server/fleet/caller.ts"
import { Fleet } from "../../bridge-server/fleet/fleet.ts"
import { FleetModels } from "../../bridge-server/fleet/models.ts"
import { Placement } from "../../bridge-server/fleet/placement.ts"
import { Router } from "../../bridge-server/fleet/router.ts"
import { RunStats } from "../../bridge-server/fleet/run-stats.ts"
import { Runs } from "../../bridge-server/fleet/runs.ts"
import { Slots } from "../../bridge-server/fleet/slots.ts"
import { memoryPorts, Peer } from "../../protocol/index.ts"
import { type AdderHost, adderHost, adderModel, floats } from "../support/adder.ts"
import { memoryLibrary, testPool, type Web } from "../support/pool.ts"

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A bridge with one agent, whose pool has one device, all in memory. */
async function bridge(wasm: AdderHost) {
  const web: Web = new Map()
  const agent = testPool([wasm])
  const [here, there] = memoryPorts()
  const caller = { origin: "bridge:test" }
  const served = new Peer(there, { role: "agent", handlers: agent.pool.serve(caller).handlers, caller })
  const fleet = new Fleet()
  const peer = new Peer(here, { role: "bridge" })
  const hardware = await agent.pool.hardware()
  fleet.join({ agent: "a", browser: "chromium", version: "0", incarnation: 1, hardware, native: false, peer })
  const models = new FleetModels(memoryLibrary(web), new Aliases({}))
  const [averages, slots, stats] = [new Averages(), new Slots(), new RunStats()]
  const sessions = new AgentSessions(models, averages)
  const placement = new Placement(fleet, sessions, averages, slots)
  const runs = new Runs({ slots, placement, sessions, averages })
  const router = new Router({ fleet, models, placement, sessions, slots, runs, stats, evidence: undefined })
  ends.push(() => {
    router.close()
    sessions.close()
    fleet.close()
    served.close()
    agent.close()
  })
  return {
    slots,
    publish(bias: number) {
      const url = `https://models.example/${bias}`
      web.set(url, adderModel(bias))
      return url
    },
    connect(who: Pick<BridgeCaller, "origin" | "role">): Peer {
      const [mine, theirs] = memoryPorts()
      const { handlers, end } = router.connection()
      const caller: BridgeCaller = { ...who, address: "127.0.0.1" }
      const serving = new Peer<BridgeCaller>(theirs, { role: "bridge", handlers, caller })
      void serving.closed.then(end)
      const client = new Peer(mine, { role: "page" })
      ends.push(() => client.close())
      return client
    },
  }
}

const code = (error: { code: string }) => error.code

test("a connection has 1,024 sessions, however many of them are asked for at once", async () => {
  const wasm = adderHost("wasm")
  const { connect, publish } = await bridge(wasm)
  const [client, other] = [connect(owner), connect(owner)]
  const model = publish(1)
  await client.call("session.open", { model })
  const next = publish(2)
  wasm.hold("open")
  const asked = Array.from({ length: 1024 }, () =>
    client.call("session.open", { model: next }).then(() => "open", code),
  )
  await wasm.begun(2, "open")
  wasm.letGo()
  const outcomes = await Promise.all(asked)
  expect(outcomes.filter((outcome) => outcome !== "open")).toEqual(["IPFA_QUEUE_FULL"])
  await other.call("session.open", { model })
})

const owner = { origin: "owner", role: "owner" } as const
const browser = { origin: "agent:b", role: "agent" } as const

test.each([
  [
    "each connection with the owner's token has its share of a device: one run does not wait for another's pile",
    owner,
    4,
  ],
  ["an agent has one share, however often it connects: the run waits for its turn in the pile", browser, 24],
])("%s", async (_, who, at) => {
  const wasm = adderHost("wasm")
  const { connect, publish, slots } = await bridge(wasm)
  const [greedy, modest] = [connect(who), connect(who)]
  const [theirs, mine] = [
    await greedy.call("session.open", { model: publish(1) }),
    await modest.call("session.open", { model: publish(2) }),
  ]
  wasm.hold()
  const run = (peer: Peer, sessionId: string) => peer.call("session.run", { sessionId, feeds: { x: floats(0) } })
  const all = Array.from({ length: 24 }, () => run(greedy, theirs.sessionId))
  await expect.poll(() => slots.waiting).toBe(22)
  all.push(run(modest, mine.sessionId))
  await expect.poll(() => slots.waiting).toBe(23)
  wasm.letGo()
  await Promise.all(all)
  const place = wasm.order.indexOf(2)
  if (who === owner) expect(place).toBeLessThanOrEqual(at)
  else expect(place).toBe(at)
})
