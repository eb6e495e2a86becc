import { expect, onTestFinished, test } from "vitest"
import { Fleet } from "../../bridge-server/fleet/fleet.ts"
import { RunStats } from "../../bridge-server/fleet/run-stats.ts"
import { Slots } from "../../bridge-server/fleet/slots.ts"
import { Metrics } from "../../bridge-server/http/metrics.ts"
import { fail, LATENCY_RUNS, RATE_SECONDS } from "../../protocol/index.ts"

const device = "native/native-cpu"

test("percentiles are by nearest rank, of the latest runs alone, and left out where there are too few", () => {
  const stats = new RunStats()
  expect(stats.latencies()).toEqual([])
  for (let ms = 19; ms >= 1; ms--) stats.ended({ device, ok: true, ms })
  expect(stats.latencies()).toEqual([{ device, done: 19, failed: 0, n: 19, p50Ms: 10 }])
  stats.ended({ device, ok: true, ms: 20 })
  expect(stats.latencies()).toMatchObject([{ n: 20, p50Ms: 10, p95Ms: 19 }])
  for (let i = 0; i < LATENCY_RUNS; i++) stats.ended({ device, ok: true, ms: 1000 + i })
  expect(stats.latencies()).toMatchObject([
    {
      done: 20 + LATENCY_RUNS,
      n: LATENCY_RUNS,
      p50Ms: 1000 + LATENCY_RUNS / 2 - 1,
      p95Ms: 1000 + LATENCY_RUNS * 0.95 - 1,
    },
  ])
})

test("a failed run counts as failed and has no latency; one that never had a device counts for none", () => {
  const stats = new RunStats()
  stats.ended({ device, ok: false, error: fail("IPFA_RUN_FAILED"), ms: 5 })
  stats.ended({ ok: false, error: fail("IPFA_DEVICE_NONE"), ms: 5 })
  expect(stats.latencies()).toEqual([{ device, done: 0, failed: 1, n: 0 }])
})

test("seconds are whole ones: the one under way comes when it is over, and leaves after its time", () => {
  let now = 1_000_000
  const stats = new RunStats(() => now)
  stats.ended({ device, ok: true, ms: 1 })
  stats.ended({ device, ok: false, error: fail("IPFA_RUN_FAILED"), ms: 1 })
  const sum = () => stats.seconds().reduce((all, { done, failed }) => [all[0]! + done, all[1]! + failed], [0, 0])
  expect(sum()).toEqual([0, 0])
  now += 1000
  expect(stats.seconds()).toHaveLength(RATE_SECONDS)
  expect(stats.seconds().at(-1)).toEqual({ done: 1, failed: 1 })
  now += (RATE_SECONDS - 1) * 1000
  expect(stats.seconds()[0]).toEqual({ done: 1, failed: 1 })
  now += 1000
  expect(sum()).toEqual([0, 0])
})

test("errors are counted by code, the latest first, with what the latest one said", () => {
  let now = 5
  const stats = new RunStats(() => now)
  stats.ended({ device, ok: false, error: fail("IPFA_RUN_FAILED", { message: "First." }), ms: 1 })
  now = 6
  stats.refused(fail("IPFA_MODEL_NOT_FOUND", { message: "None." }))
  now = 7
  stats.ended({ device, ok: false, error: fail("IPFA_RUN_FAILED", { message: "Second." }), ms: 1 })
  expect(stats.errors()).toEqual([
    { code: "IPFA_RUN_FAILED", count: 2, message: "Second.", device, at: 7 },
    { code: "IPFA_MODEL_NOT_FOUND", count: 1, message: "None.", at: 6 },
  ])
})

test("devices that come and go don't gather: the one longest without a job is forgotten", () => {
  const stats = new RunStats()
  for (let i = 0; i < 1000; i++) stats.ended({ device: `agent-${i}/wasm`, ok: true, ms: 1 })
  const kept = stats.latencies().map((l) => l.device)
  expect(kept).toHaveLength(256)
  expect(kept).toContain("agent-999/wasm")
  expect(kept).not.toContain("agent-0/wasm")
})

test("nor do their series in the metrics: a bridge that runs for months does not grow by them", async () => {
  const fleet = new Fleet()
  onTestFinished(() => fleet.close())
  const metrics = new Metrics(fleet, new Slots(), () => 0)
  const series = async (name: string) =>
    [...(await metrics.registry.metrics()).matchAll(new RegExp(`^${name}{.*device="([^"]*)"`, "gm"))].map(([, d]) => d)
  for (let i = 0; i < 1000; i++) {
    metrics.ended({ device: `agent-${i}/wasm`, ok: true, ms: 1 })
    metrics.ended({ device: `agent-${i}/wasm`, ok: false, error: fail("IPFA_RUN_FAILED"), ms: 1 })
  }
  const jobs = await series("ipfa_jobs_total")
  expect(jobs).toHaveLength(512)
  expect(new Set(jobs)).toEqual(new Set(Array.from({ length: 256 }, (_, i) => `agent-${744 + i}/wasm`)))
  expect(await series("ipfa_job_seconds_count")).toHaveLength(256)
})
