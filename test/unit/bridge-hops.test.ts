import { expect, test } from "vitest"
import { firstOfTwo } from "../../bridge-server/fleet/first-of-two.ts"
import { Hops } from "../../bridge-server/fleet/hops.ts"

const hop = { device: "laptop/wasm", sha256: "a", bytes: 4 }

test("an answer is late after four times the p95, not under 250 ms, of the same device, model and size of inputs, once 20 are known", () => {
  const hops = new Hops()
  for (let i = 1; i < 20; i++) hops.took(hop, 100)
  expect(hops.deadlineMs(hop)).toBeUndefined()
  hops.took(hop, 100)
  expect(hops.deadlineMs(hop)).toBe(400)
  for (const other of [{ device: "phone/wasm" }, { sha256: "b" }, { bytes: 8 }])
    expect(hops.deadlineMs({ ...hop, ...other })).toBeUndefined()
  // One in twenty may be slow. A device that has become slower is late no more once it was so a few times.
  hops.took(hop, 5000)
  expect(hops.deadlineMs(hop)).toBe(400)
  for (let i = 0; i < 3; i++) hops.took(hop, 5000)
  expect(hops.deadlineMs(hop)).toBe(20_000)
  for (let i = 0; i < 64; i++) hops.took(hop, 1)
  expect(hops.deadlineMs(hop)).toBe(250)
})

/** Answers when it is told to, and says when it was given up. */
function asked() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const begun = Promise.withResolvers<AbortSignal>()
  const ask = (signal: AbortSignal) => {
    begun.resolve(signal)
    signal.addEventListener("abort", () => reject(signal.reason))
    return promise
  }
  return { ask, begun: begun.promise, resolve, reject }
}

function race(lateMs: number) {
  const [one, two] = [asked(), asked()]
  const caller = new AbortController()
  const first = (signal: AbortSignal, begun: () => void) => {
    begun()
    return one.ask(signal)
  }
  const result = firstOfTwo(caller.signal, lateMs, first, two.ask)
  result.catch(() => undefined)
  return { one, two, caller, result }
}

test("whichever answers first counts, and the other one is given up", async () => {
  const overtaken = race(1)
  await overtaken.two.begun
  overtaken.two.resolve("two")
  expect(await overtaken.result).toEqual({ answer: "two", isSecond: true })
  expect((await overtaken.one.begun).reason).toMatchObject({ code: "IPFA_JOB_CANCELLED" })
  const late = race(1)
  const signal = await late.two.begun
  late.one.resolve("one")
  expect(await late.result).toEqual({ answer: "one", isSecond: false })
  expect(signal.reason).toMatchObject({ code: "IPFA_JOB_CANCELLED" })
})

test("one that answers in time, or fails, has no second; where both fail, the first one's words are told", async () => {
  const inTime = race(600_000)
  inTime.one.resolve("one")
  expect(await inTime.result).toEqual({ answer: "one", isSecond: false })
  const failed = race(600_000)
  failed.one.reject(new Error("first"))
  await expect(failed.result).rejects.toThrow("first")
  const both = race(1)
  await both.two.begun
  both.two.reject(new Error("second"))
  both.one.reject(new Error("first"))
  await expect(both.result).rejects.toThrow("first")
})

test("what the first can't do any more, the second that was asked already does; a caller who leaves ends both", async () => {
  const lost = race(1)
  await lost.two.begun
  lost.one.reject(new Error("lost"))
  lost.two.resolve("two")
  expect(await lost.result).toEqual({ answer: "two", isSecond: true })
  const left = race(1)
  const signals = [await left.one.begun, await left.two.begun]
  left.caller.abort(new Error("left"))
  await expect(left.result).rejects.toThrow("left")
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
})
