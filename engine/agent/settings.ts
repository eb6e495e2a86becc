import type { DBSchema, IDBPDatabase } from "idb"
import type { Preferences } from "../../protocol/index.ts"
import { openVersioned, removeCopies } from "../store/open-versioned.ts"

/** What the supervisor keeps besides grants and models. */
export interface Settings {
  /** This agent's id, as the bridge knows it; made once. */
  agent: string
  /** How often the supervisor was started. */
  incarnation: number
  /**
   * By code; by `host`, which has a token made at each connection; or `left`, because the person said so. Where nothing is kept, the native
   * host is looked for.
   */
  bridge: BridgePairing | "host" | "left"
  /** Origins that the person switched off. */
  blocked: string[]
  preferences: Preferences
}

export interface BridgePairing {
  /** `ws://HOST:PORT/agent` */
  url: string
  /** This agent's own token. Never leaves for a bridge that has not shown that it knows it. */
  token: string
}

export interface SettingsStore {
  get<K extends keyof Settings>(key: K): Promise<Settings[K] | undefined>
  set<K extends keyof Settings>(key: K, value: Settings[K]): Promise<void>
  delete(key: keyof Settings): Promise<void>
}

interface Schema extends DBSchema {
  settings: { key: string; value: Settings[keyof Settings] }
}

export function idbSettings(name = "ipfs-accelerate-settings"): SettingsStore {
  let opened: Promise<IDBPDatabase<Schema>> | undefined
  const db = () => {
    opened ??= openVersioned<Schema>(name, [(database) => database.createObjectStore("settings")])
    return opened
  }
  /** A copy from before an update would keep the token of a pairing that has ended. */
  const forget = async (key: keyof Settings) => key === "bridge" && removeCopies(name)
  return {
    get: async <K extends keyof Settings>(key: K) =>
      (await (await db()).get("settings", key)) as Settings[K] | undefined,
    async set(key, value) {
      await (await db()).put("settings", value, key)
      await forget(key)
    },
    async delete(key) {
      await (await db()).delete("settings", key)
      await forget(key)
    },
  }
}
