import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { JobLog, type JobStore, KEPT_ENTRIES, KEPT_MS } from "../../extension/supervisor/job-log.ts"
import type { EndedJob, JobEntry } from "../../protocol/index.ts"

let now = 0
beforeEach(() => {
  now = Date.parse("2026-01-01")
  vi.useFakeTimers()
})
afterEach(() => void vi.useRealTimers())

function memoryJobs(): JobStore & { rows: Map<string, JobEntry> } {
  const rows = new Map<string, JobEntry>()
  return {
    rows,
    all: async () => structuredClone([...rows.values()]),
    async write(changed, dropped) {
      for (const entry of changed) rows.set(entry.id, structuredClone(entry))
      for (const { id } of dropped) rows.delete(id)
    },
    clear: async () => rows.clear(),
  }
}

let ids = 0
const job = (more: Partial<EndedJob> = {}): EndedJob => ({
  id: String(++ids),
  origin: "https://a.example",
  model: "https://models.example/one",
  device: "wasm",
  outcome: "done",
  at: now,
  queueMs: 1,
  runMs: 2,
  ...more,
})

test("jobs that end alike are one entry, also where two callers take turns; others, and later ones, are entries of their own", async () => {
  const log = await JobLog.open(memoryJobs(), () => now)
  for (let i = 0; i < 3; i++) {
    log.add(job())
    log.add(job({ origin: "https://b.example" }))
    now += 1000
  }
  log.add(job({ outcome: "failed", error: "IPFA_RUN_FAILED" }))
  now += 60_000
  log.add(job())
  expect(
    log.last(9).map(({ origin, outcome, jobs, runMs, queueMs }) => [origin, outcome, jobs, runMs, queueMs]),
  ).toEqual([
    ["https://a.example", "done", 1, 2, 1],
    ["https://a.example", "failed", 1, 2, 1],
    ["https://b.example", "done", 3, 6, 3],
    ["https://a.example", "done", 3, 6, 3],
  ])
  expect(log.last(1)).toHaveLength(1)
})

test("it is there after a restart, and neither grows nor ages past its bounds, in memory or in the store", async () => {
  const store = memoryJobs()
  const log = await JobLog.open(store, () => now)
  for (let i = 0; i < KEPT_ENTRIES + 5; i++) {
    now += 60_000
    log.add(job())
  }
  await vi.runAllTimersAsync()
  expect(log.last(2 * KEPT_ENTRIES)).toHaveLength(KEPT_ENTRIES)
  expect(store.rows.size).toBe(KEPT_ENTRIES)
  const again = await JobLog.open(store, () => now)
  expect(again.last(3)).toEqual(log.last(3))
  now += KEPT_MS
  again.add(job())
  expect(again.last(9)).toMatchObject([{ at: now }, { at: now - KEPT_MS }])
  now += 1
  expect(again.last(9)).toMatchObject([{ at: now - 1 }])
  await vi.runAllTimersAsync()
  expect(store.rows.size).toBe(1)
})

test("a cleared log stays empty", async () => {
  const store = memoryJobs()
  const log = await JobLog.open(store, () => now)
  log.add(job())
  await log.clear()
  await vi.runAllTimersAsync()
  expect([log.last(1), store.rows.size]).toEqual([[], 0])
})
