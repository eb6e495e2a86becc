import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { count, id, modelReference, ms, name, selector, who } from "./shared.ts"

/** What the person is told of what runs and ran: for whom, which model, where, how long, how it ended. Never what was computed. */

export const liveJob = v.object({
  id,
  origin: who,
  /** Without the query of an address, which may hold a secret. */
  model: modelReference,
  device: selector,
  state: v.picklist(["waiting", "running"]),
  /** When it was asked for, and when its turn came; ms since 1970. */
  submittedAt: ms,
  startedAt: v.optional(ms),
})
export type LiveJob = v.InferOutput<typeof liveJob>

export const endedJob = v.object({
  id,
  origin: who,
  model: modelReference,
  device: selector,
  outcome: v.picklist(["done", "failed", "cancelled"]),
  /** The registry's code where it failed. */
  error: v.optional(name),
  /** ms since 1970 */
  at: ms,
  queueMs: ms,
  /** On the device; 0 where it never began. */
  runMs: ms,
})
export type EndedJob = v.InferOutput<typeof endedJob>

/** Jobs that ended alike shortly after one another are one entry: `at` and `id` are the first's, times are summed. */
export const jobEntry = v.object({ ...endedJob.entries, jobs: count, lastAt: ms })
export type JobEntry = v.InferOutput<typeof jobEntry>

export const watchJobs = defineMethod({
  name: "job.watch",
  title:
    "Tells the extension's pages what runs and waits, and what ended, now and at each change, until it is cancelled.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  event: v.object({
    running: count,
    waiting: count,
    /** The first hundred: what runs, then what waits, in the order of asking. */
    live: v.array(liveJob),
    /** The last two hundred entries, newest first. */
    log: v.array(jobEntry),
  }),
  events: "latest",
  errors: [],
})

export const clearJobs = defineMethod({
  name: "job.clear",
  title: "Empties the log of jobs.",
  grant: "owner",
  params: v.object({}),
  result: v.object({}),
  errors: [],
})
