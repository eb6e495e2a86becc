import { getEventListeners } from "node:events"
import { afterEach, describe, expect, test } from "vitest"
import {
  type AccelerateError,
  type Message,
  memoryPorts,
  OLDEST_PROTOCOL_VERSION,
  Peer,
  PROTOCOL_VERSION,
} from "../../protocol/index.ts"
import fc from "../property.ts"
import { hello, rawPeer } from "./raw-peer.ts"
import { call, testClient, testServer } from "./test-methods.ts"

/** A peer against another side that says whatever it likes. An unhandled rejection or exception anywhere fails the run. */

const prototypes = () =>
  JSON.stringify([Object, Array, Function, Map].map((c) => Object.getOwnPropertyNames(c.prototype)))
const pristine = prototypes()
afterEach(() => expect(prototypes()).toBe(pristine))

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (e: AccelerateError) => e.code,
  )
const answerTo = (id: number) => (m: Message) =>
  "id" in m && m.id === id && ["complete", "error", "cancelled"].includes(m.kind)

describe("what is no message ends the connection with IPFA_PROTOCOL_MALFORMED", () => {
  test.each([
    undefined,
    null,
    1,
    "hello",
    [],
    {},
    () => {},
    { kind: "constructor" },
    { kind: "__proto__", id: 1 },
    { kind: { toString: 1 } },
    { kind: "call" },
    { kind: "call", id: 0, method: "test.ends", params: {} },
    { kind: "call", id: 1.5, method: "test.ends", params: {} },
    { kind: "call", id: 2 ** 53, method: "test.ends", params: {} },
    { kind: "call", id: "1", method: "test.ends", params: {} },
    { kind: "event", id: 1, seq: -1, value: 1 },
    { kind: "credit", id: 1, events: 1e9 },
    { kind: "credit", id: 1, events: Number.NaN },
    { kind: "error", id: 1, error: "text" },
    { kind: "error", id: 1, error: { code: "IPFA_INTERNAL" } },
    hello,
  ])("%j", async (message) => {
    const { peer, send } = rawPeer("server")
    send(message)
    expect((await peer.closed)?.code).toBe("IPFA_PROTOCOL_MALFORMED")
  })

  test("and so does anything before the hello", async () => {
    const { peer, send } = rawPeer("server", { greet: false })
    send({ kind: "call", id: 1, method: "test.ends", params: {} })
    expect((await peer.closed)?.code).toBe("IPFA_PROTOCOL_MALFORMED")
    expect(await peer.ready).toBe(false)
  })
})

test("a flood of arbitrary messages ends that connection or changes nothing, and never another's", async () => {
  const other = rawPeer("server")
  const kind = fc.constantFrom(
    "hello",
    "call",
    "event",
    "complete",
    "error",
    "cancelled",
    "cancel",
    "credit",
    "bye",
    "x",
  )
  const method = fc.oneof(
    fc.constantFrom("test.echo", "test.hang", "test.count", "device.run", "__proto__", "constructor", "toString", ""),
    fc.anything(),
  )
  const id = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: -1, max: 3 }) },
    { weight: 1, arbitrary: fc.anything() },
  )
  const anything = fc.anything({ withTypedArray: true, withBigInt: true, withMap: true, withNullPrototype: true })
  const params = fc.oneof(fc.constant({ n: 3, name: "x", value: 1 }), anything)
  const message = fc.oneof(
    fc.record({
      kind,
      id,
      method,
      params,
      seq: id,
      value: params,
      events: id,
      credit: id,
      error: params,
      priority: id,
    }),
    anything,
  )
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 12 }), async (messages) => {
      const { peer, send, alive } = rawPeer("server")
      for (const m of messages) send(m)
      if (await alive()) peer.close()
      else expect([undefined, "IPFA_PROTOCOL_MALFORMED"]).toContain((await peer.closed)?.code)
    }),
    { numRuns: 400 },
  )
  expect(await other.alive()).toBe(true)
})

describe("calls", () => {
  test.each(["no.such", "constructor", "__proto__", "toString", "hasOwnProperty", "session.open"])(
    "of a method that is not served (%s) get IPFA_PROTOCOL_UNKNOWN_METHOD",
    async (method) => {
      const { send, next, alive } = rawPeer("server")
      send({ kind: "call", id: 1, method, params: {} })
      expect(await next(answerTo(1))).toMatchObject({
        error: { code: "IPFA_PROTOCOL_UNKNOWN_METHOD", data: { method } },
      })
      expect(await alive()).toBe(true)
    },
  )

  test.each([
    { deadlineMs: -1 },
    { deadlineMs: Number.NaN },
    { deadlineMs: "1" },
    { priority: 10 },
    { key: "k".repeat(129) },
    { trace: 5 },
    { credit: 1e6 },
  ])("with the option %j get an error, and the connection lives", async (option) => {
    const { send, next, alive } = rawPeer("server")
    send({ kind: "call", id: 1, method: "test.ends", params: {}, ...option })
    const [path] = Object.keys(option)
    expect(await next(answerTo(1))).toMatchObject({ error: { code: "IPFA_INPUT_INVALID", data: { path } } })
    expect(await alive()).toBe(true)
  })

  test("with prototype keys in params pollute nothing and reach no handler as prototype", async () => {
    const { send, next } = rawPeer("server")
    const params = JSON.parse('{"__proto__":{"value":"inherited"},"constructor":{"prototype":{"polluted":true}}}')
    send({ kind: "call", id: 1, method: "test.echo", params })
    const answer = await next(answerTo(1))
    expect(JSON.stringify(answer)).not.toContain("inherited")
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test("with tensors that lie are refused with the path", async () => {
    const { send, next } = rawPeer("server")
    const data = new Float32Array(4)
    const lies: [unknown, string][] = [
      [{ dtype: "float32", shape: [5], data }, "data"],
      [{ dtype: "float32", shape: [-4], data }, "shape"],
      [{ dtype: "float32", shape: [Number.NaN], data }, "shape"],
      [{ dtype: "float32", shape: [2 ** 31, 2 ** 31, 2 ** 31], data }, "shape"],
      [{ dtype: "float32", shape: [2 ** 16, 2 ** 16], data }, "shape"],
      [{ dtype: "float32", shape: [2 ** 30, 2 ** 30, 0], data: new Float32Array(0) }, "shape"],
      [{ dtype: "float32", shape: Array(33).fill(1), data }, "shape"],
      [{ dtype: "float32", shape: [4], data: [1, 2, 3, 4] }, "data"],
      [{ dtype: "float32", shape: [4], data: { length: 4 } }, "data"],
      [{ dtype: "int32", shape: [4], data }, "data"],
      [{ dtype: "constructor", shape: [4], data }, "dtype"],
      [{ dtype: "string", shape: [2], data: ["a", 1] }, "data"],
      [{ dtype: "float32", shape: [4], kept: "x", data }, "kept"],
    ]
    for (const [i, [tensor, field]] of lies.entries()) {
      send({ kind: "call", id: i + 1, method: "device.run", params: { handle: "h", feeds: { x: tensor } } })
      const answer = await next(answerTo(i + 1))
      expect(answer).toMatchObject({ error: { code: "IPFA_INPUT_INVALID", data: { path: `feeds.x.${field}` } } })
    }
  })

  test("never have what was found quoted back, which may be a secret", async () => {
    const { send, next } = rawPeer("server")
    send({ kind: "call", id: 1, method: "test.count", params: { n: "my secret prompt" } })
    expect(JSON.stringify(await next(answerTo(1)))).not.toContain("secret")
  })

  test("with an id that is in use end the connection", async () => {
    const { peer, send } = rawPeer("server")
    send({ kind: "call", id: 1, method: "test.hang", params: { name: "x" } })
    send({ kind: "call", id: 1, method: "test.hang", params: { name: "y" } })
    expect((await peer.closed)?.code).toBe("IPFA_PROTOCOL_MALFORMED")
  })

  test("with an id that was in use are answered", async () => {
    const { received, send, next, alive } = rawPeer("server")
    send({ kind: "call", id: 1, method: "test.ends", params: {} })
    await next(answerTo(1))
    send({ kind: "call", id: 1, method: "test.ends", params: {} })
    await alive()
    expect(received.filter(answerTo(1)).length).toBe(2)
  })

  test("beyond maxCalls get IPFA_QUEUE_FULL, also when earlier ones were cancelled but still run", async () => {
    let running = 0
    let most = 0
    let release!: () => void
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const handlers = {
      "hardware.report": async () => {
        most = Math.max(most, ++running)
        await released
        running--
        return { devices: [], absent: [] }
      },
    }
    const { send, next, alive } = rawPeer("server", { handlers, maxCalls: 3 })
    for (let id = 1; id <= 3; id++) {
      send({ kind: "call", id, method: "hardware.report", params: {} })
      send({ kind: "cancel", id })
    }
    for (let id = 1; id <= 3; id++) expect(await next(answerTo(id))).toMatchObject({ kind: "cancelled" })
    for (let id = 4; id <= 9; id++) send({ kind: "call", id, method: "hardware.report", params: {} })
    for (let id = 4; id <= 9; id++)
      expect(await next(answerTo(id))).toMatchObject({ error: { code: "IPFA_QUEUE_FULL" } })
    expect(most).toBe(3)
    release()
    await alive()
    send({ kind: "call", id: 10, method: "hardware.report", params: {} })
    expect(await next(answerTo(10))).toMatchObject({ kind: "complete" })
  })

  test("cancelled, credited or answered without being there change nothing", async () => {
    const { send, alive, received } = rawPeer("server")
    for (const kind of ["cancel", "credit", "complete", "cancelled", "event", "error"])
      send({ kind, id: 77, events: 1, seq: 0, value: {}, error: { code: "IPFA_INTERNAL", message: "" } })
    expect(await alive()).toBe(true)
    expect(received.map((m) => m.kind)).toEqual(["hello", "complete"])
  })
})

describe("answers", () => {
  /** A raw server and a call of the client's to it. */
  function asked(method = "test.count", params: unknown = { n: 1 }) {
    const raw = rawPeer("client")
    const events: unknown[] = []
    const answer = call(raw.peer, method, params, { onEvent: (event) => void events.push(event) })
    return { ...raw, events, answer }
  }

  test.each([
    ["that are not the method's result", [{ kind: "complete", value: { sent: "many" } }]],
    ["after events out of order", [{ kind: "event", seq: 1, value: { i: 1 } }]],
    [
      "after an event twice",
      [
        { kind: "event", seq: 0, value: { i: 0 } },
        { kind: "event", seq: 0, value: { i: 0 } },
      ],
    ],
    ["after an event that is not the method's", [{ kind: "event", seq: 0, value: { i: "0" } }]],
  ])("%s fail the call alone with IPFA_PROTOCOL_MALFORMED", async (_, messages) => {
    const { answer, send, alive } = asked()
    for (const m of messages) send({ id: 1, ...m })
    expect(await code(answer)).toBe("IPFA_PROTOCOL_MALFORMED")
    expect(await alive()).toBe(true)
  })

  test("after more events than a slow consumer asked for fail the call, and it is cancelled there", async () => {
    const raw = rawPeer("client")
    let release!: () => void
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let seen = 0
    const onEvent = () => {
      seen++
      return held
    }
    const answer = call(raw.peer, "test.count", { n: 1 }, { onEvent })
    for (let i = 0; i < 40; i++) raw.send({ kind: "event", id: 1, seq: i, value: { i } })
    expect(await code(answer)).toBe("IPFA_PROTOCOL_MALFORMED")
    release()
    expect(await raw.alive()).toBe(true)
    expect(raw.received.some((m) => m.kind === "cancel" && m.id === 1)).toBe(true)
    expect(seen).toBe(1)
  })

  test("with a code that this version doesn't know become IPFA_INTERNAL that names it", async () => {
    const { answer, send } = asked()
    send({ kind: "error", id: 1, error: { code: "IPFA_FUTURE_THING", message: "of a newer version" } })
    const e = (await answer.catch((error) => error)) as AccelerateError
    expect(e).toMatchObject({
      code: "IPFA_INTERNAL",
      message: "of a newer version",
      data: { code: "IPFA_FUTURE_THING" },
    })
  })

  test.each(["__proto__", "constructor", "toString"])("with the code %s are errors like any other", async (name) => {
    const { answer, send } = asked()
    send({ kind: "error", id: 1, error: { code: name, message: "odd" } })
    expect(await code(answer)).toBe("IPFA_INTERNAL")
  })

  test("that come twice, or after a cancel, are dropped", async () => {
    const { answer, send, alive, peer } = asked()
    send({ kind: "complete", id: 1, value: { sent: 1 } })
    send({ kind: "error", id: 1, error: { code: "IPFA_INTERNAL", message: "" } })
    expect(await answer).toEqual({ sent: 1 })
    const controller = new AbortController()
    const cancelled = call(peer, "test.count", { n: 1 }, { signal: controller.signal })
    controller.abort()
    expect(await code(cancelled)).toBe("IPFA_JOB_CANCELLED")
    send({ kind: "complete", id: 2, value: { sent: 1 } })
    expect(await alive()).toBe(true)
  })

  test("wait for the events before them to be taken in; a consumer that throws ends the call", async () => {
    const order: string[] = []
    let release!: () => void
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const raw = rawPeer("client")
    const answer = call(
      raw.peer,
      "test.count",
      { n: 2 },
      {
        onEvent: async (event) => {
          await held
          order.push(`event ${(event as { i: number }).i}`)
        },
      },
    ).then(() => order.push("answer"))
    raw.send({ kind: "event", id: 1, seq: 0, value: { i: 0 } })
    raw.send({ kind: "event", id: 1, seq: 1, value: { i: 1 } })
    raw.send({ kind: "complete", id: 1, value: { sent: 2 } })
    await raw.alive()
    expect(order).toEqual([])
    release()
    await answer
    expect(order).toEqual(["event 0", "event 1", "answer"])

    const thrown = call(
      raw.peer,
      "test.count",
      { n: 1 },
      {
        onEvent: () => {
          throw new Error("the consumer's own")
        },
      },
    )
    raw.send({ kind: "event", id: 2, seq: 0, value: { i: 0 } })
    const e = (await thrown.catch((error) => error)) as AccelerateError
    expect(e.code).toBe("IPFA_JOB_CANCELLED")
    expect((e.cause as Error).message).toContain("the consumer's own")
    await raw.alive()
    expect(raw.received.some((m) => m.kind === "cancel" && m.id === 2)).toBe(true)
  })
})

describe("a peer of another version", () => {
  test("this one speaks its own and the one before, and none that never was", async () => {
    expect(OLDEST_PROTOCOL_VERSION).toBe(Math.max(1, PROTOCOL_VERSION - 1))
    const [here, there] = memoryPorts()
    const greeting = new Promise((resolve) => there.start(resolve, () => {}))
    testClient(here)
    expect(await greeting).toMatchObject({ versions: [OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION] })
  })

  const peers = (here: [number, number], there: [number, number]) => {
    const [a, b] = memoryPorts()
    return [testClient(a, { versions: here }), testServer(b, { versions: there })] as const
  }

  test.each([
    [[0, 1], [0, 0], 0],
    [[0, 0], [0, 1], 0],
    [[1, 2], [0, 1], 1],
    [[0, 1], [0, 9], 1],
  ] as [[number, number], [number, number], number][])(
    "%j and %j interoperate as version %d",
    async (here, there, version) => {
      const [client, server] = peers(here, there)
      expect(await call(client, "test.echo", { value: 1 })).toEqual({ value: 1 })
      expect([client.version, server.version]).toEqual([version, version])
    },
  )

  test.each([
    [
      [0, 1],
      [2, 3],
    ],
    [
      [2, 3],
      [0, 1],
    ],
    [
      [0, 1],
      [1, 0],
    ],
  ] as [[number, number], [number, number]][])(
    "%j and %j share none: IPFA_PROTOCOL_VERSION on every call of both",
    async (here, there) => {
      const [client, server] = peers(here, there)
      const early = [code(call(client, "test.ends")), code(call(server, "test.ends"))]
      expect(await Promise.all(early)).toEqual(["IPFA_PROTOCOL_VERSION", "IPFA_PROTOCOL_VERSION"])
      const late = [code(call(client, "test.ends")), code(call(server, "test.ends"))]
      expect(await Promise.all(late)).toEqual(["IPFA_PROTOCOL_VERSION", "IPFA_PROTOCOL_VERSION"])
      expect((await client.closed)?.code).toBe("IPFA_PROTOCOL_VERSION")
      expect((await server.closed)?.code).toBe("IPFA_PROTOCOL_VERSION")
    },
  )

  test("a newer one's unknown fields are dropped", async () => {
    const { send, next } = rawPeer("server", { greet: false })
    send({ ...hello, compression: ["zstd"] })
    send({ kind: "call", id: 1, method: "test.ends", params: { more: 1 }, tenant: "x" })
    expect(await next(answerTo(1))).toMatchObject({ kind: "complete" })
  })
})

describe("nothing is left behind", () => {
  test("on a caller's signal, however its calls ended", async () => {
    const [a, b] = memoryPorts()
    const client = testClient(a)
    testServer(b)
    const { signal } = new AbortController()
    await call(client, "test.echo", { value: 1 }, { signal })
    await code(call(client, "test.fail", {}, { signal }))
    await code(call(client, "test.hang", { name: "x" }, { signal, deadlineMs: 1 }))
    await code(call(client, "test.echo", { value: () => {} }, { signal }))
    const open = code(call(client, "test.hang", { name: "y" }, { signal }))
    expect(getEventListeners(signal, "abort").length).toBe(1)
    client.close()
    expect(await open).toBe("IPFA_PROTOCOL_CLOSED")
    expect(getEventListeners(signal, "abort").length).toBe(0)
  })

  test("a signal that has fired, or fires with a reason of its own, says so", async () => {
    const [a, b] = memoryPorts()
    const client = testClient(a)
    testServer(b)
    expect(await code(call(client, "test.echo", {}, { signal: AbortSignal.abort() }))).toBe("IPFA_JOB_CANCELLED")
    const timeout = AbortSignal.timeout(5)
    expect(await code(call(client, "test.hang", { name: "x" }, { signal: timeout }))).toBe("IPFA_JOB_DEADLINE")
  })

  test("a real peer refuses methods it doesn't serve without asking the handlers' prototype", async () => {
    const [a, b] = memoryPorts()
    const client = new Peer(a, { role: "client" })
    new Peer(b, { role: "server", handlers: Object.create({ "hardware.report": () => ({ devices: [], absent: [] }) }) })
    expect(await code(client.call("hardware.report", {}))).toBe("IPFA_PROTOCOL_UNKNOWN_METHOD")
  })
})
