import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { anyTensorSchema } from "../tensor.ts"
import {
  absentDevice,
  browser,
  count,
  deviceInfo,
  id,
  modelReference,
  ms,
  name,
  selector,
  sha256,
  text,
  who,
} from "./shared.ts"

export const hardwareReport = v.object({ devices: v.array(deviceInfo), absent: v.array(absentDevice) })
export type HardwareReport = v.InferOutput<typeof hardwareReport>

export const reportHardware = defineMethod({
  name: "hardware.report",
  title: "Every device that is there, and every one that is not, with the reason.",
  grant: "infer",
  params: v.object({}),
  result: hardwareReport,
  errors: [],
})

export const status = v.object({
  version: v.string(),
  protocolVersion: count,
  agent: id,
  browser,
  /** Of the caller alone, but for an owner. */
  sessions: v.array(
    v.object({ sessionId: id, model: modelReference, device: id, leases: count, memoryBytes: count, idleMs: ms }),
  ),
  jobs: v.object({ running: count, waiting: count, done: count, failed: count }),
})
export type Status = v.InferOutput<typeof status>

export const getStatus = defineMethod({
  name: "status.get",
  title: "What is loaded, what runs and what waits.",
  grant: "infer",
  params: v.object({}),
  result: status,
  errors: [],
})

export const benchmarkRow = v.object({
  device: deviceInfo,
  loadMs: ms,
  /** The first run, which compiles what was not compiled yet. */
  firstMs: ms,
  /** Median of the steady runs. */
  p50Ms: ms,
  n: count,
  samplesMs: v.array(ms),
})
export type BenchmarkRow = v.InferOutput<typeof benchmarkRow>

export const runBenchmark = defineMethod({
  name: "benchmark.run",
  title: "Measures a model on the devices asked for: load, first run, and steady runs one at a time (SingleStream).",
  grant: "benchmark",
  params: v.object({
    model: modelReference,
    /** All devices where absent. */
    devices: v.optional(v.array(selector)),
    agent: v.optional(name),
    feeds: v.record(name, anyTensorSchema),
    samples: v.optional(v.pipe(count, v.minValue(1), v.maxValue(1000)), 20),
    warmup: v.optional(v.pipe(count, v.maxValue(100)), 3),
    /** Steady runs end after this time, with the samples they have. */
    budgetMs: v.optional(v.pipe(ms, v.maxValue(600_000)), 10_000),
  }),
  result: v.object({ rows: v.array(benchmarkRow), absent: v.array(absentDevice) }),
  event: v.object({ device: id, phase: v.picklist(["load", "warmup", "steady"]), done: count, of: count }),
  events: "latest",
  errors: ["IPFA_DEVICE_NONE", "IPFA_DEVICE_ABSENT", "IPFA_MODEL_INVALID", "IPFA_MODEL_FETCH", "IPFA_RUN_FAILED"],
})

/** What one benchmark found on one device, as it is kept for the person. */
export const benchmarkRecord = v.object({
  id,
  /** ms since 1970 */
  at: ms,
  origin: who,
  model: modelReference,
  sha256,
  device: selector,
  backend: name,
  adapter: v.string(),
  browser,
  version: v.string(),
  /** The registry's code where it failed: there are no figures then. */
  error: v.optional(name),
  loadMs: v.optional(ms),
  firstMs: v.optional(ms),
  /** Median of `samplesMs`, the steady runs. */
  p50Ms: v.optional(ms),
  samplesMs: v.array(ms),
})
export type BenchmarkRecord = v.InferOutput<typeof benchmarkRecord>

export const listBenchmarks = defineMethod({
  name: "benchmark.list",
  title: "The benchmarks that are kept, oldest first.",
  grant: "owner",
  params: v.object({}),
  result: v.object({ benchmarks: v.array(benchmarkRecord) }),
  errors: [],
})

export const clearBenchmarks = defineMethod({
  name: "benchmark.clear",
  title: "Deletes the benchmarks that are kept; what the choice of devices goes by stays.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: [],
})

/** One measured run or opening: the row that evidence is made of. Never holds what was computed. */
export const measurement = v.object({
  /** ms since 1970 */
  at: v.pipe(ms, v.maxValue(8.64e15, "a time that a Date can hold")),
  kind: v.picklist(["open", "first", "run", "benchmark"]),
  device: id,
  backend: name,
  adapter: text,
  model: sha256,
  ms,
  ok: v.boolean(),
  /** The registry's code where it failed. */
  error: v.optional(name),
  /** Input elements summed, so that runs of other shapes aren't compared. */
  inputElems: v.optional(count),
})
export type Measurement = v.InferOutput<typeof measurement>
