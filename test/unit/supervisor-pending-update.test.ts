import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { PendingUpdate } from "../../extension/supervisor/pending-update.ts"

const MINUTE = 60_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function pending(isBusy: () => boolean) {
  let installed = 0
  const update = new PendingUpdate(() => installed++, isBusy)
  return { update, arrives: () => update.arrived(), installed: () => installed }
}

test("while nothing is wanted an update goes in at once, but not between two jobs", () => {
  let busy = false
  const { update, arrives, installed } = pending(() => busy)
  arrives()
  vi.advanceTimersByTime(1000)
  busy = true
  update.look()
  vi.advanceTimersByTime(MINUTE)
  expect(installed()).toBe(0)
  busy = false
  update.look()
  vi.advanceTimersByTime(2000)
  expect(installed()).toBe(1)
})

test("jobs that never end hold it back for ten minutes", () => {
  const { arrives, installed } = pending(() => true)
  arrives()
  vi.advanceTimersByTime(10 * MINUTE - 1)
  expect(installed()).toBe(0)
  vi.advanceTimersByTime(1)
  expect(installed()).toBe(1)
})

test("without an update nothing restarts", () => {
  const { update, installed } = pending(() => false)
  update.look()
  vi.advanceTimersByTime(60 * MINUTE)
  expect(installed()).toBe(0)
})
