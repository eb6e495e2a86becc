import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { nodeBackends } from "../../engine/backends/node.ts"
import type { HostConnection } from "../../engine/host-factory.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { type DeviceInfo, Peer } from "../../protocol/index.ts"
import { cases } from "./cases.ts"
import { drive } from "./drive.ts"
import { expectRight } from "./judge.ts"
import { reference } from "./reference.ts"

const definition = nodeBackends.find((b) => b.name === "native-cpu")!

describe("native-cpu", () => {
  let host: HostConnection
  let peer: Peer<unknown>
  let device: DeviceInfo

  beforeAll(async () => {
    host = inProcessHost("native-cpu", () => definition.create({})).start()
    peer = new Peer<unknown>(host.port, { role: "test" })
    const { devices } = await peer.call("device.probe", {})
    device = devices[0]!
  })
  afterAll(() => host.terminate())

  test("computes the known case right", () => {
    expect(device.probe?.ok).toBe(true)
    expect(device.probe?.maxError).toBeLessThan(1e-5)
    expect(device.threads).toBeGreaterThan(0)
  })

  for (const conformance of cases)
    test.skipIf(conformance.skip)(`${conformance.name}: the known answer and onnxruntime-node's numbers`, async () => {
      const plan = conformance.plan()
      const driven = await drive(peer, "native-cpu", conformance.model, plan)
      expectRight(conformance, driven, await reference(conformance))
      if (plan.kind !== "runs") expect(driven.keptBytes.during).toBeGreaterThan(0)
    })
})

describe("providers this machine may lack", () => {
  for (const { name, create } of nodeBackends.filter((b) => b !== definition))
    test(`${name} is there and computes right, or is absent with a reason`, async () => {
      const backend = await create({})
      const { devices, absent } = await backend.probe()
      for (const device of devices) expect(device.probe?.ok).toBe(true)
      if (devices.length === 0)
        expect(absent).toEqual([{ id: name, backend: name, reason: expect.stringMatching(/\S/) }])
    })
})
