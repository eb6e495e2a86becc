import { bytesText, deviceStates, modelLabel } from "../../engine/agent/screen-words.ts"
import type { Capability, DeviceInfo, HeldGrant } from "../../protocol/index.ts"
import { displayOrigin } from "../gate/origin.ts"
import { DEMO_SHA256 } from "./demo-model.ts"
import type { Tone } from "./parts/state.tsx"
import { language, type MessageKey, t } from "./text.tsx"

/** What a capability lets a site do, for a person. */
export const capabilityWords: Record<Capability, { short: MessageKey; long: MessageKey }> = {
  infer: { short: "mayInferShort", long: "mayInfer" },
  benchmark: { short: "mayBenchmarkShort", long: "mayBenchmark" },
  fleet: { short: "mayFleetShort", long: "mayFleet" },
}

export const capabilityList = (capabilities: readonly Capability[]): string =>
  new Intl.ListFormat(language()).format(capabilities.map((capability) => t(capabilityWords[capability].short)))

export function lifetimeWords({ lifetime, expiresAt = 0 }: Pick<HeldGrant, "lifetime" | "expiresAt">): string {
  if (lifetime === "once") return t("lastsPage", date(expiresAt))
  if (lifetime === "session") return t("lastsSession", date(expiresAt))
  return t("lastsAlways")
}

/** What a device computes on. */
export function adapterWords({ adapter, backend, fallbackAdapter }: DeviceInfo): string {
  return fallbackAdapter ? t("deviceSoftware", adapter || backend) : adapter || backend
}

/** How a device is, and until when where that is known. */
export function deviceWords({ state, unavailableUntil }: DeviceInfo): { text: string; tone: Tone } {
  const { key, tone } = deviceStates[state]
  if (unavailableUntil !== undefined && unavailableUntil > Date.now())
    return { text: t("deviceUntil", time(unavailableUntil)), tone: "warn" }
  return { text: t(key), tone }
}

/** `1.5 GB`, in powers of 1000. */
export const bytes = (count: number): string => bytesText(count, language())

/** `3.2 ms` */
export function milliseconds(ms: number): string {
  const maximumFractionDigits = ms < 10 ? 1 : 0
  return ms.toLocaleString(language(), { style: "unit", unit: "millisecond", maximumFractionDigits })
}

/** `5 sec`, `2 min` */
export function duration(ms: number): string {
  const [value, unit] = ms < 60_000 ? [ms / 1000, "second"] : [ms / 60_000, "minute"]
  return Math.floor(value).toLocaleString(language(), { style: "unit", unit })
}

export function date(ms: number): string {
  return new Date(ms).toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" })
}

export function time(ms: number): string {
  return new Date(ms).toLocaleTimeString(language(), { timeStyle: "short" })
}

/** For whom something is computed. */
export function whoWords(origin: string): string {
  if (origin === "owner") return t("whoOwner")
  if (origin.startsWith("bridge:")) return t("whoBridge")
  if (origin === "tuner") return t("whoTuner")
  return displayOrigin(origin).ascii
}

/** A model as a person tells it from others: the last part of its address, or the beginning of its digest. */
export function modelName(references: readonly string[], sha256: string): string {
  const address = references.find((reference) => !reference.startsWith("sha256:"))
  if (!address) return sha256 === DEMO_SHA256 ? t("demoModel") : t("modelUpload", sha256.slice(0, 8))
  return modelLabel(address) ?? address
}

/** The same of one reference. */
export const referenceName = (reference: string): string => modelName([reference], reference.replace(/^sha256:/, ""))
