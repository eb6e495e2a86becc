import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { Holds } from "../../bridge-server/fleet/holds.ts"

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function setUp() {
  const holds = new Holds()
  const released = vi.fn()
  void holds.released(5000).then(released)
  const hold = () => {
    const holder = new AbortController()
    holds.hold(holder.signal).catch(() => undefined)
    return () => holder.abort()
  }
  return { released, hold }
}

test("a bridge-server that nobody comes to hold is released", async () => {
  const { released } = setUp()
  await vi.advanceTimersByTimeAsync(4999)
  expect(released).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(released).toHaveBeenCalled()
})

test("it is released when the last holder has been gone for a while, not when another one is still there or comes back", async () => {
  const { released, hold } = setUp()
  const first = hold()
  const second = hold()
  first()
  await vi.advanceTimersByTimeAsync(60_000)
  second()
  await vi.advanceTimersByTimeAsync(4999)
  const again = hold()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(released).not.toHaveBeenCalled()
  again()
  await vi.advanceTimersByTimeAsync(5000)
  expect(released).toHaveBeenCalled()
})
