import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { relay } from "../../extension/page/relay.ts"
import {
  type AccelerateError,
  byteStreamPort,
  decodeFrame,
  encodeFrame,
  extensionPort,
  joinBytes,
  lengthPrefix,
  type Message,
  memoryPorts,
  nativePort,
  type PeerCore,
  webSocketPort,
} from "../../protocol/index.ts"
import { startChild } from "./links.ts"
import { hello } from "./raw-peer.ts"
import { runtimePorts } from "./runtime-ports.ts"
import { call, testClient, testServer } from "./test-methods.ts"

/** What only the channel itself can be attacked with: frames, lengths, chunks, and not reading. */

const LIMIT = 2 ** 20
const frame = (message: unknown) => joinBytes(encodeFrame(message))
const echo = (id: number, bytes: number): Message => ({
  kind: "call",
  id,
  method: "test.echo",
  params: { value: new Uint8Array(bytes) },
})
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (e: AccelerateError) => e.code,
  )

describe("a WebSocket", () => {
  let listener: WebSocketServer
  beforeEach(async () => {
    listener = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: 2 * LIMIT })
    await once(listener, "listening")
  })
  afterEach(async () => {
    for (const socket of listener.clients) socket.terminate()
    listener.close()
    await once(listener, "close")
  })

  const url = () => `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`
  async function accept(options: Parameters<typeof testServer>[1] = {}) {
    const [accepted] = await once(listener, "connection")
    return testServer(webSocketPort(accepted, { maxBytes: 2 * LIMIT }), options)
  }
  /** A client without manners, and the peer that serves it. */
  async function open(options: Parameters<typeof testServer>[1] = {}) {
    const socket = new WebSocket(url())
    const opened = once(socket, "open")
    const server = await accept(options)
    await opened
    return { socket, server }
  }
  /** A client with them. */
  async function dial(options?: Parameters<typeof webSocketPort>[1], serving?: Parameters<typeof testServer>[1]) {
    const client = testClient(webSocketPort(new WebSocket(url()), options))
    return { client, server: await accept(serving) }
  }

  test.each([
    ["a text message", (s: WebSocket) => s.send("hello"), "IPFA_PROTOCOL_MALFORMED"],
    ["an empty message", (s: WebSocket) => s.send(new Uint8Array(0)), "IPFA_PROTOCOL_MALFORMED"],
    ["bytes that are no frame", (s: WebSocket) => s.send(new Uint8Array(100).fill(7)), "IPFA_PROTOCOL_MALFORMED"],
    ["a frame that is cut off", (s: WebSocket) => s.send(frame(hello).slice(0, -10)), "IPFA_PROTOCOL_MALFORMED"],
    ["a frame of no message", (s: WebSocket) => s.send(frame({ kind: "x" })), "IPFA_PROTOCOL_MALFORMED"],
  ])("that sends %s is closed with the reason", async (_, send, reason) => {
    const { socket, server } = await open()
    send(socket)
    const [, text] = await once(socket, "close")
    expect(String(text)).toBe(reason)
    expect((await server.closed)?.code).toBe(reason)
  })

  test("that sends more than the other side takes learns that it was too much", async () => {
    const { client, server } = await dial()
    expect(await code(call(client, "test.echo", { value: new Uint8Array(3 * LIMIT) }))).toBe("IPFA_PROTOCOL_TOO_LARGE")
    expect((await client.closed)?.code).toBe("IPFA_PROTOCOL_TOO_LARGE")
    await server.closed
  })

  test("whose own limit a message passes refuses that call alone", async () => {
    const { client } = await dial({ maxBytes: LIMIT })
    expect(await code(call(client, "test.echo", { value: new Uint8Array(LIMIT) }))).toBe("IPFA_PROTOCOL_TOO_LARGE")
    expect(await call(client, "test.echo", { value: 1 })).toEqual({ value: 1 })
  })

  test("whose answer passes the other side's limit carries an error in its place", async () => {
    const absent = [{ id: "x", backend: "x", reason: "x".repeat(3 * LIMIT) }]
    const handlers = { "hardware.report": () => ({ devices: [], absent }) }
    const { client } = await dial({}, { handlers })
    expect(await code(call(client, "hardware.report"))).toBe("IPFA_PROTOCOL_TOO_LARGE")
    absent.length = 0
    expect(await call(client, "hardware.report")).toEqual({ devices: [], absent: [] })
  })

  test("that never reads is cut off, and the others are served meanwhile", async () => {
    const { socket, server } = await open({ maxPendingBytes: 4 * LIMIT })
    const { client } = await dial()
    socket.pause()
    socket.send(frame(hello))
    let closed = false
    void server.closed.then(() => {
      closed = true
    })
    for (let id = 1; !closed; id++) {
      socket.send(frame(echo(id, LIMIT)))
      expect(await call(client, "test.echo", { value: id })).toEqual({ value: id })
      expect(id).toBeLessThan(100)
    }
    expect((await server.closed)?.code).toBe("IPFA_PROTOCOL_SLOW_READER")
    expect(await call(client, "test.echo", { value: "still" })).toEqual({ value: "still" })
  })

  test("messages that came before the port was started are delivered first, then the end", async () => {
    const socket = new WebSocket(url())
    const [accepted] = await once(listener, "connection")
    const port = webSocketPort(accepted)
    await once(socket, "open")
    socket.send(frame({ n: 1 }))
    socket.send(frame({ n: 2 }))
    socket.close(1000, "IPFA_GRANT_REVOKED")
    await once(accepted, "close")
    const log: unknown[] = []
    port.start(
      (message) => log.push(message),
      (reason) => log.push((reason as AccelerateError).code),
    )
    expect(log).toEqual([{ n: 1 }, { n: 2 }, "IPFA_GRANT_REVOKED"])
  })

  test("calls made before it is open are sent then", async () => {
    const socket = new WebSocket(url())
    const port = webSocketPort(socket)
    const client = testClient(port)
    const answer = call(client, "test.echo", { value: new Uint8Array(1000) })
    expect(port.pendingBytes).toBeGreaterThan(1000)
    const [accepted] = await once(listener, "connection")
    testServer(webSocketPort(accepted))
    expect(await answer).toEqual({ value: new Uint8Array(1000) })
  })

  test("that can't connect ends its calls", async () => {
    const socket = new WebSocket(url())
    const client = testClient(webSocketPort(socket))
    const answer = code(call(client, "test.ends"))
    socket.terminate()
    expect(await answer).toBe("IPFA_PROTOCOL_CLOSED")
  })
})

describe("a byte stream", () => {
  let listener: Server
  let accepted: Socket
  let server: PeerCore
  let socket: Socket
  beforeEach(async () => {
    listener = createServer().listen(0, "127.0.0.1")
    await once(listener, "listening")
    socket = connect((listener.address() as AddressInfo).port, "127.0.0.1")
    ;[accepted] = await once(listener, "connection")
    server = testServer(byteStreamPort(accepted, accepted, { maxBytes: 2 * LIMIT }), { maxPendingBytes: 4 * LIMIT })
  })
  afterEach(async () => {
    socket.destroy()
    accepted.destroy()
    listener.close()
    await once(listener, "close")
  })
  const send = (bytes: Uint8Array) => socket.write(Buffer.concat([lengthPrefix(bytes.length), bytes]))

  /** What the other side says until it ends the stream. */
  async function last(): Promise<unknown> {
    const chunks: Uint8Array[] = []
    for await (const chunk of socket) chunks.push(chunk)
    const all = Buffer.concat(chunks)
    let message: unknown
    for (let at = 0; at < all.length; ) {
      const length = all.readUInt32LE(at)
      message = decodeFrame(new Uint8Array(all.subarray(at + 4, at + 4 + length)))
      at += 4 + length
    }
    return message
  }

  test.each([
    ["a length of 4 GiB", () => socket.write(lengthPrefix(2 ** 32 - 1)), "IPFA_PROTOCOL_TOO_LARGE"],
    ["a length just over the limit", () => socket.write(lengthPrefix(2 * LIMIT + 1)), "IPFA_PROTOCOL_TOO_LARGE"],
    ["an empty body", () => send(new Uint8Array(0)), "IPFA_PROTOCOL_MALFORMED"],
    ["a body that is no frame", () => send(new Uint8Array(50)), "IPFA_PROTOCOL_MALFORMED"],
    ["two bad bodies at once", () => [1, 2].map(() => send(new Uint8Array(50))), "IPFA_PROTOCOL_MALFORMED"],
  ])("that carries %s is ended with the reason", async (_, attack, reason) => {
    attack()
    expect(await last()).toEqual({ kind: "bye", reason })
    expect((await server.closed)?.code).toBe(reason)
  })

  test("that ends in mid-message ends the calls on it", async () => {
    send(frame(hello))
    send(frame({ kind: "call", id: 1, method: "test.hang", params: { name: "x" } }))
    socket.end(lengthPrefix(1000))
    expect(await server.closed).toBeUndefined()
  })

  test("that is reset ends with IPFA_PROTOCOL_CLOSED", async () => {
    send(frame(hello))
    await server.ready
    socket.resetAndDestroy()
    expect((await server.closed)?.code).toBe("IPFA_PROTOCOL_CLOSED")
  })

  test("that is never read is cut off", async () => {
    socket.pause()
    send(frame(hello))
    let closed = false
    void server.closed.then(() => {
      closed = true
    })
    socket.on("error", () => {})
    for (let id = 1; !closed; id++) {
      if (!send(frame(echo(id, LIMIT)))) await Promise.race([once(socket, "drain"), server.closed])
      expect(id).toBeLessThan(100)
    }
    expect((await server.closed)?.code).toBe("IPFA_PROTOCOL_SLOW_READER")
    expect(accepted.destroyed).toBe(true)
  })
})

describe("an extension port", () => {
  const data = new Uint8Array(2 ** 16)
  test.each([
    [
      "a chunk of a frame over the limit",
      { kind: "chunk", total: 2 * LIMIT + 1, offset: 0, data },
      "IPFA_PROTOCOL_TOO_LARGE",
    ],
    ["a chunk out of order", { kind: "chunk", total: LIMIT, offset: 8, data }, "IPFA_PROTOCOL_MALFORMED"],
    ["a frame that is none", { kind: "chunk", total: 2 ** 16, offset: 0, data }, "IPFA_PROTOCOL_MALFORMED"],
    ["null", null, "IPFA_PROTOCOL_MALFORMED"],
  ])("that carries %s is ended with the reason", async (_, message, reason) => {
    const [here, there] = runtimePorts("structured_clone")
    const server = testServer(extensionPort(there, { structuredClone: true, maxBytes: 2 * LIMIT }))
    const log: unknown[] = []
    here.onMessage.addListener((m) => log.push(m))
    const gone = new Promise<void>((resolve) => here.onDisconnect.addListener(resolve))
    here.postMessage(message)
    expect((await server.closed)?.code).toBe(reason)
    await gone
    expect(log.at(-1)).toEqual({ kind: "bye", reason })
  })

  test("to which a page's messages are relayed takes no chunk of the page's own, which could leave a frame unfinished", async () => {
    const [page, relayed] = memoryPorts()
    const [here, there] = runtimePorts("structured_clone")
    relay(relayed, extensionPort(here, { structuredClone: true }))
    const server = testServer(extensionPort(there, { structuredClone: true }))
    const told = new Promise((resolve) => page.start(() => {}, resolve))
    page.send({ kind: "chunk", total: 2 ** 30, offset: 0, data } as never)
    expect((await server.closed)?.code).toBe("IPFA_PROTOCOL_MALFORMED")
    expect(await told).toMatchObject({ code: "IPFA_PROTOCOL_MALFORMED" })
  })

  test("whose extension was updated under it ends its calls", async () => {
    const [here, there] = runtimePorts("structured_clone")
    testServer(extensionPort(there, { structuredClone: true }))
    const client = testClient(extensionPort(here, { structuredClone: true }))
    expect(await call(client, "test.echo", { value: 1 })).toEqual({ value: 1 })
    // From here on it throws, and no event tells of it.
    here.disconnect()
    expect(await code(call(client, "test.echo", { value: 1 }))).toBe("IPFA_PROTOCOL_CLOSED")
  })
})

describe("a native host", () => {
  test.each([
    ["a length over 64 MiB", lengthPrefix(2 ** 26 + 1), "IPFA_PROTOCOL_TOO_LARGE"],
    ["text that is no JSON", Buffer.concat([lengthPrefix(3), Buffer.from("{x}")]), "IPFA_PROTOCOL_MALFORMED"],
    [
      "bytes that are no UTF-8",
      Buffer.concat([lengthPrefix(3), Buffer.from([0x22, 0xff, 0x22])]),
      "IPFA_PROTOCOL_MALFORMED",
    ],
    ["a chunk of no base64", json({ kind: "chunk", total: 9, offset: 0, data: "*" }), "IPFA_PROTOCOL_MALFORMED"],
    ["an end in mid-message", lengthPrefix(10), undefined],
  ])("that is sent %s says why and ends in order", async (_, attack, reason) => {
    const host = startChild("stdio")
    const chunks: Uint8Array[] = []
    host.stdout?.on("data", (chunk) => chunks.push(chunk))
    host.stdin?.on("error", () => {})
    host.stdin?.end(attack)
    const [exit] = await once(host, "close")
    expect(exit).toBe(0)
    const all = Buffer.concat(chunks)
    const said: { kind: string; reason?: string }[] = []
    for (let at = 0; at < all.length; at += 4 + all.readUInt32LE(at))
      said.push(JSON.parse(all.toString("utf8", at + 4, at + 4 + all.readUInt32LE(at))))
    expect(said[0]).toMatchObject({ kind: "hello" })
    if (reason) expect(said.at(-1)).toEqual({ kind: "bye", reason })
  })

  test("message stays below the browser's limit, whatever it carries", async () => {
    const [here, there] = runtimePorts("json")
    let largest = 0
    here.onMessage.addListener((message) => {
      largest = Math.max(largest, Buffer.byteLength(JSON.stringify(message)))
    })
    testServer(nativePort(there))
    const client = testClient(nativePort(here))
    for (const value of ["€".repeat(400_000), "\u0000".repeat(400_000), "x".repeat(2 ** 21), new Uint8Array(2 ** 22)])
      await call(client, "test.echo", { value })
    expect(largest).toBeGreaterThan(900_000)
    expect(largest).toBeLessThanOrEqual(2 ** 20)
  })
})

function json(message: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(message))
  return Buffer.concat([lengthPrefix(body.length), body])
}
