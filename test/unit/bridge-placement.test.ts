import { beforeEach, expect, test } from "vitest"
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

let fleet: Fleet
beforeEach(() => {
  fleet = new Fleet()
  return () => fleet.close()
})

/** An agent with one device, `wasm`. */
function join(agent: string) {
  const [here] = memoryPorts()
  const peer = new Peer(here, { role: "bridge" })
  const hardware = { devices: [adderDevice("wasm")], absent: [] }
  return fleet.join({ agent, browser: "chromium", version: "0", incarnation: 1, hardware, native: false, peer })
}

function placing() {
  const averages = new Averages()
  const sessions = new AgentSessions(new FleetModels({} as ModelSource, new Aliases({})), averages)
  return new Placement(fleet, sessions, averages, new Slots())
}
const model = { key: "k", sha256: "s", bytes: 1 } as BridgeModel

test("an agent that failed and comes back begins anew, also where its last failures were told after it had left, or its devices before", async () => {
  const placement = placing()
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

test("where no device of the fleet can serve, each is named with what it said, the first four in words", () => {
  const placement = placing()
  const devices = ["a", "b", "c", "d", "e", "f"].map((agent) => join(agent).device("wasm"))
  const none = placement.none(placement.choose(model, {}, devices), {}, new Map([["b/wasm", "no kernel for Add"]]))
  const reason = (agent: string) => (agent === "b" ? "no kernel for Add" : "it failed this job already")
  expect([none.code, none.data.devices]).toEqual([
    "IPFA_DEVICE_NONE",
    devices.map(({ name, member }) => ({ device: name, reason: reason(member.agent) })),
  ])
  expect(none.message).toMatch(/\(a\/wasm: .+; b\/wasm: no kernel for Add; c\/wasm: .+; d\/wasm: .+; 2 more\)$/)
})

test("a fleet without an agent says that it has none", () => {
  const placement = placing()
  expect(placement.none(placement.choose(model, {}), {}).message).toContain("No agent is connected.")
})
