import { describe, expect, test } from "vitest"
import { answerCalls } from "../../protocol/answering.ts"
import { AccelerateError, fail, type Handlers, type Message, memoryPorts, PeerCore } from "../../protocol/index.ts"
import fc from "../property.ts"
import { hello, rawPeer } from "./raw-peer.ts"
import { call, testClient, testContract } from "./test-methods.ts"

/** Every stream ends in exactly one of complete, error, cancelled, whatever its two sides do and in whichever order. */

const turn = () => new Promise(setImmediate)

describe("what a peer sends for a call", () => {
  test("has its parameters last: V8 copies what it has serialised once more for what follows a large array", async () => {
    const server = rawPeer("client")
    const options = { deadlineMs: 60_000, priority: 9, trace: "trace", key: "key", onEvent() {} }
    void call(server.peer, "test.count", { n: 0 }, options).catch(() => {})
    const message = (await server.next(({ kind }) => kind === "call")) as object
    expect(message).toMatchObject({ priority: 9, trace: "trace", key: "key" })
    expect(Object.keys(message).at(-1)).toBe("params")
    server.close()
  })

  /** One call each that wants all events, the latest, and none. */
  const calls = [
    { id: 1, method: "test.count", credit: 2 },
    { id: 2, method: "test.progress", credit: 2 },
    { id: 3, method: "test.count", credit: undefined },
  ]
  const step = fc.record({
    id: fc.constantFrom(1, 2, 3),
    act: fc.oneof(
      { weight: 6, arbitrary: fc.constant("emit") },
      { weight: 4, arbitrary: fc.constant("credit") },
      { weight: 4, arbitrary: fc.constant("turn") },
      { weight: 1, arbitrary: fc.constantFrom("return", "throw", "cancel") },
    ),
  })
  const end = fc.constantFrom("none", "close", "leave")

  test("is events in order, within its credit, then one end; nothing after it, and nothing after the connection's", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), end, async (steps, last) => {
        const [here, there] = memoryPorts()
        const sent: Message[] = []
        there.start(
          (message) => sent.push(message as Message),
          () => {},
        )
        const handlers = new Map<number, { emit(value: unknown): Promise<void>; end(outcome: unknown): void }>()
        const emitted = new Map<number, number>()
        const handler = (_: unknown, { emit, trace }: { emit(value: unknown): Promise<void>; trace: string }) =>
          new Promise((resolve, reject) => {
            const settle = (outcome: unknown) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))
            handlers.set(Number(trace), { emit, end: settle })
          })
        const served = { "test.count": handler, "test.progress": handler } as unknown as Handlers<undefined>
        const server = new PeerCore(here, { role: "server", handlers: served }, testContract, answerCalls)
        there.send(hello)
        for (const c of calls) there.send({ kind: "call", ...c, params: { n: 0 }, trace: `${c.id}` })
        await turn()
        const credit = new Map(calls.map((c) => [c.id, c.credit ?? 0]))
        for (const { id, act } of steps) {
          if (act === "turn") await turn()
          else if (act === "cancel") there.send({ kind: "cancel", id })
          else if (act === "return") handlers.get(id)?.end({ sent: 0 })
          else if (act === "throw") handlers.get(id)?.end(fail("IPFA_RUN_FAILED"))
          else if (act === "credit") {
            credit.set(id, (credit.get(id) as number) + 1)
            there.send({ kind: "credit", id, events: 1 })
          } else {
            const i = emitted.get(id) ?? 0
            emitted.set(id, i + 1)
            // Not awaited, as a careless handler's; must not become an unhandled rejection.
            void handlers.get(id)?.emit({ i })
          }
        }
        if (last === "close") server.close()
        if (last === "leave") there.close()
        await turn()
        const before = sent.length
        if (last === "none")
          for (const { id } of calls) {
            credit.set(id, 1024)
            there.send({ kind: "credit", id, events: 1000 })
          }
        for (const { end: settle } of handlers.values()) settle({ sent: 0 })
        await turn()
        if (last !== "none") expect(sent.length).toBe(before)

        for (const { id, method, credit: wanted } of calls) {
          const mine = sent.filter((m) => "id" in m && m.id === id)
          const events = mine.filter((m) => m.kind === "event")
          const ends = mine.filter((m) => m.kind !== "event")
          if (last === "none") expect(ends.length).toBe(1)
          else expect(ends.length).toBeLessThanOrEqual(1)
          if (ends[0]) expect(mine.at(-1)).toBe(ends[0])
          expect(events.map((m) => m.seq)).toEqual(events.map((_, i) => i))
          expect(events.length).toBeLessThanOrEqual(wanted === undefined ? 0 : (credit.get(id) as number))
          const values = events.map((m) => (m.value as { i: number }).i)
          if (method === "test.count") expect(values).toEqual(values.map((_, i) => i))
          else expect(values).toEqual([...values].sort((a, b) => a - b))
        }
        server.close()
      }),
      { numRuns: 400 },
    )
  })

  test("loses no event of a call that completes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(100), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (n, grants) => {
        const [here, there] = memoryPorts()
        const sent: Message[] = []
        there.start(
          (message) => sent.push(message as Message),
          () => {},
        )
        const handler = async (_: unknown, { emit }: { emit(value: unknown): Promise<void> }) => {
          for (let i = 0; i < n; i++) void emit({ i })
          return { sent: n }
        }
        const served = { "test.count": handler } as unknown as Handlers<undefined>
        const server = new PeerCore(here, { role: "server", handlers: served }, testContract, answerCalls)
        there.send(hello)
        there.send({ kind: "call", id: 1, method: "test.count", params: { n }, credit: 0 })
        for (let i = 0; sent.at(-1)?.kind !== "complete"; i++) {
          await turn()
          there.send({ kind: "credit", id: 1, events: grants[i % grants.length] as number })
        }
        expect(sent.filter((m) => m.kind === "event").map((m) => m.value)).toEqual(
          Array.from({ length: n }, (_, i) => ({ i })),
        )
        server.close()
      }),
      { numRuns: 100 },
    )
  })
})

describe("what a caller sees", () => {
  const message = fc.oneof(
    { weight: 4, arbitrary: fc.constant("event" as const) },
    fc.constantFrom(
      "odd event",
      "complete",
      "odd complete",
      "error",
      "cancelled",
      "abort",
      "close",
      "bye",
      "turn" as const,
    ),
  )

  test("is one outcome, and no event after it, whatever the other side sends and whenever it gives up", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 20 }), fc.boolean(), async (steps, slow) => {
        const [here, there] = memoryPorts()
        there.start(
          () => {},
          () => {},
        )
        const client = testClient(here)
        there.send(hello)
        const controller = new AbortController()
        const log: string[] = []
        let i = 0
        const settled = call(
          client,
          "test.count",
          { n: 1 },
          {
            signal: controller.signal,
            onEvent: async (event) => {
              log.push(`event ${(event as { i: number }).i}`)
              if (slow) await turn()
            },
          },
        ).then(
          () => log.push("complete"),
          (e) => log.push(e instanceof AccelerateError ? e.code : String(e)),
        )
        for (const step of steps) {
          if (step === "turn") await turn()
          else if (step === "abort") controller.abort()
          else if (step === "close") client.close()
          else if (step === "bye") there.close()
          else if (step === "event") there.send({ kind: "event", id: 1, seq: i, value: { i: i++ } })
          else if (step === "odd event") there.send({ kind: "event", id: 1, seq: i + 1, value: {} })
          else if (step === "complete") there.send({ kind: "complete", id: 1, value: { sent: 1 } })
          else if (step === "odd complete") there.send({ kind: "complete", id: 1, value: {} })
          else if (step === "error")
            there.send({ kind: "error", id: 1, error: { code: "IPFA_RUN_FAILED", message: "" } })
          else there.send({ kind: "cancelled", id: 1 })
        }
        there.send({ kind: "complete", id: 1, value: { sent: 1 } })
        await settled
        await turn()
        expect(log.filter((line) => !line.startsWith("event")).length).toBe(1)
        expect(log.at(-1)).not.toMatch(/^event/)
        expect(log.slice(0, -1)).toEqual(log.slice(0, -1).map((_, n) => `event ${n}`))
        client.close()
      }),
      { numRuns: 500 },
    )
  })
})

describe("what a call has made", () => {
  const undone: number[] = []
  /** One call of `test.echo` whose handler lets go when it is told to. */
  async function begin() {
    undone.length = 0
    const [here, there] = memoryPorts()
    const answers: Message[] = []
    there.start(
      (message) => answers.push(message as Message),
      () => {},
    )
    const { promise: letGo, resolve } = Promise.withResolvers<void>()
    const handlers = {
      "test.echo": async (params: { value: number }, { undo }: { undo(undo: () => void): void }) => {
        await letGo
        undo(() => undone.push(params.value))
        return params
      },
    } as unknown as Handlers<undefined>
    new PeerCore(here, { role: "server", handlers }, testContract, answerCalls)
    there.send(hello)
    const send = (id: number) => there.send({ kind: "call", id, method: "test.echo", params: { value: id } })
    const answered = (id: number) => answers.find((m) => "id" in m && m.id === id)?.kind
    return { send, cancel: (id: number) => there.send({ kind: "cancel", id }), answered, letGo: resolve }
  }

  test("is undone where the caller gave up before the answer, or while it was on its way; once, and no other's", async () => {
    const t = await begin()
    for (const id of [1, 2, 3]) t.send(id)
    await turn()
    t.cancel(1)
    await turn()
    t.letGo()
    await turn()
    expect([1, 2, 3].map(t.answered)).toEqual(["cancelled", "complete", "complete"])
    expect(undone).toEqual([1])
    t.cancel(2)
    t.cancel(2)
    await turn()
    expect(undone).toEqual([1, 2])
  })

  test("stays where the answer is older than 64 later ones: that has long been had", async () => {
    const t = await begin()
    t.letGo()
    for (let id = 1; id <= 65; id++) t.send(id)
    await turn()
    t.cancel(1)
    t.cancel(2)
    await turn()
    expect(undone).toEqual([2])
  })
})
