import { createHmac, generateKeyPairSync } from "node:crypto"
import { Agent, request } from "node:http"
import { connect } from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { dial, raw, type TestBridge, testBridge } from "../support/bridge.ts"
import { refusal } from "../support/pool.ts"

let t: TestBridge
let port: number
let host: string

beforeAll(async () => {
  t = await testBridge({ native: false })
  port = Number(new URL(t.bridge.http).port)
  host = `127.0.0.1:${port}`
})
afterAll(() => t.close())

const ask = (method: string, path: string, headers: Record<string, string>, body?: string) =>
  raw(t.bridge.http, method, path, body, headers)
const authorization = () => `Bearer ${t.bridge.token}`

/** What must not be learnt or done by who is refused. */
function expectRefused(answer: Awaited<ReturnType<typeof raw>>, status: number, code: string): void {
  expect([answer.status, answer.code]).toEqual([status, code])
  const text = answer.bytes.toString()
  for (const secret of [t.bridge.token, t.dir]) expect(text).not.toContain(secret)
  expect(answer.headers["access-control-allow-origin"]).toBeUndefined()
  expect(answer.headers["x-frame-options"]).toBe("DENY")
}

describe("S1: a Host header that does not name this bridge is refused before routing, token or not", () => {
  const hosts = () => [
    "evil.test",
    `evil.test:${port}`,
    `localhost.evil:${port}`,
    `127.0.0.1.nip.io:${port}`,
    `localhost.:${port}`,
    "127.0.0.1",
    "localhost",
    `127.0.0.1:${port + 1}`,
    `127.0.0.2:${port}`,
    `0.0.0.0:${port}`,
    `[::ffff:127.0.0.1]:${port}`,
    `2130706433:${port}`,
    `127.1:${port}`,
    `user@127.0.0.1:${port}`,
    `127.0.0.1:${port}/..`,
  ]
  test("on every kind of route", async () => {
    for (const name of hosts())
      for (const path of [
        "/v1/status",
        "/healthz",
        "/docs",
        "/docs/json",
        "/v1/proof?nonce=0123456789abcdef",
        "/nowhere",
      ])
        expectRefused(await ask("GET", path, { host: name, authorization: authorization() }), 403, "IPFA_BRIDGE_HOST")
  })

  test("the forms of loopback with the right port are taken", async () => {
    for (const name of [host, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])
      expect((await ask("GET", "/v1/status", { host: name, authorization: authorization() })).status).toBe(200)
  })

  test.each(["GET /v1/status HTTP/1.0\r\n\r\n", "GET /v1/status HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"])(
    "no name at all: %j",
    async (head) => {
      const answer = await new Promise<string>((resolve, reject) => {
        let text = ""
        const socket = connect(port, "127.0.0.1", () => socket.write(head))
        socket.on("data", (chunk) => {
          text += chunk
        })
        socket.on("end", () => resolve(text))
        socket.on("error", reject)
      })
      expect(answer).toMatch(/^HTTP\/1\.[01] 403/)
    },
  )
})

describe("S2: an Origin that is not ours is refused, token or not", () => {
  test.each([
    "null",
    "https://evil.test",
    "http://localhost",
    "http://127.0.0.1:1",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "file://",
    "http://localhost.evil",
  ])("%s", async (origin) => {
    for (const path of ["/v1/status", "/healthz", "/docs/json"])
      expectRefused(await ask("GET", path, { origin, authorization: authorization() }), 403, "IPFA_BRIDGE_ORIGIN")
  })

  test("the bridge's own pages are let in, with the token", async () => {
    const origin = t.bridge.http
    expect((await ask("GET", "/v1/status", { origin, authorization: authorization() })).status).toBe(200)
    expectRefused(await ask("GET", "/v1/status", { origin }), 401, "IPFA_BRIDGE_TOKEN")
  })

  test("a preflight is no way in", async () => {
    const headers = {
      origin: "https://evil.test",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    }
    expectRefused(await ask("OPTIONS", "/v2/models/digits/infer", headers), 403, "IPFA_BRIDGE_ORIGIN")
  })
})

test("no page can put one of the bridge's into a frame, and have a person click in it", async () => {
  for (const path of ["/docs", "/docs/json", "/worker", "/dashboard", "/healthz"])
    expect((await ask("GET", path, {})).headers["x-frame-options"], path).toBe("DENY")
})

describe("S3: what a page can send without a preflight has no effect", () => {
  const body = JSON.stringify({ reference: "https://models.example/m.onnx", name: "planted" })

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; charset=application/json",
    "",
  ])("a POST as %j", async (type) => {
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type }
    for (const path of ["/v1/models", "/v2/models/digits/infer", "/v1/pairing"]) {
      expectRefused(await ask("POST", path, headers, body), 401, "IPFA_BRIDGE_TOKEN")
      // Even with the token, which no page has, such a body is not read.
      if (path === "/v1/pairing" && type === "") continue
      const { status } = await ask("POST", path, { authorization: authorization(), ...headers }, body)
      expect(status).toBe(415)
    }
    expect((await t.http("GET", "/v1/models")).json.aliases.map((a: { name: string }) => a.name)).toEqual(["digits"])
  })

  test.each([
    "/v1/status",
    "/v1/devices",
    "/v1/models",
    "/v1/agents",
    "/v1/benchmarks",
    "/v1/pairing",
    "/v2",
    "/v2/health/live",
    "/v2/models/digits",
    "/v2/models/digits/ready",
    "/metrics",
    "/client",
    "/agent",
    "/nowhere",
  ])("GET %s as an <img> or a no-cors fetch does", async (path) => {
    expectRefused(await ask("GET", path, {}), 401, "IPFA_BRIDGE_TOKEN")
  })

  test("the token in the address is none", async () => {
    for (const name of ["token", "access_token", "authorization"])
      expectRefused(await ask("GET", `/v1/status?${name}=${t.bridge.token}`, {}), 401, "IPFA_BRIDGE_TOKEN")
  })
})

/** A JSON Web Token; without a signature where there is no key. */
function jwt(alg: string, claims: object, key?: string): string {
  const signed = [{ alg, typ: "JWT" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".")
  return `${signed}.${key === undefined ? "" : createHmac("sha256", key).update(signed).digest("base64url")}`
}

const publicKey = () =>
  generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "pem" }) as string

describe("S4: what a client says about itself is not looked at", () => {
  test.each([
    ["another token", () => `Bearer ${"A".repeat(43)}`],
    ["the token without its last character", () => `Bearer ${t.bridge.token.slice(0, -1)}`],
    ["the token and one character more", () => `Bearer ${t.bridge.token}A`],
    ["an empty token", () => "Bearer "],
    ["another scheme", () => `Basic ${Buffer.from(`owner:${t.bridge.token}`).toString("base64")}`],
    ["a JWT without a signature", () => `Bearer ${jwt("none", { sub: "owner" })}`],
    ["a JWT signed with the token", () => `Bearer ${jwt("HS256", { sub: "owner" }, t.bridge.token)}`],
    [
      "a JWT signed with a public key as if that were secret",
      () => `Bearer ${jwt("HS256", { sub: "owner" }, publicKey())}`,
    ],
    ["an expired JWT", () => `Bearer ${jwt("HS256", { sub: "owner", exp: 1 }, t.bridge.token)}`],
    ["a JWT for another audience", () => `Bearer ${jwt("HS256", { sub: "owner", aud: "another" }, t.bridge.token)}`],
    ["two tokens", () => `Bearer x, Bearer ${t.bridge.token}`],
  ])("%s is 401", async (_, value) => {
    expectRefused(await ask("GET", "/v1/status", { authorization: value() }), 401, "IPFA_BRIDGE_TOKEN")
  })

  test("headers that claim a role give none", async () => {
    const headers = {
      "x-role": "owner",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-host": host,
      forwarded: `host=${host}`,
      cookie: `token=${t.bridge.token}`,
    }
    expectRefused(await ask("GET", "/v1/models", headers), 401, "IPFA_BRIDGE_TOKEN")
  })
})

describe("S4: a token opens what it was given for, whatever is asked with it", () => {
  const paired = async (use: "agent" | "dashboard") => {
    const peer = await dial(`${t.bridge.ws}/agent`)
    const { code } = (await t.http("POST", "/v1/pairing", { for: use })).json
    const { token } = await peer.call("agent.pair", { code, agent: `a-${use}`, as: use })
    peer.close()
    return token
  }
  /** All that /docs tells of, and wants a token. */
  const routes = async () => {
    const { paths } = (await t.http("GET", "/docs/json")).json as { paths: Record<string, Record<string, object>> }
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { security }]: [string, { security?: [] }]) => security?.length !== 0)
        .map(([method]) => [method.toUpperCase(), path.replace(/\{\w+\}/g, "digits")] as const),
    )
  }

  test.each([
    ["agent", "client"],
    ["dashboard", "agent"],
  ] as const)("an %s's opens neither /%s nor anything over HTTP", async (use, door) => {
    const token = await paired(use)
    await expect(dial(`${t.bridge.ws}/${door}`, { token })).rejects.toThrow("403")
    const all = await routes()
    expect(all.length).toBeGreaterThan(12)
    for (const [method, path] of all)
      expectRefused(await ask(method, path, { authorization: `Bearer ${token}` }), 403, "IPFA_GRANT_REQUIRED")
  })

  test("an agent's can neither compute nor look on where it comes in", async () => {
    const peer = await dial(`${t.bridge.ws}/agent`, { token: await paired("agent") })
    for (const call of [
      peer.call("session.open", { model: "digits" }),
      peer.call("hardware.report", {}),
      peer.call("dashboard.invite", {}),
      peer.call("model.list", {}),
    ])
      expect(await refusal(call)).toMatch(/^IPFA_(GRANT_REQUIRED|PROTOCOL_UNKNOWN_METHOD)$/)
    peer.close()
  })
})

describe("S10: more than is sensible is refused, and the bridge lives on", () => {
  test("a body past its limit is 413", async () => {
    const answer = await ask(
      "POST",
      "/v1/models",
      { authorization: authorization(), "content-type": "application/json" },
      JSON.stringify({ reference: "x".repeat(2 ** 21) }),
    ).catch((e) => e)
    // The bridge may close before all was sent; whichever the client sees first.
    if (answer instanceof Error) expect(String(answer)).toMatch(/EPIPE|ECONNRESET/)
    else expect([answer.status, answer.code]).toEqual([413, "IPFA_PROTOCOL_TOO_LARGE"])
  })

  test("a tensor of a gigabyte, announced, is 413 before it is sent", async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const r = request(new URL("/v2/models/digits/infer", t.bridge.http), {
        method: "POST",
        headers: {
          authorization: authorization(),
          "content-type": "application/octet-stream",
          "content-length": 2 ** 30,
          "inference-header-content-length": "100",
        },
      })
      r.on("response", (response) => {
        resolve(response.statusCode ?? 0)
        r.destroy()
      })
      r.on("error", reject)
      r.flushHeaders()
    })
    expect(status).toBe(413)
  })

  test("prototype keys in JSON are data or an error, never a prototype", async () => {
    const body = '{"__proto__":{"reference":"sha256:x"},"constructor":{"prototype":{"polluted":1}}}'
    const { status } = await ask(
      "POST",
      "/v1/models",
      { authorization: authorization(), "content-type": "application/json" },
      body,
    )
    expect(status).toBe(400)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    const input = '{"inputs":[{"name":"__proto__","shape":[1],"datatype":"FP32","data":[1]}]}'
    const infer = await ask(
      "POST",
      "/v2/models/nothing/infer",
      { authorization: authorization(), "content-type": "application/json" },
      input,
    )
    expect(infer.status).toBe(404)
  })

  test("ten thousand requests, a thousand at once, are all answered, and leave no memory behind", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1000 })
    const status = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: authorization() }
        request(new URL("/v1/status", t.bridge.http), { agent, headers }, (response) => {
          response.resume().on("end", () => resolve(response.statusCode))
        })
          .on("error", reject)
          .end()
      })
    const flood = (n: number) => Promise.all(Array.from({ length: n }, status))
    // The bridge and its clients are one process here.
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as () => void
    const held = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    // What the first ones make is made once.
    await flood(1000)
    const before = held()
    expect(new Set(await flood(10_000))).toEqual(new Set([200]))
    expect(held() - before).toBeLessThan(16 * 2 ** 20)
    agent.destroy()
    expect((await ask("GET", "/healthz", {})).status).toBe(200)
  })
})
