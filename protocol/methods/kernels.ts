import * as v from "valibot"
import { defineMethod } from "../define-method.ts"
import { absentDevice, count, deviceInfo, id, modelReference, ms, name, text } from "./shared.ts"

/** The fastest way that was found to compute one kind of work on one device. */
export const tunedKernel = v.object({
  /** The kernel, and the shapes that this holds for: `matmul 64×1024 1024×1024 → 64×1024`. */
  work: text,
  algorithm: name,
  /** Constants of its source. */
  tuning: v.record(name, count),
  /** Medians of one dispatch: its own, and that of the way which is chosen without a measurement. */
  ms,
  planMs: ms,
})
export type TunedKernel = v.InferOutput<typeof tunedKernel>

/** Time for all the ways to do one kind of work. What is under way when it is over is finished. */
export const tuneBudgetMs = v.optional(v.pipe(ms, v.maxValue(60_000)), 1000)

export const tuneKernels = defineMethod({
  name: "kernels.tune",
  title:
    "Measures, on each device that computes with our own kernels, which of their algorithms and constants are fastest there. What is found is kept on that machine, and sessions opened from then on go by it.",
  grant: "tune",
  params: v.object({
    /** What it needs is measured; where absent, common sizes, and for the person first what models need that were run lately. */
    model: v.optional(modelReference),
    agent: v.optional(name),
    budgetMs: tuneBudgetMs,
  }),
  result: v.object({
    rows: v.array(v.object({ device: deviceInfo, kernels: v.array(tunedKernel) })),
    absent: v.array(absentDevice),
  }),
  /** Kinds of work of one model, or of the common sizes. */
  event: v.object({ device: id, done: count, of: count }),
  events: "latest",
  errors: [
    "IPFA_DEVICE_NONE",
    "IPFA_DEVICE_UNSUPPORTED",
    "IPFA_DEVICE_LOST",
    "IPFA_DEVICE_MEMORY",
    "IPFA_MODEL_INVALID",
    "IPFA_MODEL_FETCH",
  ],
})
