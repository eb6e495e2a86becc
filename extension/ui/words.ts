import type { BridgeState, Capability, DeviceInfo, HeldGrant } from "../../protocol/index.ts"

/** What a capability lets a site do, for a person. */
export const capabilityWords: Record<Capability, { short: string; long: string }> = {
  infer: { short: "run models", long: "Run AI models on this computer’s processor and graphics card" },
  benchmark: { short: "measure", long: "Measure how fast your devices run models" },
  fleet: {
    short: "use the fleet",
    long: "Send its jobs to other computers of your bridge-server, whose owners can see what is computed there",
  },
}

export function lifetimeWords({ lifetime, expiresAt }: Pick<HeldGrant, "lifetime" | "expiresAt">): string {
  const until = expiresAt === undefined ? "" : `, at most until ${date(expiresAt)}`
  if (lifetime === "once") return `while its page is open${until}`
  if (lifetime === "session") return `until the browser is closed${until}`
  return "until you take it back"
}

export function bridgeWords({ state, url, reason }: BridgeState): { text: string; tone: "good" | "warn" | "soft" } {
  const host = url ? new URL(url).host : ""
  if (state === "connected") return { text: `Connected to ${host}`, tone: "good" }
  if (state === "connecting") return { text: `Connecting to ${host} …`, tone: "warn" }
  if (state === "waiting") return { text: `${host} is not reached, and tried again: ${reason}`, tone: "warn" }
  return { text: "Not paired with a bridge-server", tone: "soft" }
}

export function deviceWords(device: DeviceInfo): string {
  return `${device.adapter || device.backend}${device.fallbackAdapter ? " (software)" : ""}`
}

/** `1.5 GB`, in powers of 1000. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"]
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), units.length - 1)
  const value = count / 1000 ** power
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${units[power]}`
}

export function date(ms: number): string {
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })
}
