import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { CONNECT, CONNECTED, FAILED_EVENT, LOST_EVENT, type PageNotice } from "../../extension/messages.ts"
import { pool } from "../../extension/page/connection.ts"
import { messagePort, Peer } from "../../protocol/index.ts"
import { refusal } from "../support/pool.ts"

/** Of every attempt of the page's, as its content script gets them. */
let attempts: { port: MessagePort; attempt: number }[]
/** What comes of the next attempts: whether the pool answers, or with which code the content script fails. */
let outcome: "answers" | "IPFA_EXTENSION_UPDATED"
let served: Peer[]

beforeEach(() => {
  attempts = []
  served = []
  outcome = "answers"
  const page = new EventTarget()
  vi.stubGlobal("document", page)
  vi.stubGlobal("window", {
    postMessage({ type, attempt }: PageNotice, _: string, [port]: MessagePort[]) {
      if (type === CONNECTED) return
      expect([type, port]).toEqual([CONNECT, expect.any(MessagePort)])
      attempts.push({ port: port!, attempt })
      if (outcome === "answers") served.push(new Peer(messagePort(port!), { role: "pool" }))
      else setImmediate(() => page.dispatchEvent(new CustomEvent(FAILED_EVENT, { detail: outcome })))
    },
  })
})
afterEach(() => {
  for (const peer of served) peer.close()
  vi.unstubAllGlobals()
})

test("a page has one connection, whoever asks for it and however often", async () => {
  const [first, second] = await Promise.all([pool(), pool()])
  expect([second, await pool(), attempts.length]).toEqual([first, first, 1])
  served[0]!.close()
  await first.closed
})

test.each([
  ["that the pool ended", () => served[0]!.close()],
  ["that was lost with its pool", () => document.dispatchEvent(new Event(LOST_EVENT))],
])("a connection %s is forgotten: the next call gets a new one, which lives", async (_, end) => {
  const first = await pool()
  end()
  await first.closed
  const second = await pool()
  expect([second === first, second.isClosed, attempts.length]).toEqual([false, false, 2])
  served[1]!.close()
  await second.closed
})

test("an attempt that failed is forgotten, and the next call tries anew", async () => {
  outcome = "IPFA_EXTENSION_UPDATED"
  expect(await refusal(pool())).toBe(outcome)
  outcome = "answers"
  const peer = await pool()
  expect([peer.isClosed, attempts.map(({ attempt }) => attempt)]).toEqual([false, [0, 0]])
  served[0]!.close()
  await peer.closed
})
