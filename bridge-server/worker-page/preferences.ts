import type { BrowserBackendName } from "../../engine/backends/names.ts"

/** What a person lets this page use: by what the browser has, whichever code drives it. */
export const backends = ["webgpu", "webnn", "wasm"] as const
export type Backend = (typeof backends)[number]

/** What `backend` computes on. */
export const usedBy = (backend: BrowserBackendName): Backend => (backend === "wgsl" ? "webgpu" : backend)

/** What the person set on this page. */
export interface Preferences {
  paused: boolean
  /** Memory for models and kept tensors, MB (10⁶ bytes); undefined: the engine's choice. */
  budgetMB?: number
  /** What is not to be used here. */
  without: Backend[]
  /** Rest while the machine runs on battery. */
  mainsOnly: boolean
}

const KEY = "ipfs-accelerate-worker"

export function readPreferences(): Preferences {
  let stored: Partial<Preferences> = {}
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "{}")
  } catch {
    // Not ours: as if nothing was set.
  }
  const { paused, budgetMB, without, mainsOnly } = stored
  return {
    paused: paused === true,
    ...(typeof budgetMB === "number" && budgetMB > 0 && { budgetMB }),
    without: Array.isArray(without) ? backends.filter((backend) => without.includes(backend)) : [],
    mainsOnly: mainsOnly === true,
  }
}

export function writePreferences(preferences: Preferences): void {
  localStorage.setItem(KEY, JSON.stringify(preferences))
}
