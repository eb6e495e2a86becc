import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { type Tick, workerClock } from "../../engine/agent/clock.ts"

/** A worker that answers when the test says so. */
class TestWorker {
  static last: TestWorker
  readonly ticks: Tick[] = []
  onmessage: (event: { data: Tick }) => void = () => undefined
  onerror: (event: { message: string }) => void = () => undefined
  constructor() {
    TestWorker.last = this
  }
  postMessage(tick: Tick) {
    this.ticks.push(tick)
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal("Worker", TestWorker)
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

test("timers are the worker's, and none that was called off rings", () => {
  const clock = workerClock("clock.js")
  const rung: string[] = []
  clock.after(5, () => rung.push("first"))
  const callOff = clock.after(5, () => rung.push("second"))
  callOff()
  const worker = TestWorker.last
  expect(worker.ticks.map(({ ms }) => ms)).toEqual([5, 5])
  for (const data of worker.ticks) worker.onmessage({ data })
  expect(rung).toEqual(["first"])
  expect(vi.getTimerCount()).toBe(0)
})

test("a worker that fails, at its start or later, is said, and stops no timer: those that wait ring, and those that come", () => {
  const said = vi.spyOn(console, "warn").mockReturnValue()
  const clock = workerClock("not-there.js")
  const rung: string[] = []
  clock.after(5, () => rung.push("before"))
  const callOff = clock.after(5, () => rung.push("called off"))
  TestWorker.last.onerror({ message: "no such file" })
  callOff()
  clock.after(10, () => rung.push("after"))
  vi.advanceTimersByTime(5)
  expect(rung).toEqual(["before"])
  vi.advanceTimersByTime(5)
  expect(rung).toEqual(["before", "after"])
  expect(said).toHaveBeenCalledWith(expect.stringContaining("no such file"))
})
