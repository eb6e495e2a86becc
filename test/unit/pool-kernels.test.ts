import { afterEach, describe, expect, test, vi } from "vitest"
import { createWgsl } from "../../engine/backends/wgsl/backend.ts"
import { inProcessHost } from "../../engine/in-process-host.ts"
import type { PoolOptions } from "../../engine/pool/options.ts"
import type { Tensor } from "../../protocol/index.ts"
import { softwareAdapter } from "../kernels/software-gpu.ts"
import { adderHost, adderModel } from "../support/adder.ts"
import { digits, digitsModel, distance } from "../support/digits.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"
import { winnersInMemory } from "../support/winners.ts"

vi.setConfig({ testTimeout: 120_000 })

let t: TestPool | undefined
afterEach(() => t?.close())

/** A pool with our own kernels, on SwiftShader, and all pipelines that were compiled there. */
function poolOf(store = winnersInMemory(), more: Partial<PoolOptions> = {}) {
  const compiled: { label: string; constants: Record<string, number> }[] = []
  const adapter = async () => {
    const found = await softwareAdapter()
    const requestDevice = found.requestDevice.bind(found)
    found.requestDevice = async (descriptor) => {
      const device = await requestDevice(descriptor)
      const create = device.createComputePipelineAsync.bind(device)
      device.createComputePipelineAsync = (pipeline) => {
        compiled.push({ label: pipeline.label!, constants: { ...pipeline.compute.constants } })
        return create(pipeline)
      }
      return device
    }
    return found
  }
  t?.close()
  t = testPool([inProcessHost("wgsl", () => createWgsl(adapter, store))], more)
  const client = t.connect()
  const model = t.publish("digits", digitsModel)
  const run = async (sessionId: string) => {
    const { image, logits } = digits.samples[0]!
    const feeds = { image: { dtype: "float32" as const, shape: [1, 1, 8, 8], data: Float32Array.from(image) } }
    const { outputs } = await client.peer.call("session.run", { sessionId, feeds })
    expect(distance((outputs.logits as Tensor<"float32">).data, logits)).toBeLessThan(digits.tolerance)
  }
  return { compiled, store, peer: client.peer, model, open: () => client.open(model, { device: "wgsl" }), run }
}

describe("kernels that are tuned for a model", () => {
  test("are told with their shapes and times, and kept for the adapter; a session then computes as is kept", async () => {
    const { store, peer, model } = poolOf()
    const progress: string[] = []
    const onEvent = ({ device, done, of }: { device: string; done: number; of: number }) =>
      void progress.push(`${device} ${done}/${of}`)
    const { rows, absent } = await peer.call("kernels.tune", { model, budgetMs: 1 }, { onEvent })
    expect([rows.length, rows[0]!.device.id, absent]).toEqual([1, "wgsl", []])
    const { kernels } = rows[0]!
    const works = kernels.map(({ work }) => work)
    expect(works).toEqual(expect.arrayContaining([expect.stringMatching(/^conv2d 1×1×8×8 .*→ 1×16×8×8/)]))
    for (const { ms, planMs } of kernels) expect(ms).toBeLessThanOrEqual(planMs)
    expect(progress[0]).toMatch(/^wgsl 0\/\d+$/)
    const [[adapter, kept]] = [...store.all] as [[string, Map<string, unknown>]]
    expect([...kept.keys()].map((key) => key.slice(0, key.lastIndexOf(" ")))).toEqual(works)

    // Another choice than the kernel's own, as it might have been measured.
    const [key] = [...kept.keys()].filter((key) => key.startsWith("matmul"))
    const other = { algorithm: "naive", tuning: { WG: 32 } }
    await store.keep(adapter, key!, { ...other, ms: 1, planMs: 2 })
    const isOther = ({ label, constants }: (typeof later.compiled)[number]) =>
      label === "matmul:naive" && constants.WG === 32
    const without = poolOf()
    await without.run((await without.open()).sessionId)
    expect(without.compiled.some(isOther)).toBe(false)
    const later = poolOf(store)
    await later.run((await later.open()).sessionId)
    expect(later.compiled.some(isOther)).toBe(true)
  })

  test("what was found until it was cancelled is kept, and the device computes on", async () => {
    const store = winnersInMemory()
    const { peer, model, open, run } = poolOf(store)
    const { sessionId } = await open()
    const cancel = new AbortController()
    const onEvent = ({ done }: { done: number }) => void (done === 1 && cancel.abort())
    const tuning = peer.call("kernels.tune", { model, budgetMs: 1 }, { signal: cancel.signal, onEvent })
    expect(await refusal(tuning)).toBe("IPFA_JOB_CANCELLED")
    await run(sessionId)
    expect([...store.all.values()].map(({ size }) => size)).toEqual([1])
  })
})

test("a model that our kernels can't run, and an agent that is none of this, are refused", async () => {
  const { peer } = poolOf()
  const model = t!.publish("broken", adderModel(1, 0, ["n"]).slice(0, -1))
  expect(await refusal(peer.call("kernels.tune", { model }))).toBe("IPFA_MODEL_INVALID")
  expect(await refusal(peer.call("kernels.tune", { agent: "firefox" }))).toBe("IPFA_AGENT_UNKNOWN")
})

test("without a device of our own kernels there is nothing to tune", async () => {
  t = testPool([adderHost("wasm")])
  expect(await refusal(t.connect().peer.call("kernels.tune", {}))).toBe("IPFA_DEVICE_NONE")
})

describe("in idle time", () => {
  test("kernels are tuned for models that ran on them, not while a caller wants anything, and once", async () => {
    const store = winnersInMemory()
    const { keep } = store
    let kept = Promise.withResolvers<void>()
    store.keep = async (...what) => {
      await keep(...what)
      kept.resolve()
    }
    const size = () => [...store.all.values()].reduce((sum, winners) => sum + winners.size, 0)
    let may = false
    const limits = { tuneIdleMs: 20 }
    const { open, run } = poolOf(store, { mayTune: () => may, limits })
    const { sessionId } = await open()
    await run(sessionId)
    may = true
    for (let i = 1; i <= 2; i++) {
      await run(sessionId)
      await kept.promise
      kept = Promise.withResolvers()
      // It goes before whatever is left to measure, which is less than all.
      await run(sessionId)
      expect(size()).toBe(i)
    }
  })
})
