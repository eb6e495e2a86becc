import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { createWgsl } from "../../engine/backends/wgsl/backend.ts"
import type { HostConnection } from "../../engine/host-factory.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { type DeviceInfo, Peer } from "../../protocol/index.ts"
import { softwareAdapter } from "../kernels/software-gpu.ts"
import { cases, refusalOf } from "./cases.ts"
import { drive } from "./drive.ts"
import { expectRight } from "./judge.ts"
import { reference } from "./reference.ts"

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 })

describe("wgsl, in Node", () => {
  let host: HostConnection
  let peer: Peer<unknown>
  let device: DeviceInfo

  beforeAll(async () => {
    host = inProcessHost("wgsl", () => createWgsl(softwareAdapter)).start()
    peer = new Peer<unknown>(host.port, { role: "test" })
    const { devices } = await peer.call("device.probe", {})
    device = devices[0]!
  })
  afterAll(() => host?.terminate())

  test("computes the known case right", () => {
    expect(device).toMatchObject({ id: "wgsl", fallbackAdapter: true, probe: { ok: true } })
    expect(device.probe?.maxError).toBeLessThan(1e-4)
  })

  for (const conformance of cases)
    test(`${conformance.name}: the known answer and onnxruntime-node's numbers, or a refusal that says why`, async ({
      skip,
    }) => {
      skip(conformance.skip !== undefined, conformance.skip)
      const plan = conformance.plan()
      const { model } = conformance
      const driven = drive(peer, "wgsl", typeof model === "string" ? new Uint8Array(readFileSync(model)) : model, plan)
      const refusal = refusalOf(conformance, device)
      if (refusal)
        return expect(driven).rejects.toMatchObject({
          code: "IPFA_DEVICE_UNSUPPORTED",
          message: expect.stringMatching(refusal),
        })
      expectRight(conformance, await driven, await reference(conformance))
      if (plan.kind !== "runs") expect((await driven).keptBytes.during).toBeGreaterThan(0)
    })
})
