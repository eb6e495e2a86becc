import { describe, expect, test } from "vitest"
import type { Backend, BackendSession } from "../../engine/backend.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import { type DeviceInfo, fail, type KeptTensor, Peer, type Tensor } from "../../protocol/index.ts"

const device: DeviceInfo = {
  id: "fake",
  backend: "fake",
  adapter: "in memory",
  fallbackAdapter: false,
  dtypes: ["float32"],
  state: "ready",
}
const x = (data: number[]): Tensor => ({ dtype: "float32", shape: [1, data.length], data: Float32Array.from(data) })
const model = new Uint8Array(1)

/** A whole backend in memory: `y = x`, each run held until the test lets it go. */
function memoryBackend() {
  const log: string[] = []
  const held: (() => void)[] = []
  let next: (() => void) | undefined
  let kept = 0
  const session: BackendSession = {
    inputs: [{ name: "x", dtype: "float32", shape: ["n", 2] }],
    outputs: [{ name: "y", dtype: "float32", shape: ["n", 2] }],
    memoryBytes: 10,
    keptBytes: 0,
    async run(feeds, { keep = [] }) {
      const feed = feeds.x as Tensor<"float32">
      log.push(`run ${feed.data[0]}`)
      await new Promise<void>((go) => {
        held.push(go)
        next?.()
      })
      const y: Tensor | KeptTensor = keep.includes("y") ? { dtype: "float32", shape: [1, 2], kept: `k${++kept}` } : feed
      return { outputs: { y }, runMs: 1 }
    },
    release: (ids) => log.push(`release ${ids}`),
    close: async () => {
      log.push("close")
    },
  }
  const backend: Backend = {
    name: "fake",
    probe: async () => ({ devices: [device], absent: [{ id: "fake#1", backend: "fake", reason: "unplugged" }] }),
    open: async () => session,
    heapBytes: () => 123,
  }
  return {
    backend,
    log,
    /** Lets the oldest run that is held go on, as soon as there is one. */
    async letGo() {
      if (held.length === 0) await new Promise<void>((started) => (next = started))
      next = undefined
      held.shift()?.()
    },
    async started() {
      if (held.length === 0) await new Promise<void>((started) => (next = started))
      next = undefined
    },
  }
}

async function opened() {
  const memory = memoryBackend()
  const host = inProcessHost("fake", () => memory.backend).start()
  const peer = new Peer<unknown>(host.port, { role: "test" })
  const { handle } = await peer.call("device.open", { device: "fake", model })
  return { ...memory, host, peer, handle }
}

describe("a host", () => {
  test("says which devices are there, and which are not and why", async () => {
    const { peer } = await opened()
    expect(await peer.call("device.probe", {})).toEqual({
      devices: [device],
      absent: [{ id: "fake#1", backend: "fake", reason: "unplugged" }],
    })
  })

  test("says IPFA_DEVICE_ABSENT with the reason where a device that can't be had is asked for", async () => {
    const { peer } = await opened()
    const error = { code: "IPFA_DEVICE_ABSENT", data: { device: "fake#1", reason: "unplugged" } }
    await expect(peer.call("device.open", { device: "fake#1", model })).rejects.toMatchObject(error)
  })

  test("whose backend can't start has no device, and says why", async () => {
    const broken = () => Promise.reject(fail("IPFA_INTERNAL", { message: "no such file" }))
    const peer = new Peer<unknown>(inProcessHost("fake", broken).start().port, { role: "test" })
    expect(await peer.call("device.probe", {})).toEqual({
      devices: [],
      absent: [{ id: "fake", backend: "fake", reason: "no such file" }],
    })
    await expect(peer.call("device.open", { device: "fake", model })).rejects.toMatchObject({ message: "no such file" })
  })

  test("runs one at a time, in order", async () => {
    const { peer, handle, log, letGo } = await opened()
    const runs = [1, 2, 3].map((i) => peer.call("device.run", { handle, feeds: { x: x([i, 0]) } }))
    await letGo()
    await runs[0]
    expect(log).toContain("run 1")
    expect(log).not.toContain("run 3")
    await letGo()
    await letGo()
    await Promise.all(runs)
    expect(log).toEqual(["run 1", "run 2", "run 3"])
  })

  test("does not start what was cancelled while it waited", async () => {
    const { peer, handle, log, letGo } = await opened()
    const controller = new AbortController()
    const first = peer.call("device.run", { handle, feeds: { x: x([1, 0]) } })
    const second = peer.call("device.run", { handle, feeds: { x: x([2, 0]) } }, { signal: controller.signal })
    const third = peer.call("device.run", { handle, feeds: { x: x([3, 0]) } })
    controller.abort()
    await expect(second).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    await letGo()
    await letGo()
    await Promise.all([first, third])
    expect(log).toEqual(["run 1", "run 3"])
  })

  test("frees what a run kept that was cancelled under way", async () => {
    const { peer, handle, log, started, letGo } = await opened()
    const controller = new AbortController()
    const { signal } = controller
    const run = peer.call("device.run", { handle, feeds: { x: x([1, 0]) }, keep: ["y"] }, { signal })
    await started()
    controller.abort()
    await expect(run).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    await letGo()
    await peer.call("device.release", { handle, kept: [] })
    expect(log).toEqual(["run 1", "release k1", "release "])
  })

  test("answers every call with IPFA_DEVICE_LOST once its device is lost, and ends", async () => {
    const { peer, handle, backend, started } = await opened()
    const lost = { code: "IPFA_DEVICE_LOST", data: { reason: "unplugged" } }
    const running = peer.call("device.run", { handle, feeds: { x: x([1, 0]) } })
    const waiting = peer.call("device.run", { handle, feeds: { x: x([2, 0]) } })
    await started()
    backend.onLost?.("unplugged")
    const late = peer.call("device.probe", {})
    for (const call of [running, waiting, late]) await expect(call).rejects.toMatchObject(lost)
    expect((await peer.closed)?.code).toBe("IPFA_DEVICE_LOST")
  })

  test("knows no session after it was closed", async () => {
    const { peer, handle, log } = await opened()
    await peer.call("device.close", { handle })
    expect(log).toEqual(["close"])
    const run = peer.call("device.run", { handle, feeds: { x: x([1, 0]) } })
    await expect(run).rejects.toMatchObject({ code: "IPFA_SESSION_UNKNOWN" })
    expect(await peer.call("device.memory", {})).toEqual({ heapBytes: 123, sessions: [] })
  })

  test("says what it holds", async () => {
    const { peer, handle } = await opened()
    const sessions = [{ handle, memoryBytes: 10, keptBytes: 0 }]
    expect(await peer.call("device.memory", {})).toEqual({ heapBytes: 123, sessions })
  })
})

describe("feeds that don't fit are refused before anything runs", () => {
  const wrong: [what: string, feeds: Record<string, Tensor>, path: string][] = [
    ["a name too many", { x: x([1, 2]), z: x([1, 2]) }, "feeds.z"],
    ["a name too few", {}, "feeds.x"],
    ["another dtype", { x: { dtype: "int32", shape: [1, 2], data: Int32Array.of(1, 2) } }, "feeds.x.dtype"],
    ["another rank", { x: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } }, "feeds.x.shape"],
    ["another fixed dimension", { x: x([1, 2, 3]) }, "feeds.x.shape.1"],
  ]
  test.for(wrong)("%s", async ([, feeds, path]) => {
    const { peer, handle, log } = await opened()
    const error = { code: "IPFA_INPUT_SHAPE", data: { path } }
    await expect(peer.call("device.run", { handle, feeds })).rejects.toMatchObject(error)
    expect(log).toEqual([])
  })

  test("an output that there is not", async () => {
    const { peer, handle } = await opened()
    const run = peer.call("device.run", { handle, feeds: { x: x([1, 2]) }, keep: ["z"] })
    await expect(run).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID", data: { path: "keep.0" } })
  })

  test("a run that asks for no output", async () => {
    const { peer, handle } = await opened()
    const run = peer.call("device.run", { handle, feeds: { x: x([1, 2]) }, outputs: [] })
    await expect(run).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID", data: { path: "outputs" } })
  })
})
