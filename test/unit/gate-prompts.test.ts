import { beforeEach, expect, test } from "vitest"
import { Prompts } from "../../extension/gate/prompts.ts"
import { fail, type PromptDetails } from "../../protocol/index.ts"

const details = (origin: string): PromptDetails => ({
  origin,
  capabilities: ["infer"],
  models: ["*"],
  limits: { storeBytes: 1, memoryBytes: 1, concurrentJobs: 1 },
})
const A = "https://a.example"
const B = "https://b.example"

let shown: string[]
let closed: string[]
let now: number
let prompts: Prompts
beforeEach(() => {
  shown = []
  closed = []
  now = 0
  prompts = new Prompts(
    {
      show: async (id) => void shown.push(id),
      close: (id) => void closed.push(id),
    },
    () => now,
  )
})

test("the answer reaches the one who asked, and the window closes", async () => {
  const answer = prompts.ask(details(A))
  expect(prompts.details(shown[0]!)).toEqual(details(A))
  prompts.answer(shown[0]!, "session")
  expect(await answer).toBe("session")
  expect(closed).toEqual(shown)
})

test("an origin has one prompt at a time; another origin's waits for its turn", async () => {
  const first = prompts.ask(details(A))
  const second = prompts.ask(details(B))
  await expect(prompts.ask(details(A))).rejects.toMatchObject({ code: "IPFA_GRANT_PROMPT" })
  await expect(prompts.ask(details(B))).rejects.toMatchObject({ code: "IPFA_GRANT_PROMPT" })
  expect(shown).toHaveLength(1)
  prompts.answer(shown[0]!, "deny")
  expect(await first).toBe("deny")
  expect(prompts.details(shown[1]!).origin).toBe(B)
  prompts.answer(shown[1]!, "always")
  expect(await second).toBe("always")
})

test("an answer for another prompt than the one that is shown decides nothing", async () => {
  const first = prompts.ask(details(A))
  void prompts.ask(details(B))
  prompts.answer("someone else's", "always")
  expect(() => prompts.details("someone else's")).toThrow(expect.objectContaining({ code: "IPFA_GRANT_PROMPT" }))
  prompts.answer(shown[0]!, "deny")
  prompts.answer(shown[0]!, "always")
  expect(await first).toBe("deny")
  expect(prompts.details(shown[1]!).origin).toBe(B)
})

test("a request whose page is gone is withdrawn, shown or waiting", async () => {
  const page = new AbortController()
  const waiting = new AbortController()
  const first = prompts.ask(details(A), page.signal)
  const second = prompts.ask(details(B), waiting.signal)
  waiting.abort(fail("IPFA_PROTOCOL_CLOSED"))
  await expect(second).rejects.toMatchObject({ code: "IPFA_PROTOCOL_CLOSED" })
  expect(closed).toEqual([])
  page.abort(fail("IPFA_PROTOCOL_CLOSED"))
  await expect(first).rejects.toMatchObject({ code: "IPFA_PROTOCOL_CLOSED" })
  expect(closed).toEqual(shown)
  expect(() => prompts.details(shown[0]!)).toThrow()
})

test("a window that can't be opened ends the request, and the next is asked", async () => {
  const failing = new Prompts({ show: () => Promise.reject(new Error("no window")), close: () => {} })
  await expect(failing.ask(details(A))).rejects.toMatchObject({ code: "IPFA_INTERNAL" })
  await expect(failing.ask(details(A))).rejects.toMatchObject({ code: "IPFA_INTERNAL" })
})

test("after three denials in a row an origin is left unasked for ten minutes; others aren't", async () => {
  for (let i = 0; i < 3; i++) {
    const answer = prompts.ask(details(A))
    prompts.answer(shown[i]!, "deny")
    expect(await answer).toBe("deny")
  }
  expect(await prompts.ask(details(A))).toBe("deny")
  expect(shown).toHaveLength(3)
  void prompts.ask(details(B))
  expect(shown).toHaveLength(4)
  prompts.answer(shown[3]!, "deny")
  now = 10 * 60_000
  void prompts.ask(details(A))
  expect(shown).toHaveLength(5)
})

test("a window that is gone before it asked what to show is a no after a minute; one that asked has all the time", async () => {
  const timers = new Set<{ run: () => void; ms: number }>()
  const timed = new Prompts({ show: async (id) => void shown.push(id), close: () => {} }, Date.now, (run, ms) => {
    const timer = { run, ms }
    timers.add(timer)
    return () => void timers.delete(timer)
  })
  const first = timed.ask(details(A))
  const second = timed.ask(details(B))
  expect([...timers].map(({ ms }) => ms)).toEqual([60_000])
  const [wait] = timers
  wait!.run()
  expect(await first).toBe("deny")
  timed.details(shown[1]!)
  expect(timers.size).toBe(0)
  timed.answer(shown[1]!, "once")
  expect(await second).toBe("once")
})

test("withdrawing what was shown counts as a denial; withdrawing what waits does not", async () => {
  for (let i = 0; i < 3; i++) {
    const [page, waiting] = [new AbortController(), new AbortController()]
    const first = prompts.ask(details(A), page.signal)
    const second = prompts.ask(details(B), waiting.signal)
    waiting.abort(fail("IPFA_PROTOCOL_CLOSED"))
    page.abort(fail("IPFA_PROTOCOL_CLOSED"))
    await Promise.allSettled([first, second])
  }
  expect(await prompts.ask(details(A))).toBe("deny")
  expect(shown).toHaveLength(3)
  void prompts.ask(details(B))
  expect(shown).toHaveLength(4)
})

test("eight origins may wait for an answer; the ninth is refused until there is room", async () => {
  const origins = Array.from({ length: 9 }, (_, i) => `https://${i}.example`)
  for (const origin of origins.slice(0, 8)) void prompts.ask(details(origin))
  await expect(prompts.ask(details(origins[8]!))).rejects.toMatchObject({ code: "IPFA_GRANT_PROMPT" })
  prompts.answer(shown[0]!, "deny")
  const ninth = prompts.ask(details(origins[8]!))
  for (let i = 1; i < 9; i++) prompts.answer(shown[i]!, "once")
  expect(await ninth).toBe("once")
})
