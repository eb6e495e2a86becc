import { afterEach, expect, test } from "vitest"
import { AgentSessions } from "../../bridge-server/fleet/agent-sessions.ts"
import { Aliases } from "../../bridge-server/fleet/aliases.ts"
import { Averages } from "../../bridge-server/fleet/averages.ts"
import { Fleet } from "../../bridge-server/fleet/fleet.ts"
import { type BridgeModel, FleetModels } from "../../bridge-server/fleet/models.ts"
import { Placement } from "../../bridge-server/fleet/placement.ts"
import { Slots } from "../../bridge-server/fleet/slots.ts"
import type { ModelSource } from "../../engine/model-source.ts"
import { memoryPorts, Peer } from "../../protocol/index.ts"
import { adderDevice } from "../support/adder.ts"

const fleet = new Fleet()
afterEach(() => fleet.close())

/** An agent with one device, `wasm`. */
function join(agent: string) {
  const [here] = memoryPorts()
  const peer = new Peer(here, { role: "bridge" })
  const hardware = { devices: [adderDevice("wasm")], absent: [] }
  return fleet.join({ agent, browser: "chromium", version: "0", incarnation: 1, hardware, native: false, peer })
}

test("an agent that failed and comes back begins anew, also where its last failures were told after it had left, or its devices before", async () => {
  const averages = new Averages()
  const sessions = new AgentSessions(new FleetModels({} as ModelSource, new Aliases({})), averages)
  const placement = new Placement(fleet, sessions, averages, new Slots())
  const model = { key: "k", sha256: "s", bytes: 1 } as BridgeModel
  const failing = () => placement.choose(model, {}).rejected.map(({ id, kind }) => [id, kind])
  for (const agent of ["a", "b", "c"]) join(agent)
  const before = join("failing")
  const fail5 = () => {
    for (let i = 0; i < 5; i++) placement.outcome(before.device("wasm"), false)
  }
  fail5()
  expect(failing()).toEqual([["failing/wasm", "cooling"]])
  fleet.beat(before, { running: 0, waiting: 0, hardware: { devices: [], absent: [] } })
  fleet.drop(before, "test")
  fail5()
  join("failing")
  expect(failing()).toEqual([])
})
