import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { createWgsl } from "../../engine/backends/wgsl/backend.ts"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import type { HostConnection } from "../../engine/host-factory.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { KernelRuntime } from "../../kernels/index.ts"
import { type DeviceInfo, Peer, type Tensor } from "../../protocol/index.ts"
import { softwareAdapter, softwareDevice } from "../kernels/software-gpu.ts"
import { digitsModel } from "../support/digits.ts"
import { winnersInMemory } from "../support/winners.ts"
import { refusalOf } from "./case.ts"
import { cases } from "./cases.ts"
import { drive } from "./drive.ts"
import { expectRight } from "./judge.ts"
import { reference } from "./reference.ts"
import { convolution } from "./tiny-models.ts"

vi.setConfig({ testTimeout: 240_000 })

const zeros = (...shape: number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: new Float32Array(shape.reduce((n, dim) => n * dim, 1)),
})

describe("wgsl, in Node", () => {
  let host: HostConnection
  let peer: Peer<unknown>
  let device: DeviceInfo

  beforeAll(async () => {
    host = inProcessHost("wgsl", () => createWgsl(softwareAdapter, winnersInMemory())).start()
    peer = new Peer<unknown>(host.port, { role: "test" })
    const { devices } = await peer.call("device.probe", {})
    device = devices[0]!
  })
  afterAll(() => host?.terminate())

  test("computes the known case right", () => {
    expect(device).toMatchObject({ id: "wgsl", fallbackAdapter: true, probe: { ok: true } })
    expect(device.probe?.maxError).toBeLessThan(1e-4)
  })

  test.for([
    ["of fixed shapes", () => convolution(3), () => ({ x: zeros(1, 3, 5, 5) })],
    ["whose batch is open", () => digitsModel, () => ({ image: zeros(16, 1, 8, 8) })],
  ] as const)(
    "a model %s has its pipelines compiled when it is opened, side by side; a run asks for no other",
    async ([, model, feeds]) => {
      const gpu = await softwareDevice()
      const create = gpu.createComputePipelineAsync.bind(gpu)
      let [underWay, most] = [0, 0]
      gpu.createComputePipelineAsync = (descriptor) => {
        most = Math.max(most, ++underWay)
        return create(descriptor).finally(() => underWay--)
      }
      const runtime = new KernelRuntime(gpu)
      const session = await WgslSession.open(runtime, model())
      const compiled = runtime.pipelines.size
      await session.run(feeds(), {})
      expect(compiled).toBeGreaterThan(0)
      expect(runtime.pipelines.size).toBe(compiled)
      expect(most).toBeGreaterThanOrEqual(Math.min(compiled, 2))
      await session.close()
      gpu.destroy()
    },
  )

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
