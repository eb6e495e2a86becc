import { afterEach, describe, expect, test } from "vitest"
import { type Evictable, evictionsFor, obtainableBytes } from "../../engine/pool/eviction.ts"
import { adderHost, adderModel } from "../support/adder.ts"
import { keptId, refusal, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

const one = (more: Partial<Evictable> = {}): Evictable => ({
  bytes: 10,
  leases: 0,
  pending: 0,
  keptTensors: 0,
  lastUsedAt: 0,
  ...more,
})

describe("which sessions make room", () => {
  test("nobody's before somebody's, the longest unused first, and no more than needed", () => {
    const [leasedOld, old, recent] = [one({ leases: 1 }), one({ lastUsedAt: 1 }), one({ lastUsedAt: 2 })]
    expect(evictionsFor([recent, leasedOld, old], 5, 30)).toEqual([old])
    expect(evictionsFor([recent, leasedOld, old], 15, 30)).toEqual([old, recent])
    expect(evictionsFor([recent, leasedOld, old], 25, 30)).toEqual([old, recent, leasedOld])
    expect(evictionsFor([recent, leasedOld, old], 0, 30)).toEqual([])
  })

  test("never one that works or holds kept tensors", () => {
    const all = [one({ pending: 1 }), one({ keptTensors: 1 }), one()]
    expect(evictionsFor(all, 10, 30)).toEqual([all[2]])
    expect(evictionsFor(all, 11, 30)).toBeUndefined()
    expect(obtainableBytes(all, 30)).toBe(10)
  })
})

/** Room for two sessions of 1000 bytes, and for the estimate of a third while it opens. */
const budget = { budgetBytes: 2500 }

describe("within the byte budget", () => {
  test("the least recently used idle session goes, and comes back when it is run", async () => {
    const wasm = adderHost("wasm")
    wasm.memoryBytes = 1000
    t = testPool([wasm], budget)
    const page = t.connect()
    const [a, b] = [await page.open(t.publish("1", adderModel(1))), await page.open(t.publish("2", adderModel(2)))]
    await page.run(a.sessionId)
    expect(wasm.loaded.size).toBe(2)
    const c = await page.open(t.publish("3", adderModel(3)))
    expect([wasm.opens, wasm.loaded.size]).toEqual([3, 2])
    // `a` was used after `b`, so it is there still; `b` is opened again without anyone noticing.
    expect(value(await page.run(a.sessionId, 0))).toBe(1)
    expect(wasm.opens).toBe(3)
    expect(value(await page.run(b.sessionId, 0))).toBe(2)
    expect(value(await page.run(c.sessionId, 0))).toBe(3)
    expect(wasm.opens).toBeGreaterThan(3)
    expect(wasm.loaded.size).toBe(2)
  })

  test("a session that was given back stays until room is needed, and is the first to go", async () => {
    const wasm = adderHost("wasm")
    wasm.memoryBytes = 1000
    t = testPool([wasm], budget)
    const page = t.connect()
    const model = t.publish("2", adderModel(2))
    const a = await page.open(t.publish("1", adderModel(1)))
    const b = await page.open(model)
    await page.peer.call("session.close", { sessionId: b.sessionId })
    expect(wasm.loaded.size).toBe(2)
    await page.open(model)
    expect(wasm.opens).toBe(2)
    await page.peer.call("session.close", { sessionId: (await page.open(model)).sessionId })
    expect(value(await page.run(a.sessionId, 0))).toBe(1)
  })

  test("a session with kept tensors is never unloaded; another is refused instead", async () => {
    const wasm = adderHost("wasm")
    wasm.memoryBytes = 1000
    t = testPool([wasm], { budgetBytes: 1500 })
    const page = t.connect()
    const a = await page.open(t.publish("1", adderModel(1)))
    const kept = keptId(await page.run(a.sessionId, 1, { keep: true }))
    const two = t.publish("2", adderModel(2))
    expect(await refusal(page.open(two, { device: "wasm" }))).toBe("IPFA_DEVICE_MEMORY")
    expect(await refusal(page.open(two))).toBe("IPFA_DEVICE_NONE")
    expect(value(await page.run(a.sessionId, kept))).toBe(3)
    await page.peer.call("session.release", { sessionId: a.sessionId, kept: [kept] })
    expect(wasm.kept.size).toBe(0)
    expect(value(await page.run((await page.open(two)).sessionId, 1))).toBe(3)
  })

  test("a model that turns out larger than the budget is unloaded again", async () => {
    const wasm = adderHost("wasm")
    wasm.memoryBytes = 9000
    t = testPool([wasm], budget)
    const page = t.connect()
    expect(await refusal(page.open(t.publish("1", adderModel(1)), { device: "wasm" }))).toBe("IPFA_DEVICE_MEMORY")
    await t.pool.hardware()
    expect(wasm.loaded.size).toBe(0)
  })

  test("an origin has its own limit, over all its connections", async () => {
    const wasm = adderHost("wasm")
    wasm.memoryBytes = 1000
    t = testPool([wasm])
    const limits = { memoryBytes: 1900 }
    const [tab, other, elsewhere] = [
      t.connect({ limits }),
      t.connect({ limits }),
      t.connect({ origin: "https://b.test" }),
    ]
    const [one, two] = [t.publish("1", adderModel(1)), t.publish("2", adderModel(2))]
    const a = await tab.open(one)
    await other.open(one)
    expect(await refusal(other.open(two))).toBe("IPFA_DEVICE_MEMORY")
    await elsewhere.open(two)
    // Kept tensors count: the limit leaves 900 bytes, the tensor takes 4 × 300.
    const x = { dtype: "float32" as const, shape: [300], data: new Float32Array(300) }
    const big = tab.peer.call("session.run", { sessionId: a.sessionId, feeds: { x }, keep: ["y"] })
    expect(await refusal(big)).toBe("IPFA_DEVICE_MEMORY")
    expect(value(await tab.run(a.sessionId, 1))).toBe(2)
    expect(wasm.kept.size).toBe(0)
  })
})
