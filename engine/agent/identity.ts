import { asAccelerateError } from "../../protocol/index.ts"
import type { Settings, SettingsStore } from "./settings.ts"

/**
 * Who this agent is for the bridge, in this run. On a full disk it starts all the same, or the person could not come to the screens on which they make
 * room: it may then be another agent the next time, or the same incarnation.
 */
export async function identify(
  settings: SettingsStore,
  browser: string,
): Promise<Pick<Settings, "agent" | "incarnation">> {
  const keep = <K extends keyof Settings>(key: K, value: Settings[K]) =>
    settings.set(key, value).catch((error) => {
      if (asAccelerateError(error).code !== "IPFA_STORE_QUOTA") throw error
    })
  const agent = (await settings.get("agent")) ?? `${browser}-${crypto.randomUUID().slice(0, 8)}`
  await keep("agent", agent)
  const incarnation = ((await settings.get("incarnation")) ?? 0) + 1
  await keep("incarnation", incarnation)
  return { agent, incarnation }
}
