import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { Gate } from "../../extension/gate/gate.ts"
import { type GrantStore, memoryGrants } from "../../extension/gate/grant-store.ts"
import { Prompts } from "../../extension/gate/prompts.ts"
import { showable } from "../../extension/gate/terms.ts"
import { type Answer, asAccelerateError, methods, type PromptDetails } from "../../protocol/index.ts"

const A = "https://a.example"
const B = "https://b.example"
const MODEL = "https://m.example/one.onnx"
const DIGEST = "ab".repeat(32)
const required = expect.objectContaining({ code: "IPFA_GRANT_REQUIRED" })

let store: GrantStore
let asked: string[]
let answer: Answer
let now: number
beforeEach(() => {
  store = memoryGrants()
  asked = []
  answer = "always"
  now = 1_000_000
})

async function openGate(
  browserSession = "s1",
  clock = () => now,
  shown: (details: PromptDetails) => void = () => {},
  more: Partial<Parameters<typeof Gate.open>[0]> = {},
): Promise<Gate> {
  const prompts: Prompts = new Prompts({
    show: async (id) => {
      const details = prompts.details(id)
      asked.push(details.origin)
      shown(details)
      prompts.answer(id, answer)
    },
    close: () => {},
  })
  return Gate.open({
    store,
    prompts,
    browserSession,
    uploaded: async (origin, sha256) => origin === A && sha256 === DIGEST,
    now: clock,
    ...more,
  })
}
const infer = { grant: "infer" } as const

describe("without a grant", () => {
  test("the fleet is refused unasked, since this version has no way to it", async () => {
    const gate = await openGate()
    const request = gate.request(gate.enter(A), { capabilities: ["infer", "fleet"] })
    await expect(request).rejects.toMatchObject({ code: "IPFA_GRANT_DENIED" })
    expect(asked).toEqual([])
    expect(gate.list()).toEqual([])
  })

  test("every method that needs one is refused with one and the same error, an owner's too", async () => {
    const gate = await openGate()
    const page = gate.enter(A)
    const refusals = methods
      .filter((method) => method.grant !== "none")
      .map((method) => {
        try {
          gate.authorise(method, page)
          return `${method.name} was allowed`
        } catch (error) {
          return `${error}`
        }
      })
    expect(new Set(refusals).size).toBe(1)
    expect(() => gate.authorise(infer, page)).toThrow(required)
    await expect(page.caller().allowModel!(`sha256:${DIGEST}`)).rejects.toEqual(required)
  })

  test.each(["null", "http://example.com", "file://"])("%s can't even ask", async (origin) => {
    const gate = await openGate()
    await expect(gate.request(gate.enter(origin), { capabilities: ["infer"] })).rejects.toMatchObject({
      code: "IPFA_GRANT_ORIGIN",
    })
    expect(asked).toEqual([])
  })

  test("a no is a no", async () => {
    answer = "deny"
    const gate = await openGate()
    const page = gate.enter(A)
    await expect(gate.request(page, { capabilities: ["infer"] })).rejects.toMatchObject({ code: "IPFA_GRANT_DENIED" })
    expect(() => gate.authorise(infer, page)).toThrow(required)
    expect(gate.list()).toEqual([])
  })
})

describe("what a page says to the person", () => {
  test("is shown without what would move or hide other text", () => {
    expect(showable("for\u202e you\u0000\n\n\tand\u2066 me ")).toBe("for you and me")
  })

  test.each(["https://m.example/a b", "https://m.example/a\n", "https://m.example/\u202ea", "\u0000"])(
    "names no model by %j",
    async (model) => {
      const gate = await openGate()
      const request = gate.request(gate.enter(A), { capabilities: ["infer"], models: [MODEL, model] })
      await expect(request).rejects.toMatchObject({ code: "IPFA_GRANT_DENIED" })
      expect(asked).toEqual([])
    },
  )
})

describe("a grant", () => {
  test("is for its exact origin: scheme, host and port", async () => {
    const gate = await openGate()
    await gate.request(gate.enter(A), { capabilities: ["infer"] })
    gate.authorise(infer, gate.enter(A))
    for (const other of [B, "http://a.example", "https://a.example:444", "https://www.a.example", "null"])
      expect(() => gate.authorise(infer, gate.enter(other)), other).toThrow(required)
  })

  test("allows its models, and what the origin uploaded; nothing else, be it there or not", async () => {
    const gate = await openGate()
    const page = gate.enter(A)
    await gate.request(page, { capabilities: ["infer"], models: [MODEL] })
    await page.caller().allowModel!(MODEL)
    await page.caller().allowModel!(`sha256:${DIGEST}`)
    await expect(page.caller().allowModel!(`sha256:${"cd".repeat(32)}`)).rejects.toEqual(required)
    await expect(page.caller().allowModel!("https://m.example/two.onnx")).rejects.toEqual(required)
    const other = gate.enter(B)
    await gate.request(other, { capabilities: ["infer"], models: [] })
    await expect(other.caller().allowModel!(`sha256:${DIGEST}`)).rejects.toEqual(required)
  })

  test("that covers a request is given again without asking; more is asked for", async () => {
    const gate = await openGate()
    const page = gate.enter(A)
    const first = await gate.request(page, { capabilities: ["infer"], models: [MODEL] })
    expect(await gate.request(page, { capabilities: ["infer"], models: [MODEL] })).toEqual(first)
    expect(asked).toHaveLength(1)
    const more = await gate.request(page, { capabilities: ["benchmark"], models: [] })
    expect(asked).toHaveLength(2)
    expect(more).toMatchObject({ capabilities: ["infer", "benchmark"], models: [MODEL] })
  })

  test("is of what the person lets all sites take, where that is less than a grant gives: so says the prompt, and so is the page told", async () => {
    const shown: PromptDetails["limits"][] = []
    const most = { storeBytes: 1e9, memoryBytes: 0.25e9 }
    const gate = await openGate(undefined, undefined, ({ limits }) => shown.push(limits), { most: () => most })
    const page = gate.enter(A)
    const first = await gate.request(page, { capabilities: ["infer"] })
    expect(first.limits).toEqual({ storeBytes: 1e9, memoryBytes: 0.25e9, concurrentJobs: 16 })
    // It is what holds now, also where nobody is asked again.
    Object.assign(most, { storeBytes: 64e9, memoryBytes: 64e9 })
    const second = await gate.request(page, { capabilities: ["infer"] })
    expect(second.limits).toEqual({ storeBytes: 4e9, memoryBytes: 4e9, concurrentJobs: 16 })
    await gate.request(page, { capabilities: ["benchmark"] })
    expect(shown).toEqual([first.limits, second.limits])
  })

  test("that a full disk has no room for is not given, and what was granted before holds on, as it is stored", async () => {
    const gate = await openGate()
    const page = gate.enter(A)
    const full = new DOMException("full disk", "QuotaExceededError")
    const { put } = store
    store.put = () => Promise.reject(full)
    await expect(gate.request(page, { capabilities: ["infer"], models: [MODEL] })).rejects.toBe(full)
    expect(() => gate.authorise(infer, page)).toThrow(required)
    expect(gate.list()).toEqual([])
    store.put = put
    await gate.request(page, { capabilities: ["infer"], models: [MODEL] })
    const before = gate.list()
    store.put = () => Promise.reject(full)
    await expect(gate.request(page, { capabilities: ["benchmark"] })).rejects.toBe(full)
    expect(gate.list()).toEqual(before)
    expect((await openGate()).list()).toEqual(before)
    expect(asAccelerateError(full).code).toBe("IPFA_STORE_QUOTA")
  })

  test("for once is that page's alone and goes with it", async () => {
    answer = "once"
    const gate = await openGate()
    const page = gate.enter(A)
    await gate.request(page, { capabilities: ["infer"] })
    gate.authorise(infer, page)
    expect(() => gate.authorise(infer, gate.enter(A))).toThrow(required)
    expect(gate.list()).toHaveLength(1)
    gate.leave(page)
    expect(gate.list()).toEqual([])
    expect(await store.all()).toEqual([])
  })

  test.each([
    ["session", "s1", true],
    ["session", "s2", false],
    ["always", "s2", true],
  ] as const)(
    "for %s, with the supervisor started again in session %s, holds: %s",
    async (lifetime, session, holds) => {
      answer = lifetime
      const before = await openGate("s1")
      await before.request(before.enter(A), { capabilities: ["infer"] })
      const after = await openGate(session)
      expect(after.list()).toHaveLength(holds ? 1 : 0)
      if (holds) after.authorise(infer, after.enter(A))
      else expect(() => after.authorise(infer, after.enter(A))).toThrow(required)
      expect(await store.all()).toHaveLength(holds ? 1 : 0)
    },
  )

  test("for always takes the place of the page's own for once", async () => {
    answer = "once"
    const gate = await openGate()
    const page = gate.enter(A)
    await gate.request(page, { capabilities: ["infer"], models: [MODEL] })
    answer = "always"
    await gate.request(page, { capabilities: ["benchmark"], models: [MODEL] })
    gate.authorise({ grant: "benchmark" }, page)
    expect(gate.list().map(({ lifetime }) => lifetime)).toEqual(["always"])
    expect(await gate.request(page, { capabilities: ["infer", "benchmark"], models: [MODEL] })).toMatchObject({
      lifetime: "always",
    })
    expect(asked).toHaveLength(2)
  })

  describe("for the session, of an origin that has one for always", () => {
    const TWO = "https://m.example/two.onnx"
    /** MODEL for always, then TWO as well for the session. */
    async function extended(gate: Gate) {
      const page = gate.enter(A)
      await gate.request(page, { capabilities: ["infer"], models: [MODEL] })
      answer = "session"
      const granted = await gate.request(page, { capabilities: ["infer"], models: [TWO] })
      return { page, granted }
    }
    const terms = (gate: Gate) => gate.list().map(({ lifetime, models }) => [lifetime, models])

    test("allows both until then, and is listed beside it", async () => {
      const gate = await openGate()
      const { page, granted } = await extended(gate)
      expect(granted).toMatchObject({ lifetime: "session", models: [MODEL, TWO] })
      for (const model of [MODEL, TWO]) await page.caller().allowModel!(model)
      expect(terms(gate)).toEqual([
        ["session", [MODEL, TWO]],
        ["always", [MODEL]],
      ])
      // Of what lasts a page is told so.
      expect(await gate.request(page, { capabilities: ["infer"], models: [MODEL] })).toMatchObject({
        lifetime: "always",
        models: [MODEL],
      })
      expect(asked).toHaveLength(2)
    })

    test.each([
      ["the browser's session", "s2", 0],
      ["thirty days", "s1", 30 * 24 * 3_600_000],
    ])("leaves after %s what was for always, with every start, and that alone", async (_, session, ms) => {
      const first = await openGate()
      await extended(first)
      // A third time it is for the session: nothing of that outlasts it either.
      now += 1000
      const usedAt = now
      await first.request(first.enter(A), { capabilities: ["benchmark"], models: [TWO] })
      now += ms
      for (const gate of [await openGate(session), await openGate(session)]) {
        expect(terms(gate)).toEqual([["always", [MODEL]]])
        expect(await store.all()).toMatchObject([{ lifetime: "always", models: [MODEL], usedAt }])
        const page = gate.enter(A)
        gate.authorise(infer, page)
        await page.caller().allowModel!(MODEL)
        await expect(page.caller().allowModel!(TWO)).rejects.toEqual(required)
        expect(() => gate.authorise({ grant: "benchmark" }, page)).toThrow(required)
      }
    })

    test("is part of the next one for always, and goes with all when it is taken back", async () => {
      const gate = await openGate()
      const { page } = await extended(gate)
      answer = "always"
      await gate.request(page, { capabilities: ["benchmark"], models: [TWO] })
      expect(terms(gate)).toEqual([["always", [MODEL, TWO]]])
      answer = "session"
      await gate.request(page, { capabilities: ["infer"] })
      await gate.revoke(A)
      expect([gate.list(), await store.all(), gate.holds(A)]).toEqual([[], [], false])
    })

    test("the person is told when asked that what was for always stays, and only then", async () => {
      const told: unknown[] = []
      const gate = await openGate("s1", undefined, (details) => told.push(details.hasAlways))
      await extended(gate)
      await gate.request(gate.enter(A), { capabilities: ["benchmark"], models: [TWO] })
      await gate.request(gate.enter(B), { capabilities: ["infer"] })
      expect(told).toEqual([undefined, true, true, undefined])
    })
  })

  test("of the origin holds on a page that has one for once as well", async () => {
    answer = "once"
    const gate = await openGate()
    const page = gate.enter(A)
    await gate.request(page, { capabilities: ["infer"], models: [MODEL] })
    answer = "always"
    await gate.request(gate.enter(A), { capabilities: ["benchmark"] })
    for (const grant of ["infer", "benchmark"] as const) gate.authorise({ grant }, page)
    await page.caller().allowModel!("https://m.example/two.onnx")
  })

  test("of any page makes its origin one that holds something, until the last has ended", async () => {
    answer = "once"
    const gate = await openGate()
    const [one, two] = [gate.enter(A), gate.enter(A)]
    expect(gate.holds(A)).toBe(false)
    for (const page of [one, two]) await gate.request(page, { capabilities: ["infer"] })
    gate.leave(one)
    expect([gate.holds(A), gate.holds(B)]).toEqual([true, false])
    gate.leave(two)
    expect(gate.holds(A)).toBe(false)
    answer = "session"
    const { expiresAt } = await gate.request(gate.enter(A), { capabilities: ["infer"] })
    expect(gate.holds(A)).toBe(true)
    now = expiresAt!
    expect(gate.holds(A)).toBe(false)
  })

  test("that has run out allows nothing", async () => {
    answer = "once"
    const gate = await openGate()
    const page = gate.enter(A)
    const { expiresAt } = await gate.request(page, { capabilities: ["infer"] })
    now = expiresAt! - 1
    gate.authorise(infer, page)
    now = expiresAt!
    expect(() => gate.authorise(infer, page)).toThrow(required)
    await expect(page.caller().allowModel!(MODEL)).rejects.toEqual(required)
  })
})

describe("running out", () => {
  beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }))
  afterEach(() => void vi.useRealTimers())

  test.each([
    ["once", 12 * 3_600_000],
    ["session", 30 * 24 * 3_600_000],
  ] as const)(
    "of a grant for %s ends the page's work then, not before, and not another origin's",
    async (lifetime, ms) => {
      const gate = await openGate("s1", Date.now)
      const [page, other] = [gate.enter(A), gate.enter(B)]
      await gate.request(other, { capabilities: ["infer"] })
      answer = lifetime
      await gate.request(page, { capabilities: ["infer"] })
      const [ends, lasts] = [page.caller().revoked, other.caller().revoked]
      await vi.advanceTimersByTimeAsync(ms - 1)
      expect(ends.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(ends.reason?.code).toBe("IPFA_GRANT_EXPIRED")
      expect(lasts.aborted).toBe(false)
      expect(gate.list().map(({ origin }) => origin)).toEqual([B])
    },
  )
})

describe("revoking", () => {
  test("ends the work of every page of the origin, and of no other", async () => {
    const gate = await openGate()
    const [one, two, other] = [gate.enter(A), gate.enter(A), gate.enter(B)]
    for (const page of [one, other]) await gate.request(page, { capabilities: ["infer"] })
    const signals = [one, two, other].map((page) => page.caller().revoked)
    expect(await gate.revoke(A)).toBe(true)
    expect(signals.map((signal) => signal.reason?.code)).toEqual([
      "IPFA_GRANT_REVOKED",
      "IPFA_GRANT_REVOKED",
      undefined,
    ])
    expect(() => gate.authorise(infer, one)).toThrow(required)
    gate.authorise(infer, other)
    expect(await store.all()).toHaveLength(1)
  })

  test("takes a page's own grant too", async () => {
    answer = "once"
    const gate = await openGate()
    const page = gate.enter(A)
    await gate.request(page, { capabilities: ["infer"] })
    expect(await gate.revoke(A)).toBe(true)
    expect(() => gate.authorise(infer, page)).toThrow(required)
  })

  test("leaves a page that is granted again with a right that has not ended", async () => {
    const gate = await openGate()
    const page = gate.enter(A)
    await gate.request(page, { capabilities: ["infer"] })
    await gate.revoke(A)
    await gate.request(page, { capabilities: ["infer"] })
    gate.authorise(infer, page)
    expect(page.caller().revoked.aborted).toBe(false)
  })

  test("of what was never granted says so", async () => {
    expect(await (await openGate()).revoke(A)).toBe(false)
  })
})
