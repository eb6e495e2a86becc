import { bytesText, deviceStates, modelLabel } from "../../engine/agent/screen-words.ts"
import type { DeviceInfo } from "../../protocol/index.ts"
import { language, t } from "./text.tsx"

/** Numbers, times, names and states as the pages show them. */

/** ms since 1970, as date and time. */
export const when = (at: number): string =>
  new Date(at).toLocaleString(language(), { dateStyle: "short", timeStyle: "medium" })

/** ms since 1970, as the time of its day. */
export const time = (at: number): string => new Date(at).toLocaleTimeString(language(), { timeStyle: "short" })

/** With so many digits after the point. */
function decimals(value: number, digits: number): string {
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }
  return value.toLocaleString(language(), format)
}

/** Milliseconds with about three digits, or a dash for none. */
export function msText(ms: number | undefined): string {
  return ms === undefined ? "–" : decimals(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0)
}

export const rateText = (perSecond: number): string => decimals(perSecond, perSecond < 10 ? 1 : 0)

/** `4.2 MB`, in powers of 1000. */
export const bytes = (count: number): string => bytesText(count, language())

/** A model's name short enough for a table: the last part of its reference, else the beginning of its SHA-256. */
export const modelName = (sha256: string, reference = ""): string =>
  modelLabel(reference) ?? `sha256:${sha256.slice(0, 12)}`

/** How a device is; undefined is one that is no longer there. */
export function deviceWords(device: DeviceInfo | undefined): { text: string; tone: string } {
  if (!device) return { text: t("deviceGone"), tone: "soft" }
  if (device.probe && !device.probe.ok) return { text: t("deviceWrong"), tone: "bad" }
  const { key, tone } = deviceStates[device.state]
  if (device.unavailableUntil === undefined) return { text: t(key), tone }
  return { text: t("deviceUntil", when(device.unavailableUntil)), tone: "warn" }
}
