import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { Repeats } from "../../engine/repeats.ts"
import { fail, type RunResult, type Tensor } from "../../protocol/index.ts"

const never = new AbortController().signal

/** An answer that says `n`, of `bytes` bytes. */
function answer(n: number, bytes = 8): RunResult {
  const y: Tensor = { dtype: "uint8", shape: [bytes], data: new Uint8Array(bytes).fill(n) }
  return { outputs: { y }, device: "wasm", timing: { queueMs: 0, runMs: n }, reruns: 0 }
}

describe("a repeated key", () => {
  let repeats: Repeats
  let runs: number
  const lostConnection = fail("IPFA_PROTOCOL_CLOSED")
  beforeEach(() => {
    runs = 0
    repeats = new Repeats({ keepMs: 60_000, keepBytes: 1000, keepGoing: (reason) => reason === lostConnection })
  })
  afterEach(() => {
    repeats.clear()
    vi.useRealTimers()
  })
  const run = async (key: string, { origin = "a", about = "x", bytes = 8 } = {}) =>
    (await repeats.run(origin, key, about, never, async () => answer(++runs, bytes))).timing.runMs

  test("is one job while it runs and after, for its own origin", async () => {
    expect(await Promise.all([run("k"), run("k")])).toEqual([1, 1])
    expect([await run("k"), await run("k", { origin: "b" }), await run("l")]).toEqual([1, 2, 3])
  })

  test("is forgotten after its time, whether or not somebody asks", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
    await run("k")
    await vi.advanceTimersByTimeAsync(59_999)
    expect(await run("k")).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await run("k")).toBe(2)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  test("is forgotten soon after its time, also where another's was over just before", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
    await run("k")
    await vi.advanceTimersByTimeAsync(30_000)
    await run("l")
    await vi.advanceTimersByTimeAsync(67_000)
    // Nothing is left to look for.
    expect(vi.getTimerCount()).toBe(0)
  })

  test("of a job that took longer than answers are kept is kept from its end on", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
    const slow = repeats.run("a", "slow", "x", never, async () => {
      await vi.advanceTimersByTimeAsync(30_000)
      await run("quick")
      await vi.advanceTimersByTimeAsync(40_000)
      return answer(7)
    })
    await slow
    await vi.advanceTimersByTimeAsync(25_000)
    expect((await repeats.run("a", "slow", "x", never, async () => answer(8))).timing.runMs).toBe(7)
    expect(await run("quick")).toBe(2)
  })

  test.each([
    ["many", 10_001, 0],
    ["large", 5, 240],
  ])("is forgotten, the first that ended first, where %s are kept", async (_, jobs, bytes) => {
    for (let i = 0; i < jobs; i++) await run(String(i), { bytes })
    expect(await run(String(jobs - 1))).toBe(jobs)
    expect(await run("1")).toBe(2)
    expect(await run("0")).toBe(jobs + 1)
  })

  test("of an answer that is larger than a quarter of what is kept is a job each time, and the others stay", async () => {
    await run("small")
    expect([await run("large", { bytes: 251 }), await run("large", { bytes: 251 })]).toEqual([2, 3])
    expect(await run("small")).toBe(1)
  })

  test("of a job that failed is tried again", async () => {
    const failing = repeats.run("a", "k", "x", never, () => Promise.reject(fail("IPFA_JOB_LOST")))
    await expect(failing).rejects.toMatchObject({ code: "IPFA_JOB_LOST" })
    expect(await run("k")).toBe(1)
  })

  test("of a job that was given up and has not ended yet is tried again", async () => {
    const caller = new AbortController()
    const given = repeats.run("a", "k", "x", caller.signal, () => new Promise(() => {}))
    caller.abort(fail("IPFA_JOB_CANCELLED"))
    await expect(given).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    expect(await run("k", { about: "y" })).toBe(1)
  })

  test("goes on for the reasons that were named, and ends when its caller cancels", async () => {
    for (const [reason, ends] of [
      [lostConnection, false],
      [fail("IPFA_JOB_CANCELLED"), true],
      [fail("IPFA_JOB_DEADLINE"), true],
    ] as const) {
      const caller = new AbortController()
      let inner!: AbortSignal
      const job = repeats.run("a", reason.code, "x", caller.signal, (signal) => {
        inner = signal
        return new Promise(() => {})
      })
      caller.abort(reason)
      await expect(job).rejects.toBe(reason)
      expect(inner.aborted).toBe(ends)
    }
  })

  test("is refused for a request about something else, while the first runs and after", async () => {
    const first = run("k", { about: "cats" })
    await expect(run("k", { about: "dogs" })).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID" })
    await first
    await expect(run("k", { about: "dogs" })).rejects.toMatchObject({ code: "IPFA_INPUT_INVALID" })
    expect(await run("k", { about: "cats" })).toBe(1)
  })
})
