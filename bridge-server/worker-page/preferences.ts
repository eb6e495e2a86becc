/** What the person set on this page. */
export interface Preferences {
  paused: boolean
  /** Memory for models and kept tensors, MiB; undefined: the engine's choice. */
  budgetMiB?: number
}

const KEY = "ipfs-accelerate-worker"

export function readPreferences(): Preferences {
  try {
    const { paused, budgetMiB } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>
    return { paused: paused === true, ...(typeof budgetMiB === "number" && budgetMiB > 0 && { budgetMiB }) }
  } catch {
    return { paused: false }
  }
}

export function writePreferences(preferences: Preferences): void {
  localStorage.setItem(KEY, JSON.stringify(preferences))
}
