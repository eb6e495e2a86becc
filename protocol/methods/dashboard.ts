import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { browser, count, id, modelReference, ms, name, selector, sha256 } from "./shared.ts"
import { hardwareReport } from "./status.ts"

/** What a bridge-server tells the one who looks after it: its owner, and the dashboard that the owner opened. */

/** How many whole seconds the rates go back. */
export const RATE_SECONDS = 120
/** Latencies are of so many latest runs of a device, at most. */
export const LATENCY_RUNS = 1000
/** Fewer runs than this have no 95th percentile apart from their largest. */
export const P95_RUNS = 20

export const fleetMember = v.object({
  agent: id,
  browser,
  version: v.string(),
  devices: v.array(selector),
  /** Silent for longer than a heartbeat may be: it gets no new jobs. */
  suspect: v.boolean(),
  running: count,
  waiting: count,
  /** ms since 1970 */
  joinedAt: ms,
})

export const deviceLatency = v.object({
  /** `agent/selector` */
  device: name,
  done: count,
  failed: count,
  /** The latest runs that the percentiles are of: from arrival at the bridge-server to the answer. */
  n: count,
  /** By nearest rank; absent where `n` is too small for it (p95: 20). */
  p50Ms: v.optional(ms),
  p95Ms: v.optional(ms),
})
export type DeviceLatency = v.InferOutput<typeof deviceLatency>

export const errorCount = v.object({
  code: name,
  count,
  /** Of the latest one. */
  message: v.string(),
  device: v.optional(name),
  /** ms since 1970 */
  at: ms,
})
export type ErrorCount = v.InferOutput<typeof errorCount>

export const bridgeView = v.object({
  version: v.string(),
  /** ms since 1970; so is `at`. */
  startedAt: ms,
  at: ms,
  members: v.array(fleetMember),
  hardware: hardwareReport,
  jobs: v.object({ running: count, waiting: count, done: count, failed: count, reruns: count }),
  /** Jobs that ended in each of the last whole seconds, oldest first. */
  seconds: v.array(v.object({ done: count, failed: count })),
  latencies: v.array(deviceLatency),
  /** Since the start, by code, the latest first. */
  errors: v.array(errorCount),
  /** Benchmarks stored since the start: when it rises, `dashboard.history` has more. */
  benchmarks: count,
})
export type BridgeView = v.InferOutput<typeof bridgeView>

export const watchDashboard = defineMethod({
  name: "dashboard.watch",
  title: "Tells each second who is there, what runs and how fast, until it is cancelled.",
  grant: "dashboard",
  params: v.object({}),
  result: v.object({}),
  event: bridgeView,
  events: "latest",
  errors: [],
})

export const storedBenchmark = v.object({
  id,
  /** ms since 1970 */
  at: ms,
  agent: id,
  device: selector,
  adapter: v.string(),
  model: sha256,
  /** What the model was first asked for by, where that is known. */
  reference: v.optional(modelReference),
  loadMs: ms,
  firstMs: ms,
  /** Median of the steady runs. */
  p50Ms: ms,
  n: count,
})
export type StoredBenchmark = v.InferOutput<typeof storedBenchmark>

export const readHistory = defineMethod({
  name: "dashboard.history",
  title: "Stored benchmarks, the latest first.",
  grant: "dashboard",
  params: v.object({ limit: v.optional(v.pipe(count, v.minValue(1), v.maxValue(1000)), 500) }),
  result: v.object({ benchmarks: v.array(storedBenchmark) }),
  errors: ["IPFA_STORAGE_QUERY"],
})

/** What a one-time code is good for: to join the fleet, or to open the dashboard. */
export const codeUses = ["agent", "dashboard"] as const
export type CodeUse = (typeof codeUses)[number]
export const codeUse = v.picklist(codeUses)

export const invitation = v.object({
  code: v.string(),
  expiresInMs: ms,
  /** Where browsers call the bridge-server, the best first. */
  addresses: v.array(v.string()),
})
export type Invitation = v.InferOutput<typeof invitation>

export const inviteBrowser = defineMethod({
  name: "dashboard.invite",
  title: "Makes a one-time code with which a browser joins; only the owner can make one for another dashboard.",
  grant: "dashboard",
  params: v.object({ for: v.optional(codeUse, "agent") }),
  result: invitation,
  errors: [],
})
