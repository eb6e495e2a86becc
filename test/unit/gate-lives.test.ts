import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { Lives } from "../../extension/supervisor/lives.ts"

let lives: Lives
beforeEach(() => {
  vi.useFakeTimers()
  lives = new Lives()
})
afterEach(() => void vi.useRealTimers())

async function hasEnded(ended: Promise<void>, ms = 0): Promise<boolean> {
  let over = false
  void ended.then(() => {
    over = true
  })
  await vi.advanceTimersByTimeAsync(ms)
  return over
}

test.each(["before", "after"])(
  "a page that begins %s its connection ends when its extension port does",
  async (when) => {
    const early = when === "before" ? lives.begin("one") : undefined
    const ended = lives.ended("one")
    const end = early ?? lives.begin("one")
    expect(await hasEnded(ended, 60_000)).toBe(false)
    end()
    expect(await hasEnded(ended)).toBe(true)
  },
)

test("a connection whose life does not begin ends after five seconds", async () => {
  const ended = lives.ended("one")
  expect(await hasEnded(ended, 4999)).toBe(false)
  expect(await hasEnded(ended, 1)).toBe(true)
})

test.each([undefined, 1, {}, "x".repeat(37)])("%o is no life's id: its connection ends at once", async (id) => {
  expect(await hasEnded(lives.ended(id))).toBe(true)
})
