import { afterEach, expect, test } from "vitest"
import { fail } from "../../protocol/index.ts"
import { createHardwareAbstraction } from "../../sdk/hardware.ts"
import type { IpfsAccelerate } from "../../sdk/types.ts"
import { type AdderHost, adderHost, adderModel, floats } from "../support/adder.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"
import { sdkOn } from "../support/sdk.ts"

let t: TestPool
let sdk: ReturnType<typeof sdkOn>
afterEach(() => {
  sdk.close()
  t.close()
})

function start(hosts: AdderHost[], preferredBackends: string[] = []) {
  t = testPool(hosts)
  sdk = sdkOn(t)
  const url = t.publish("adder", adderModel(1))
  return { url, make: () => createHardwareAbstraction({ accelerator: sdk.api as IpfsAccelerate, preferredBackends }) }
}

test("the first preferred backend that can load the model is chosen, and the others' reasons are told", async () => {
  const [webnn, webgpu, wasm] = [adderHost("webnn"), adderHost("webgpu"), adderHost("wasm")]
  webnn.devices = []
  webgpu.refuse = fail("IPFA_DEVICE_UNSUPPORTED", { message: "no such operator" })
  const { url, make } = start([webnn, webgpu, wasm], ["npu", "webnn", "webgpu", "wasm"])
  const best = await (await make()).getOptimalBackendForModel(url)
  expect(best).toMatchObject({ backend: "wasm", measured: false, device: { id: "wasm" } })
  expect(best.others).toEqual([
    { device: "npu", reason: "there is no such backend here" },
    { device: "webnn", reason: "no adapter" },
    { device: "webgpu", reason: "no such operator" },
  ])
  // It stays loaded there, but nobody holds it.
  expect(wasm.loaded.size).toBe(1)
  expect((await sdk.api.status()).sessions.filter((s) => s.leases > 0)).toEqual([])
})

test("without a preference the scheduler chooses", async () => {
  const { url, make } = start([adderHost("wasm"), adderHost("webgpu")])
  const best = await (await make()).getOptimalBackendForModel(url)
  const session = await sdk.api.load(url)
  expect(best.backend).toBe(session.device.backend)
  expect(best.reason).toMatch(/scheduler/)
  expect(best.others).toHaveLength(1)
})

test("a software stand-in for a GPU is not preferred to what is faster", async () => {
  const { url, make } = start([adderHost("webgpu", { fallbackAdapter: true }), adderHost("wasm")], ["webgpu", "wasm"])
  const best = await (await make()).getOptimalBackendForModel(url)
  expect(best.backend).toBe("wasm")
  expect(best.others).toContainEqual({ device: "webgpu", reason: expect.stringContaining("stand-in") })
})

test("with feeds every candidate is measured, and the fastest is chosen", async () => {
  const { url, make } = start([adderHost("wasm"), adderHost("webgpu")])
  const best = await (await make()).getOptimalBackendForModel(url, { feeds: { x: floats(1) }, samples: 5 })
  expect(best).toMatchObject({ measured: true, backend: best.device.backend })
  expect(best.p50Ms).toBeGreaterThan(0)
  expect(best.reason).toMatch(/median of 5/)
  expect(best.others).toHaveLength(1)
})

test("where nothing can serve, that is an error with each reason", async () => {
  const none = adderHost("webgpu")
  none.devices = []
  const { url, make } = start([none], ["webgpu"])
  const hardware = await make()
  expect(await refusal(hardware.getOptimalBackendForModel(url))).toBe("IPFA_DEVICE_NONE")
})

test("a model that is not there is that error, whatever is preferred", async () => {
  const { url, make } = start([adderHost("wasm")], ["wasm"])
  const hardware = await make()
  expect(await refusal(hardware.getOptimalBackendForModel(`${url}-absent`))).toBe("IPFA_MODEL_NOT_FOUND")
})
