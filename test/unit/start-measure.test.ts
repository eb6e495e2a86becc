import { expect, test } from "vitest"
import { type DeviceInfo, type ErrorCode, fail, type Peer } from "../../protocol/index.ts"
import { measureDevice } from "../../scripts/start/measure.ts"

const device: DeviceInfo = {
  id: "webgpu",
  backend: "webgpu",
  adapter: "adapter",
  fallbackAdapter: false,
  dtypes: ["float32"],
  state: "ready",
}

test.each<[ErrorCode, object]>([
  ["IPFA_DEVICE_ABSENT", { event: "absent" }],
  ["IPFA_DEVICE_UNSUPPORTED", { event: "absent" }],
  ["IPFA_DEVICE_INCORRECT", { event: "result", ok: false }],
  ["IPFA_DEVICE_LOST", { event: "result", ok: false }],
  ["IPFA_DEVICE_NONE", { event: "result", ok: false }],
  ["IPFA_INTERNAL", { event: "result", ok: false }],
])("a listed device whose benchmark ends with %s is reported as %j", async (code, expected) => {
  const client = { call: () => Promise.reject(fail(code)) } as unknown as Peer
  expect(await measureDevice(client, device)).toMatchObject({ ...expected, reason: expect.stringContaining(code) })
})

test("a listed device without a benchmark is judged by how a session opens there", async () => {
  const call = async (method: string) => {
    if (method === "benchmark.run") return { rows: [], absent: [{ id: "webgpu", backend: "webgpu", reason: "none" }] }
    throw fail("IPFA_DEVICE_MEMORY")
  }
  expect(await measureDevice({ call } as unknown as Peer, device)).toMatchObject({ event: "result", ok: false })
})
