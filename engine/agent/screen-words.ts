import type { AbsentDevice, DeviceInfo } from "../../protocol/index.ts"

/** How the screens of the extension and the bridge-server's pages alike write amounts, times and names, and what is not there. */

/** `1.5 GB`, in powers of 1000. */
export function bytesText(count: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"]
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), units.length - 1)
  const value = count / 1000 ** power
  const maximumFractionDigits = value < 10 && power > 0 ? 1 : 0
  const format = { style: "unit", unit: units[power], unitDisplay: power ? "short" : "long", maximumFractionDigits }
  return value.toLocaleString(language, format as Intl.NumberFormatOptions)
}

/** The last part of a model's reference, by which a person tells it from others; undefined for one that is its digest. */
export function modelLabel(reference: string): string | undefined {
  if (reference.startsWith("sha256:")) return undefined
  return reference.split(/[?#]/)[0]?.split("/").filter(Boolean).at(-1)
}

const DAY = 86_400
/** Seconds between the marks of a chart: each at most two and a half times the one before, so that a narrow chart has one at least. */
export const TIME_STEPS = [
  ...[0.001, 0.01, 0.1].flatMap((power) => [power, 2 * power, 5 * power]),
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => 60 * minutes),
  ...[1, 2, 4, 6, 12].map((hours) => 3600 * hours),
  ...[1, 2, 5, 10, 20, 50, 100, 200].map((days) => DAY * days),
]

/** ms since 1970, at a mark of a chart whose marks are `stepSeconds` apart: as exact as tells it from its neighbours. */
export function tickTime(at: number, stepSeconds: number, language: string): string {
  const time: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit", second: "2-digit" }
  const format: Intl.DateTimeFormatOptions =
    stepSeconds < 0.01
      ? { ...time, fractionalSecondDigits: 3 }
      : stepSeconds < 0.1
        ? { ...time, fractionalSecondDigits: 2 }
        : stepSeconds < 1
          ? { ...time, fractionalSecondDigits: 1 }
          : stepSeconds < 60
            ? time
            : stepSeconds < 4 * 3600
              ? { timeStyle: "short" }
              : { day: "numeric", month: "short", ...(stepSeconds < DAY && { hour: "numeric" }) }
  return new Date(at).toLocaleString(language, format)
}

/** Devices that are absent for the same reason, together; those of each in the order in which they came. */
export function byReason<D extends Pick<AbsentDevice, "reason">>(
  absent: readonly D[],
): [reason: string, devices: D[]][] {
  const groups = new Map<string, D[]>()
  for (const device of absent) groups.set(device.reason, [...(groups.get(device.reason) ?? []), device])
  return [...groups]
}

/** The message that says how a device is, and its tone. */
export const deviceStates = {
  ready: { key: "deviceReady", tone: "good" },
  busy: { key: "deviceBusy", tone: "good" },
  cooling: { key: "deviceCooling", tone: "warn" },
  lost: { key: "deviceLost", tone: "bad" },
} as const satisfies Record<DeviceInfo["state"], object>
