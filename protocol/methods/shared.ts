import * as v from "valibot"
import { type Dtype, dtypes } from "../dtype.ts"

/** Schemas that several methods share. */

export const name = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
export const id = v.pipe(v.string(), v.minLength(1), v.maxLength(128))
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const ms = v.pipe(v.number(), v.finite(), v.minValue(0))
export const text = v.pipe(v.string(), v.maxLength(4096))
/** A model reference as text; engine/resolve parses it. */
export const modelReference = v.pipe(v.string(), v.minLength(1), v.maxLength(4096))
/** For whom: an origin, `owner` (the extension's own pages), `bridge`, or `tuner` (what is measured in idle time). */
export const who = v.pipe(v.string(), v.maxLength(512))
export const dtype: v.GenericSchema<Dtype> = v.picklist(dtypes)
export const precision = v.picklist(["float32", "float16", "int8", "int4"])
/** `backend[:type][#index]` */
export const selector = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-z0-9-]{0,31}(:[a-z0-9-]{1,32})?(#\d{1,3})?$/,
    "backend[:type][#index], such as webgpu or webnn:npu",
  ),
)
export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits, in lower case"))
export const bytes: v.GenericSchema<Uint8Array> = v.instance(Uint8Array)

export const tensorInfo = v.object({
  name: v.string(),
  dtype,
  shape: v.array(v.union([v.number(), v.string(), v.null()])),
})

export const browsers = ["chromium", "edge", "firefox", "safari", "webkit", "webnn-shell", "native", "page"] as const
export const browser = v.picklist(browsers)

export const deviceInfo = v.object({
  /** Selector of the device on its agent, such as `webgpu` or `native-cpu#1`. */
  id: selector,
  backend: name,
  type: v.optional(name),
  index: v.optional(count),
  /** The agent it belongs to; absent where there is only the one that answers. */
  agent: v.optional(id),
  browser: v.optional(browser),
  /** What the platform calls the hardware, e.g. `google swiftshader`, or `cpu, 2 threads`. */
  adapter: text,
  /** True where the platform says that it is a software stand-in for a GPU. */
  fallbackAdapter: v.boolean(),
  threads: v.optional(count),
  /** Runs it computes at the same time; absent where that is one. */
  parallel: v.optional(v.pipe(count, v.minValue(1), v.maxValue(64))),
  /** Dtypes the device computes in. */
  dtypes: v.array(dtype),
  /** Memory the engine allows itself there, bytes. */
  budgetBytes: v.optional(count),
  usedBytes: v.optional(count),
  state: v.picklist(["ready", "busy", "cooling", "lost"]),
  /** Whether the known case it was probed with came out right, how far off it was (largest absolute difference), and where it did not, what was wrong. */
  probe: v.optional(v.object({ ok: v.boolean(), maxError: v.number(), ms, reason: v.optional(v.string()) })),
  /** When a lost device may be tried again, ms since 1970. */
  unavailableUntil: v.optional(ms),
})
export type DeviceInfo = v.InferOutput<typeof deviceInfo>

export const absentDevice = v.object({
  id: selector,
  backend: name,
  agent: v.optional(id),
  browser: v.optional(browser),
  /** Why it can't be had, in words for a person. */
  reason: v.pipe(v.string(), v.minLength(1)),
})
export type AbsentDevice = v.InferOutput<typeof absentDevice>

/** The device that would have served, had it been able to, and why it did not. */
export const fallback = v.object({ ...deviceInfo.entries, reason: v.string() })
export type Fallback = v.InferOutput<typeof fallback>

export const progress = v.object({
  phase: v.picklist(["queue", "download", "verify", "validate", "open"]),
  /** Bytes in the phase `download`; else 0. */
  loaded: count,
  total: v.optional(count),
})
export type Progress = v.InferOutput<typeof progress>
