import type { SettingsStore } from "../../engine/agent/settings.ts"
import type { Preferences } from "../../protocol/index.ts"

const defaults: Preferences = { measureIdle: true }

/** What the person prefers, across restarts. */
export class PreferenceKeeper {
  readonly #store: SettingsStore
  #current: Preferences

  private constructor(store: SettingsStore, current: Preferences) {
    this.#store = store
    this.#current = current
  }

  static async open(store: SettingsStore): Promise<PreferenceKeeper> {
    return new PreferenceKeeper(store, { ...defaults, ...(await store.get("preferences")) })
  }

  get current(): Preferences {
    return this.#current
  }

  /** Holds at once; resolves when it outlives the browser. */
  async change(changes: Partial<Preferences>): Promise<Preferences> {
    this.#current = { ...this.#current, ...changes }
    await this.#store.set("preferences", this.#current)
    return this.#current
  }
}
