import type { Settings, SettingsStore } from "../../engine/agent/settings.ts"

/** Settings in memory, and what writing or deleting one fails with now. */
export interface MemorySettings extends SettingsStore {
  fault?: Error
}

export function memorySettings(): MemorySettings {
  const kept = new Map<keyof Settings, unknown>()
  const write = async (change: () => unknown) => {
    if (store.fault) throw store.fault
    change()
  }
  const store: MemorySettings = {
    get: async <K extends keyof Settings>(key: K) => kept.get(key) as Settings[K] | undefined,
    set: (key, value) => write(() => kept.set(key, value)),
    delete: (key) => write(() => kept.delete(key)),
  }
  return store
}

/** What browsers throw where the disk is full. */
export const fullDisk = (): Error => new DOMException("full disk", "QuotaExceededError")
