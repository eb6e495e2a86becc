import { createServer } from "node:http"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { WebSocket } from "ws"
import { Pairing } from "../../bridge-server/access/pairing.ts"
import { connect } from "../../bridge-server/cli/connect.ts"
import { writeSecret } from "../../bridge-server/data-folder.ts"
import { AccelerateError, methods } from "../../protocol/index.ts"
import { type DialOptions, dial, type TestBridge, testBridge } from "../support/bridge.ts"

const EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
const OTHER = "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba"
let t: TestBridge

beforeAll(async () => {
  t = await testBridge({ native: false })
})
afterAll(() => t.close())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )

describe("S2: a WebSocket upgrade", () => {
  const origins = [
    "null",
    "https://evil.test",
    "http://localhost",
    "http://127.0.0.1:1",
    "file://",
    "chrome-extension://",
    "chrome-extension://a/../b",
  ]

  test.each(origins)("from %s is refused at both doors, with and without the token", async (origin) => {
    for (const path of ["client", "agent"])
      for (const token of [undefined, t.bridge.token])
        await expect(dial(`${t.bridge.ws}/${path}`, { origin, ...(token !== undefined && { token }) })).rejects.toThrow(
          "403",
        )
  })

  test("from an extension that is not paired is refused where callers come in, even with the token", async () => {
    await expect(dial(`${t.bridge.ws}/client`, { origin: EXTENSION, token: t.bridge.token })).rejects.toThrow("403")
  })

  const strangers: [from: string, options: () => DialOptions<undefined>][] = [
    ["without an Origin", () => ({})],
    ["from an extension that nobody paired", () => ({ origin: OTHER })],
    ["from a page of the bridge's own", () => ({ origin: t.bridge.http })],
  ]
  test.each(strangers)(
    "%s and without a token can do nothing where agents come in but trade a code",
    async (from, as) => {
      const agent = from.replace(/\W/g, "-")
      const hardware = { devices: [], absent: [] }
      const join = { agent, browser: "chromium" as const, version: "1", incarnation: 1, hardware }
      // What is served there, with what it takes; of all others not even that is looked at.
      const served: Record<string, object> = {
        "agent.join": join,
        "agent.beat": { running: 0, waiting: 0 },
        "agent.record": { measurements: [] },
      }
      const peer = await dial(`${t.bridge.ws}/agent`, as())
      const others = methods.map(({ name }) => name).filter((name) => name !== "agent.pair")
      const answers = others.map(async (name) => [name, await code(peer.call(name, (served[name] ?? {}) as never))])
      expect(Object.fromEntries(await Promise.all(answers))).toEqual(
        Object.fromEntries(
          others.map((name) => [name, name in served ? "IPFA_BRIDGE_TOKEN" : "IPFA_PROTOCOL_UNKNOWN_METHOD"]),
        ),
      )
      expect(await code(peer.call("agent.pair", { code: "WRONGWRO", agent }))).toBe("IPFA_BRIDGE_PAIRING")
      expect((await t.http("GET", "/v1/agents")).bytes.toString()).not.toContain(agent)
      // The token is good on the next connection; this one stays what it was.
      const { token } = await peer.call("agent.pair", { code: t.bridge.pairingCode().code, agent })
      expect(await code(peer.call("agent.join", join))).toBe("IPFA_BRIDGE_TOKEN")
      peer.close()
      const paired = await dial(`${t.bridge.ws}/agent`, { ...as(), token })
      expect(await code(paired.call("agent.join", join))).toBe("resolved")
      paired.close()
    },
  )

  test("with no Origin and no token is refused where callers come in", async () => {
    await expect(dial(`${t.bridge.ws}/client`)).rejects.toThrow("401")
  })

  test("with a wrong token is refused at both doors", async () => {
    for (const path of ["client", "agent"])
      await expect(dial(`${t.bridge.ws}/${path}`, { token: "A".repeat(43) })).rejects.toThrow("401")
  })

  test("with a foreign Host is refused", async () => {
    await expect(
      dial(`${t.bridge.ws}/client`, { token: t.bridge.token, headers: { host: "evil.test" } }),
    ).rejects.toThrow("403")
  })

  test("with the token as a subprotocol is let in, and the token is not echoed", async () => {
    const socket = new WebSocket(`${t.bridge.ws}/client`, ["ipfa.v1", `ipfa.token.${t.bridge.token}`])
    await new Promise((resolve, reject) => {
      socket.once("open", resolve)
      socket.once("error", reject)
    })
    expect(socket.protocol).toBe("ipfa.v1")
    socket.close()
  })

  test("to a path that is none is refused", async () => {
    await expect(dial(`${t.bridge.ws}/v1/status`, { token: t.bridge.token })).rejects.toThrow()
    await expect(dial(`${t.bridge.ws}/nowhere`, { token: t.bridge.token })).rejects.toThrow("404")
  })
})

describe("S4: a role is what the token gives", () => {
  test("a caller can't act as an agent or as a pool, nor the reverse", async () => {
    const peer = await t.client()
    const hardware = { devices: [], absent: [] }
    expect(
      await code(peer.call("agent.join", { agent: "a", browser: "native", version: "1", incarnation: 1, hardware })),
    ).toBe("IPFA_PROTOCOL_UNKNOWN_METHOD")
    expect(await code(peer.call("device.probe", {}))).toBe("IPFA_PROTOCOL_UNKNOWN_METHOD")
    const owner = await dial(`${t.bridge.ws}/agent`, { token: t.bridge.token })
    expect(
      await code(owner.call("agent.join", { agent: "a", browser: "native", version: "1", incarnation: 1, hardware })),
    ).toBe("IPFA_GRANT_REQUIRED")
    owner.close()
  })
})

describe("S5: a pairing code", () => {
  let now: number
  let pairing: Pairing
  beforeEach(() => {
    now = 1000
    pairing = new Pairing({ now: () => now })
  })
  const attempt = (given: string, peer: { address?: string; webOrigin?: string } = {}) => {
    try {
      pairing.redeem(given, "agent", { address: "192.0.2.1", webOrigin: EXTENSION, ...peer })
      return "paired"
    } catch (error) {
      return (error as AccelerateError).code
    }
  }

  test("is good once", () => {
    const { code: made } = pairing.create("agent")
    expect(attempt(made)).toBe("paired")
    expect(attempt(made)).toBe("IPFA_BRIDGE_PAIRING")
  })

  test("is understood as people type it", () => {
    const { code: made } = pairing.create("agent")
    expect(made).toMatch(/^[3467ACDEFGHJKMNPQRTVWXY9]{8}$/)
    expect(attempt(` ${made.slice(0, 4).toLowerCase()}-${made.slice(4)} `)).toBe("paired")
  })

  test("ends after five minutes", () => {
    const { code: made } = pairing.create("agent")
    now += 5 * 60_000
    expect(attempt(made)).toBe("IPFA_BRIDGE_PAIRING")
  })

  test("can be guessed at five times a minute by each peer, and nobody else is locked out", () => {
    const { code: made } = pairing.create("agent")
    const guesses = Array.from({ length: 8 }, () => attempt("WRONGWRO"))
    expect(guesses).toEqual([...Array(5).fill("IPFA_BRIDGE_PAIRING"), ...Array(3).fill("IPFA_BRIDGE_PAIRING_RATE")])
    expect(attempt(made)).toBe("IPFA_BRIDGE_PAIRING_RATE")
    // Neither another origin there, nor the same (an extension's is public) at another address.
    const elsewhere = pairing.create("agent").code
    expect(attempt(made, { webOrigin: OTHER })).toBe("paired")
    expect(attempt(elsewhere, { address: "192.0.2.2" })).toBe("paired")
    now += 60_000
    expect(attempt("WRONGWRO")).toBe("IPFA_BRIDGE_PAIRING")
  })

  test("can be guessed at twenty times a minute from one address, by however many made-up origins", () => {
    const guess = (i: number, address: string) =>
      attempt("WRONGWRO", { address, webOrigin: `chrome-extension://${String.fromCharCode(97 + i).repeat(32)}` })
    const guesses = Array.from({ length: 26 }, (_, i) => guess(i, "192.0.2.1"))
    expect(guesses.filter((code) => code === "IPFA_BRIDGE_PAIRING")).toHaveLength(20)
    expect(guesses.slice(20)).toEqual(Array(6).fill("IPFA_BRIDGE_PAIRING_RATE"))
    expect(attempt(pairing.create("agent").code, { address: "192.0.2.2" })).toBe("paired")
    // One machine has as many IPv6 addresses as it likes, all with the same beginning.
    const many = Array.from({ length: 21 }, (_, i) => guess(i, `2001:db8:0:1::${(i + 1).toString(16)}`))
    expect(many[20]).toBe("IPFA_BRIDGE_PAIRING_RATE")
    expect(guess(0, "2001:db8:0:2::1")).toBe("IPFA_BRIDGE_PAIRING")
    now += 60_000
    expect(guess(0, "192.0.2.1")).toBe("IPFA_BRIDGE_PAIRING")
  })

  test("that is right is no guess: browsers pair one after the other, without a wait", () => {
    for (let i = 0; i < 30; i++) expect(attempt(pairing.create("agent").code)).toBe("paired")
  })

  test("is not used up by a name that can't be had", async () => {
    const { code: made } = t.bridge.pairingCode()
    const peer = await dial(`${t.bridge.ws}/agent`, { origin: OTHER })
    for (const agent of ["native", "native-gpu", "owner", "bridge", "chromium", "firefox"])
      expect(await code(peer.call("agent.pair", { code: made, agent })), agent).toBe("IPFA_INPUT_INVALID")
    expect(await code(peer.call("agent.pair", { code: made, agent: "chromium-1" }))).toBe("resolved")
    peer.close()
  })

  test("guessed at over the socket is refused the same way", async () => {
    const peer = await dial(`${t.bridge.ws}/agent`, { origin: EXTENSION })
    const codes: string[] = []
    for (let i = 0; i < 7; i++) codes.push(await code(peer.call("agent.pair", { code: "WRONGWRO", agent: "thief" })))
    expect(codes.slice(0, 5)).toEqual(Array(5).fill("IPFA_BRIDGE_PAIRING"))
    expect(codes.slice(5)).toEqual(Array(2).fill("IPFA_BRIDGE_PAIRING_RATE"))
    peer.close()
    // A second connection from the same origin is the same peer.
    const again = await dial(`${t.bridge.ws}/agent`, { origin: EXTENSION })
    expect(await code(again.call("agent.pair", { code: t.bridge.pairingCode().code, agent: "thief" }))).toBe(
      "IPFA_BRIDGE_PAIRING_RATE",
    )
    again.close()
    const other = await dial(`${t.bridge.ws}/agent`, { origin: "moz-extension://6b9e0c4c-0000-4000-8000-000000000000" })
    expect(await code(other.call("agent.pair", { code: t.bridge.pairingCode().code, agent: "laptop" }))).toBe(
      "resolved",
    )
    other.close()
  })

  test("can't take over a name that was paired from elsewhere, nor one of the bridge's own", async () => {
    const pair = async (origin: string, agent: string) => {
      const peer = await dial(`${t.bridge.ws}/agent`, { origin })
      const answer = await code(peer.call("agent.pair", { code: t.bridge.pairingCode().code, agent }))
      peer.close()
      return answer
    }
    expect(await pair("moz-extension://11111111-0000-4000-8000-000000000000", "desk")).toBe("resolved")
    expect(await pair("moz-extension://22222222-0000-4000-8000-000000000000", "desk")).toBe("IPFA_BRIDGE_PAIRING")
    expect(await pair("moz-extension://22222222-0000-4000-8000-000000000000", "native")).toBe("IPFA_INPUT_INVALID")
  })
})

describe("S6: an impostor on the bridge's port", () => {
  /** Listens where bridge.json says, answers as `answer` does, and notes all it was told. */
  async function impostor(answer: (url: string) => Promise<string> | string) {
    const heard: string[] = []
    const server = createServer(async (request, response) => {
      heard.push(`${request.url} ${JSON.stringify(request.headers)}`)
      response.setHeader("content-type", "application/json").end(await answer(request.url ?? ""))
    })
    server.on("upgrade", (request, socket) => {
      heard.push(`${request.url} ${JSON.stringify(request.headers)}`)
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as { port: number }
    const address = {
      http: `http://127.0.0.1:${port}`,
      ws: `ws://127.0.0.1:${port}`,
      tokenFile: t.bridge.tokenFile,
      pid: 1,
    }
    writeSecret(`${t.dir}/bridge.json`, JSON.stringify(address))
    return { heard, close: () => new Promise((resolve) => server.close(resolve)) }
  }

  test.each([
    ["makes one up", () => JSON.stringify({ proof: "0".repeat(64) })],
    ["answers something else", () => "<html>"],
    // The proof names the address that was dialled, so the real bridge's proof is worth nothing here.
    ["asks the real bridge for it", async (url: string) => (await fetch(t.bridge.http + url)).text()],
  ])("that %s never hears the token", async (_, answer) => {
    const { heard, close } = await impostor(answer)
    expect(await code(connect(t.dir))).toBe("IPFA_BRIDGE_UNREACHABLE")
    expect(heard.length).toBeGreaterThan(0)
    expect(heard.join("\n")).not.toContain(t.bridge.token)
    await close()
  })

  test("the real bridge proves itself", async () => {
    const { http, ws, tokenFile } = t.bridge
    writeSecret(`${t.dir}/bridge.json`, JSON.stringify({ http, ws, tokenFile, pid: process.pid }))
    const client = await connect(t.dir)
    expect(await client.request("GET", "/v2")).toMatchObject({ name: "ipfs-accelerate" })
    client.close()
  })

  test("a proof can't be asked for another agent's existence", async () => {
    const peer = await dial(`${t.bridge.ws}/agent`, { origin: OTHER })
    await peer.call("agent.pair", { code: t.bridge.pairingCode().code, agent: "known" })
    peer.close()
    const ask = async (agent: string) =>
      Object.keys((await t.http("GET", `/v1/proof?nonce=0123456789abcdef&agent=${agent}`)).json)
    expect(await ask("known")).toEqual(await ask("nobody"))
  })
})

test("S10: who has no token can't make the bridge gather a large message", async () => {
  const socket = new WebSocket(`${t.bridge.ws}/agent`, ["ipfa.v1"], { origin: EXTENSION, perMessageDeflate: false })
  await new Promise((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  const closed = new Promise<number>((resolve) => socket.once("close", resolve))
  socket.on("error", () => {})
  // Announced as one message of 256 MiB, of which less than one is sent.
  const part = new Uint8Array(128 * 1024)
  for (let i = 0; i < 4; i++) socket.send(part, { binary: true, fin: false })
  expect(await closed).toBe(1006)
  expect((await t.http("GET", "/healthz")).status).toBe(200)
})
