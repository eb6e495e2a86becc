import { afterEach, describe, expect, test } from "vitest"
import { type Evictable, evictionsFor, obtainableBytes } from "../../engine/pool/eviction.ts"
import { type Held, heldBytes, toTakeBack } from "../../engine/pool/take-back.ts"
import { serialiseError } from "../../protocol/index.ts"
import { adderHost, adderModel } from "../support/adder.ts"
import { type Client, keptId, refusal, type TestPool, testPool, value } from "../support/pool.ts"

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

describe("who gives way where all is in use", () => {
  const share = (origin: string, keptBytes = 0, lastUsedAt = 0) => ({ origin, keptBytes, lastUsedAt })
  const of = (modelBytes: number, ...holdings: Held["holdings"]): Held => ({ modelBytes, holdings })

  test("who holds most, with what was unused longest, and with no more than is short", () => {
    const [old, recent, other] = [share("a", 20, 1), share("a", 20, 2), share("b", 30)]
    const held = [of(10, recent), of(10, other), of(10, old)]
    expect(heldBytes(held, "a")).toBe(60)
    expect(toTakeBack(held, 25, { origin: "c", afterBytes: 25 })).toEqual(new Set([old]))
    // Of `a` there are 30 left then, as much as `c` would hold: `b` with its 40 is next.
    expect(toTakeBack(held, 35, { origin: "c", afterBytes: 30 })).toEqual(new Set([old, other]))
    expect(toTakeBack(held, 0, { origin: "c", afterBytes: 0 })).toEqual(new Set())
  })

  test("not who holds no more than the other would, and nobody where it is not enough", () => {
    const held = [of(10, share("a", 30)), of(40, share("b"))]
    expect(toTakeBack(held, 1, { origin: "c", afterBytes: 40 })).toBeUndefined()
    expect(toTakeBack(held, 81, { origin: "c", afterBytes: 1 })).toBeUndefined()
    expect(toTakeBack(held, 1, { origin: "a", afterBytes: 41 })).toBeUndefined()
  })

  test("a model goes when nobody holds it any more", () => {
    const [a, b, mine] = [share("a", 5, 1), share("b", 0, 2), share("c")]
    expect(toTakeBack([of(50, a, b)], 6, { origin: "c", afterBytes: 10 })).toEqual(new Set([a, b]))
    expect(toTakeBack([of(50, a, mine)], 5, { origin: "c", afterBytes: 10 })).toEqual(new Set([a]))
    expect(toTakeBack([of(50, a, mine)], 6, { origin: "c", afterBytes: 10 })).toBeUndefined()
  })

  test("however many hold all of it together, each with as much: a further one has its part", () => {
    const held = Array.from({ length: 9 }, (_, i) => of(100, share(`hostile ${i}`)))
    expect(toTakeBack(held, 90, { origin: "c", afterBytes: 90 })?.size).toBe(1)
    expect(toTakeBack(held, 100, { origin: "c", afterBytes: 100 })).toBeUndefined()
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

describe("memory that another origin has in use", () => {
  test.each([
    ["before it is loaded", 1900, undefined],
    ["once it turns out larger", 0, 2400],
  ])(
    "is no page's to know: one whose model has no room is told the same %s, however much it is",
    async (_when, weights, memoryBytes) => {
      const told = async (heldBytes: number) => {
        const wasm = adderHost("wasm")
        const of = testPool([wasm], budget)
        t = of
        wasm.memoryBytes = heldBytes
        const other = of.connect({ origin: "https://b.test" })
        await other.run((await other.open(of.publish("1", adderModel(1)))).sessionId, 1, { keep: true })
        wasm.memoryBytes = memoryBytes
        const two = of.publish("2", adderModel(2, weights))
        const said = [{ device: "wasm" }, {}].map((where) => of.connect().open(two, where).catch(serialiseError))
        const all = await Promise.all(said)
        of.close()
        return all
      }
      const all = await told(500)
      expect(all).toMatchObject([{ code: "IPFA_DEVICE_MEMORY" }, { code: "IPFA_DEVICE_NONE" }])
      expect(await told(700)).toEqual(all)
    },
  )

  /** Room for three models of 1000 bytes, the estimate for the last included. */
  const three = { budgetBytes: 3300, limits: { turnMs: 50, stuckMs: 100 } }
  const large = (bias: number) => adderModel(bias, 900)
  const keep = async (page: Client, model: string) => {
    const { sessionId } = await page.open(model)
    return { sessionId, kept: keptId(await page.run(sessionId, 0, { keep: true })) }
  }
  /** Resolves with the opening once it has come as far as it may by itself: models are digested on real threads. */
  const opening = async ({ peer }: Client, model: string) => {
    const { promise: isThere, resolve } = Promise.withResolvers<void>()
    const onEvent = ({ phase }: { phase: string }) => void (phase === "open" && resolve())
    const session = peer.call("session.open", { model }, { onEvent })
    await Promise.race([isThere, session])
    for (let i = 0; i < 3; i++) await peer.call("status.get", {})
    return { session }
  }
  function pool(options: Parameters<typeof testPool>[1] = three) {
    const wasm = adderHost("wasm")
    t = testPool([wasm], options)
    const models = [1, 2, 3, 4, 5].map((bias) => t!.publish(String(bias), large(bias)))
    const [a, b, c] = ["a", "b", "c"].map((name) => t!.connect({ origin: `https://${name}.test` })) as [
      Client,
      Client,
      Client,
    ]
    return { wasm, models, a, b, c }
  }

  test("by kept tensors is taken back from who holds most, as much as is needed, and is not had again before its part", async () => {
    const { wasm, models, a, b } = pool()
    const held = []
    for (const model of models.slice(0, 3)) held.push(await keep(a, model))
    expect(await refusal(a.open(models[3]!))).toBe("IPFA_DEVICE_NONE")
    const mine = await keep(b, models[3]!)
    const gone = await a.peer
      .call("session.run", {
        sessionId: held[0]!.sessionId,
        feeds: { x: { dtype: "float32", shape: [1], kept: held[0]!.kept } },
      })
      .catch((error) => error)
    expect([gone.code, gone.data.reason]).toEqual(["IPFA_SESSION_KEPT", "others needed its memory"])
    expect(value(await a.run(held[1]!.sessionId, held[1]!.kept))).toBe(4)
    expect(value(await a.run(held[2]!.sessionId, held[2]!.kept))).toBe(6)
    expect([wasm.kept.size, wasm.loaded.size]).toEqual([3, 3])
    // It holds two thirds, the other one: it has had its part.
    expect(await refusal(a.run(held[0]!.sessionId, 1))).toBe("IPFA_DEVICE_NONE")
    expect(value(await b.run(mine.sessionId, mine.kept))).toBe(8)
  })

  test("is there for a third though two hold all of it", async () => {
    const { models, a, b, c } = pool({ ...three, budgetBytes: 4400 })
    for (const model of models.slice(0, 2)) await keep(a, model)
    for (const model of models.slice(2, 4)) await keep(b, model)
    const mine = await keep(c, models[4]!)
    expect(value(await c.run(mine.sessionId, mine.kept))).toBe(10)
  })

  test("stays with who holds no more than the other would", async () => {
    const { models, a, b } = pool({ budgetBytes: 2000 })
    const held = await keep(a, models[0]!)
    expect(await refusal(b.open(models[1]!, { device: "wasm" }))).toBe("IPFA_DEVICE_MEMORY")
    expect(value(await a.run(held.sessionId, held.kept))).toBe(2)
  })

  test("is one origin's alone while nobody else wants any", async () => {
    const { wasm, models, a } = pool()
    wasm.memoryBytes = 3200
    const held = await keep(a, models[0]!)
    expect(value(await a.run(held.sessionId, held.kept))).toBe(2)
  })

  test("by jobs is had on the host's next turn; those that wait go on where there is room again", async () => {
    const { wasm, models, a, b } = pool({ ...three, limits: {} })
    const busy = []
    for (const model of models.slice(0, 3)) busy.push((await a.open(model)).sessionId)
    wasm.hold()
    const runs = busy.flatMap((id) =>
      [a.run(id), a.run(id), a.run(id)].map((run) => run.then(value, (error) => error.code)),
    )
    await wasm.begun(1)
    const { session } = await opening(b, models[3]!)
    wasm.letGo()
    const { sessionId } = await session
    expect(value(await b.run(sessionId))).toBe(5)
    // One of the three is not there while the other works; what was not refused meanwhile is right.
    const outcomes = await Promise.all(runs)
    expect(outcomes.slice(0, 1)).toEqual([2])
    for (const [i, outcome] of outcomes.entries())
      expect([Math.floor(i / 3) + 2, "IPFA_DEVICE_NONE"]).toContain(outcome)
    expect(value(await a.run(busy[0]!, 1))).toBe(2)
  })

  test("by the run that has just ended is had then, and the run's answer is there all the same", async () => {
    const { wasm, models, a, b } = pool({ ...three, limits: {} })
    wasm.memoryBytes = 3000
    const { sessionId } = await a.open(models[0]!)
    wasm.hold()
    const [first, ...others] = [1, 2, 3].map((x) => a.run(sessionId, x).then(value, (error) => error.code))
    await wasm.begun(1)
    wasm.memoryBytes = 1000
    const { session } = await opening(b, models[1]!)
    wasm.letGo()
    expect(value(await b.run((await session).sessionId))).toBe(3)
    expect(await first).toBe(2)
    await Promise.all(others)
  })

  test("by a run that does not end is had with the end of its worker", async () => {
    const { wasm, models, a, b } = pool()
    wasm.memoryBytes = 3000
    const { sessionId } = await a.open(models[0]!)
    wasm.hold()
    const endless = refusal(a.run(sessionId))
    await wasm.begun(1)
    wasm.memoryBytes = 1000
    const { session } = await opening(b, models[1]!)
    expect(await endless).toBe("IPFA_JOB_OVERRUN")
    wasm.letGo()
    expect(value(await b.run((await session).sessionId))).toBe(3)
  })

  test("set aside for openings is waited for", async () => {
    const { wasm, models, a, b } = pool({ ...three, budgetBytes: 2500 })
    wasm.hold("open")
    const theirs = [await opening(a, models[0]!), await opening(a, models[1]!)]
    const { session } = await opening(b, models[2]!)
    wasm.letGo()
    await Promise.all(theirs.map((one) => one.session))
    expect(value(await b.run((await session).sessionId))).toBe(4)
  })

  test("is given back for what another keeps, too", async () => {
    const { wasm, models, a, b } = pool({ budgetBytes: 2700 })
    const keepOf = async (page: Client, sessionId: string, length: number) => {
      const x = { dtype: "float32" as const, shape: [length], data: new Float32Array(length) }
      return keptId(await page.peer.call("session.run", { sessionId, feeds: { x }, keep: ["y"] }))
    }
    const theirs = (await a.open(models[0]!)).sessionId
    const kept = await keepOf(a, theirs, 100)
    const mine = (await b.open(models[1]!)).sessionId
    await keepOf(b, mine, 90)
    expect(wasm.kept.size).toBe(1)
    expect(await refusal(a.run(theirs, kept))).toBe("IPFA_SESSION_KEPT")
    // It would hold more than the other now.
    expect(await refusal(keepOf(a, theirs, 120))).toBe("IPFA_DEVICE_MEMORY")
  })
})
