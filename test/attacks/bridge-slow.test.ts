import { connect } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { raw, type TestBridge, testBridge } from "../support/bridge.ts"

/** S10: what is slow on purpose holds nothing for long, and nobody else up. */

const headersMs = 200
const idleMs = 100
/** No test waits so long: what ends, ends by another limit. */
const never = 3600_000
let t: TestBridge
let host: string

async function open(requestMs: number): Promise<void> {
  t = await testBridge({ native: false, timeouts: { headersMs, requestMs, idleMs } })
  host = new URL(t.bridge.http).host
}
beforeAll(() => open(never))
afterAll(() => t.close())

/** Says `first`, then one byte after another for as long as it is listened to. What it was answered, and how long it was listened to, ms. */
function drip(first: string, byte = ""): Promise<{ answer: string; ms: number }> {
  const start = performance.now()
  return new Promise((resolve) => {
    let answer = ""
    const socket = connect(Number(host.split(":")[1]), "127.0.0.1", () => socket.write(first))
    const dripping = setInterval(() => byte && socket.write(byte), 20)
    socket.on("data", (chunk) => {
      answer += chunk
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      clearInterval(dripping)
      resolve({ answer, ms: performance.now() - start })
    })
  })
}
const head = (...lines: string[]) => `POST /v1/models HTTP/1.1\r\nHost: ${host}\r\n${lines.join("\r\n")}`
const body = ["Content-Type: application/json", "Content-Length: 100000", "\r\n{"]

describe("a client", () => {
  test("that never says anything is left after the time for headers", async () => {
    const { ms } = await drip("")
    expect(ms).toBeGreaterThan(headersMs)
  })

  test("whose headers come byte by byte is left after the time for them, with 408", async () => {
    const { answer, ms } = await drip(head("X-Slow: "), "a")
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(ms).toBeGreaterThan(headersMs)
  })

  test("that is refused is left at once, whatever it has still to say", async () => {
    const { answer } = await drip(head(...body), " ")
    expect(answer).toMatch(/^HTTP\/1.1 401 /)
  })

  test("that asks nothing more is left after the time for that, which it was told", async () => {
    const { answer, ms } = await drip(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: keep-alive/i)
    expect(ms).toBeGreaterThan(idleMs)
  })

  test("whose body comes byte by byte is left after the time for a request, and others are served meanwhile", async () => {
    await t.close()
    const requestMs = 500
    await open(requestMs)
    const slow = drip(head(`Authorization: Bearer ${t.bridge.token}`, ...body), " ")
    expect((await raw(t.bridge.http, "GET", "/healthz")).status).toBe(200)
    const { answer, ms } = await slow
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(ms).toBeGreaterThan(requestMs)
  })
})
