import { afterEach, describe, expect, test } from "vitest"
import { createWgsl } from "../../engine/backends/wgsl/backend.ts"
import { WgslSession } from "../../engine/backends/wgsl/session.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { type DeviceLimits, KernelRuntime } from "../../kernels/index.ts"
import type { Tensor } from "../../protocol/index.ts"
import { softwareAdapter, softwareDevice } from "../kernels/software-gpu.ts"
import { digits, digitsModel, distance } from "../support/digits.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"
import { winnersInMemory } from "../support/winners.ts"
import { ones } from "./tiny-models.ts"

const images = digits.samples.map(({ image }) => image)
const expected = digits.samples.flatMap(({ logits }) => logits)
const feeds = (): Record<string, Tensor> => ({
  image: { dtype: "float32", shape: [images.length, 1, 8, 8], data: Float32Array.from(images.flat()) },
})
const isRight = (outputs: Record<string, unknown>) =>
  distance((outputs.logits as Tensor<"float32">).data, expected) < digits.tolerance

let t: TestPool | undefined
afterEach(() => t?.close())

/** A pool with our own kernels alone; each start of its host makes a device, of which `made` is told. */
function poolOf(made: (device: GPUDevice) => void = () => undefined) {
  const devices: GPUDevice[] = []
  const adapter = async () => {
    const found = await softwareAdapter()
    const requestDevice = found.requestDevice.bind(found)
    found.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor)
      devices.push(device)
      made(device)
      return device
    }
    return found
  }
  t = testPool([inProcessHost("wgsl", () => createWgsl(adapter, winnersInMemory()))])
  const { peer } = t.connect()
  const model = t.publish("digits", digitsModel)
  return { devices, peer, open: () => peer.call("session.open", { model, device: "wgsl" }) }
}

/** Loses `device` with the next work that it is given; with the next run of `feeds()` where `underJob`. */
function loseInMidRun(device: GPUDevice, underJob: boolean): void {
  const { queue } = device
  let isDue = !underJob
  const { submit, writeBuffer: write } = queue as unknown as Record<string, (...all: unknown[]) => undefined>
  queue.writeBuffer = (...all: unknown[]) => {
    isDue ||= (all[2] as ArrayBufferView).byteLength === images.length * 64 * 4
    return write!.apply(queue, all)
  }
  queue.submit = (buffers) => {
    submit!.call(queue, buffers)
    if (isDue) device.destroy()
    return undefined
  }
}

describe("a device that is lost", () => {
  test("in mid-run is what the run fails with, and the next one", async () => {
    const device = await softwareDevice()
    const session = await WgslSession.open(new KernelRuntime(device), digitsModel)
    const run = session.run(feeds(), {})
    loseInMidRun(device, true)
    await expect(run).rejects.toMatchObject({ code: "IPFA_DEVICE_LOST" })
    await expect(session.run(feeds(), {})).rejects.toMatchObject({ code: "IPFA_DEVICE_LOST" })
  })

  test("in mid-run is replaced, and the run is run again, once, and right", async () => {
    const { devices, peer, open } = poolOf()
    const { sessionId } = await open()
    expect((await peer.call("session.run", { sessionId, feeds: feeds() })).reruns).toBe(0)
    loseInMidRun(devices[0]!, true)
    const { outputs, reruns, device } = await peer.call("session.run", { sessionId, feeds: feeds() })
    expect([isRight(outputs), reruns, device, devices.length]).toEqual([true, 1, "wgsl", 2])
  })

  test("while a model is opened on it is replaced, and the model is opened on the next", async () => {
    const { devices, peer, open } = poolOf()
    await peer.call("hardware.report", {})
    loseInMidRun(devices[0]!, false)
    const { sessionId } = await open()
    const { outputs } = await peer.call("session.run", { sessionId, feeds: feeds() })
    expect([isRight(outputs), devices.length]).toEqual([true, 2])
  })

  test("twice under one job fails that job with a code, and is left alone until the time that is published", async () => {
    const { devices, peer, open } = poolOf((device) => loseInMidRun(device, true))
    const { sessionId } = await open()
    expect(await refusal(peer.call("session.run", { sessionId, feeds: feeds() }))).toMatch(/^IPFA_(JOB|DEVICE)_LOST$/)
    const report = await peer.call("hardware.report", {})
    expect(report.devices).toMatchObject([{ id: "wgsl", state: "cooling", unavailableUntil: expect.any(Number) }])
    expect(devices).toHaveLength(2)
  })
})

describe("a device with little", () => {
  const open = async (tighter: Partial<DeviceLimits>, bytes = digitsModel) => {
    const device = await softwareDevice()
    const limits = new Proxy(device.limits, {
      get: (all, name) => tighter[name as keyof DeviceLimits] ?? all[name as keyof DeviceLimits],
    })
    return WgslSession.open(new KernelRuntime(device, limits), bytes)
  }

  test("runs what fits: small workgroups, little workgroup memory, few workgroups at once", async () => {
    const session = await open({
      maxComputeInvocationsPerWorkgroup: 64,
      maxComputeWorkgroupSizeX: 64,
      maxComputeWorkgroupStorageSize: 4096,
      maxComputeWorkgroupsPerDimension: 16,
    })
    expect(isRight((await session.run(feeds(), {})).outputs)).toBe(true)
    await session.close()
  })

  test("refuses a tensor that no binding holds, with both numbers, and runs smaller ones", async () => {
    const session = await open({ maxStorageBufferBindingSize: 2 ** 16 }, ones())
    const run = (n: number) => session.run({ n: { dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(n)) } }, {})
    await expect(run(2 ** 20)).rejects.toMatchObject({
      code: "IPFA_DEVICE_MEMORY",
      data: { bytes: 2 ** 22, limit: 2 ** 16 },
    })
    expect((await run(1000)).outputs.y).toMatchObject({ data: Float32Array.of(1000) })
    await session.close()
  })

  test("that has no memory left for a run says so, and runs again when there is some", async () => {
    const session = await open({}, ones())
    const run = (n: number) => session.run({ n: { dtype: "int64", shape: [1], data: BigInt64Array.of(BigInt(n)) } }, {})
    // 1 GiB: more than SwiftShader allocates.
    await expect(run(2 ** 28)).rejects.toMatchObject({ code: "IPFA_DEVICE_MEMORY" })
    expect((await run(1000)).outputs.y).toMatchObject({ data: Float32Array.of(1000) })
    await session.close()
  })
})
