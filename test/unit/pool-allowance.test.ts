import { afterEach, describe, expect, test } from "vitest"
import type { Allowance } from "../../engine/pool/options.ts"
import { adderHost, adderModel } from "../support/adder.ts"
import { refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

const everything: Allowance = { budgetBytes: 2 ** 30, gpuShare: 1, paused: false }

describe("while the person has paused it", () => {
  test("what runs and waits ends, nothing is loaded or run, and afterwards the same session goes on", async () => {
    const wasm = adderHost("wasm")
    t = testPool([wasm])
    const page = t.connect()
    const model = t.publish("1", adderModel(1))
    const { sessionId } = await page.open(model)
    wasm.hold()
    const running = refusal(page.run(sessionId))
    await wasm.begun(1)
    const waiting = [refusal(page.run(sessionId)), refusal(page.run(sessionId))]
    t.pool.allow({ ...everything, paused: true })
    for (const job of [running, ...waiting]) expect(await job).toBe("IPFA_JOB_PAUSED")
    expect(await refusal(page.open(model))).toBe("IPFA_JOB_PAUSED")
    expect(await refusal(page.run(sessionId))).toBe("IPFA_JOB_PAUSED")
    wasm.letGo()
    t.pool.allow(everything)
    expect(value(await page.run(sessionId, 2))).toBe(3)
  })

  test("the person's own pages compute all the same", async () => {
    t = testPool([adderHost("wasm")])
    const owner = t.connect({ origin: "owner" })
    t.pool.allow({ ...everything, paused: true })
    const { sessionId } = await owner.open(t.publish("1", adderModel(1)))
    expect(value(await owner.run(sessionId, 2))).toBe(3)
  })
})

describe("with less memory than before", () => {
  test("what is idle is unloaded at once, and what works stays", async () => {
    const wasm = adderHost("wasm")
    wasm.memoryBytes = 1000
    t = testPool([wasm], { budgetBytes: 5000 })
    const page = t.connect()
    const [a] = [await page.open(t.publish("1", adderModel(1))), await page.open(t.publish("2", adderModel(2)))]
    wasm.hold()
    const running = page.run(a.sessionId)
    await wasm.begun(1)
    expect(wasm.loaded.size).toBe(2)
    t.pool.allow({ ...everything, budgetBytes: 500 })
    wasm.letGo()
    expect(value(await running)).toBe(2)
    await expect.poll(() => wasm.loaded.size).toBe(1)
    expect(await refusal(page.open(t.publish("3", adderModel(3))))).toMatch(/^IPFA_DEVICE_(MEMORY|NONE)$/)
  })
})

describe("with a share of the GPU", () => {
  /** What the first of the jobs takes. */
  const RUN_MS = 60
  /** How long three jobs take. */
  const elapsed = async (device: string, gpuShare: number) => {
    const host = adderHost(device)
    t = testPool([host])
    t.pool.allow({ ...everything, gpuShare })
    const page = t.connect()
    const { sessionId } = await page.open(t.publish("1", adderModel(1)))
    host.hold()
    const runs = [1, 2, 3].map(() => page.run(sessionId))
    const start = performance.now()
    await host.begun(1)
    await new Promise((worked) => setTimeout(worked, RUN_MS))
    host.letGo()
    await Promise.all(runs)
    const ms = performance.now() - start
    t.close()
    return ms
  }

  test("it rests after each job for as long as that takes; other devices don't", async () => {
    // A timer may come a millisecond early.
    expect(await elapsed("webgpu", 0.5)).toBeGreaterThanOrEqual(2 * RUN_MS - 2)
    const tenth = await elapsed("webgpu", 0.1)
    expect(tenth).toBeGreaterThanOrEqual(10 * RUN_MS - 2)
    expect(await elapsed("wasm", 0.1)).toBeLessThan(tenth)
  })

  test("nothing is sent ahead of its turn", async () => {
    const host = adderHost("webgpu")
    t = testPool([host])
    t.pool.allow({ ...everything, gpuShare: 0.5 })
    const page = t.connect()
    const { sessionId } = await page.open(t.publish("1", adderModel(1)))
    host.hold()
    const runs = [page.run(sessionId), page.run(sessionId)]
    await host.begun(1)
    expect(t.pool.status({ origin: "owner" }).jobs).toMatchObject({ running: 1, waiting: 1 })
    host.letGo()
    await Promise.all(runs)
  })
})
