import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { nodeBackends } from "../../engine/backends/node.ts"
import type { HostConnection } from "../../engine/host-factory.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { type DeviceInfo, dtypes, Peer } from "../../protocol/index.ts"
import { cases } from "./cases.ts"
import { drive } from "./drive.ts"
import { edgeTensor } from "./dtype-cases.ts"
import { expectRight } from "./judge.ts"
import { reference } from "./reference.ts"
import { fourBit, identity } from "./tiny-models.ts"

// Models run in fractions of a second, or in some on SwiftShader; the machine may be busy with other tests.
vi.setConfig({ testTimeout: 120_000 })

const definition = nodeBackends.find((b) => b.name === "native-cpu")!

describe("native-cpu", () => {
  let host: HostConnection
  let peer: Peer<unknown>
  let device: DeviceInfo

  beforeAll(async () => {
    host = inProcessHost("native-cpu", () => definition.create({ threads: 2 })).start()
    peer = new Peer<unknown>(host.port, { role: "test" })
    const { devices } = await peer.call("device.probe", {})
    device = devices[0]!
  })
  afterAll(() => host.terminate())

  test("computes the known case right", () => {
    expect(device.probe?.ok).toBe(true)
    expect(device.probe?.maxError).toBeLessThan(1e-5)
    expect(device).toMatchObject({ threads: 2, adapter: expect.stringMatching(/, 2 threads$/) })
  })

  for (const conformance of cases)
    test(`${conformance.name}: the known answer and onnxruntime-node's numbers`, async ({ skip }) => {
      skip(conformance.skip !== undefined, conformance.skip)
      const plan = conformance.plan()
      const driven = await drive(peer, "native-cpu", conformance.model, plan)
      expectRight(conformance, driven, await reference(conformance))
      if (plan.kind !== "runs") expect(driven.keptBytes.during).toBeGreaterThan(0)
    })
})

describe("dtypes on native-cpu", () => {
  const host = inProcessHost("native-cpu", () => definition.create({})).start()
  const peer = new Peer<unknown>(host.port, { role: "test" })
  const passes = dtypes.filter((dtype) => !["bfloat16", "int4", "uint4"].includes(dtype))
  afterAll(() => host.terminate())

  test.for(passes)("%s comes back bit for bit, an empty tensor too", async (dtype) => {
    const feeds = [false, true].map((empty) => ({ x: edgeTensor(dtype, empty) }))
    const { outputs } = await drive(peer, "native-cpu", identity(dtype), { kind: "runs", runs: feeds })
    expect(outputs.map((o) => o.y)).toEqual(feeds.map((f) => f.x))
  })

  test("what the runtime can't pass is refused when the model is opened", async () => {
    const open = (model: Uint8Array<ArrayBuffer>) => peer.call("device.open", { device: "native-cpu", model })
    const unsupported = { code: "IPFA_DEVICE_UNSUPPORTED" }
    await expect(open(identity("bfloat16"))).rejects.toMatchObject(unsupported)
    await expect(open(fourBit("int4", false))).rejects.toMatchObject({ ...unsupported, data: { part: "input x" } })
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
