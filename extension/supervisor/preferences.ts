import type { SettingsStore } from "../../engine/agent/settings.ts"
import { defaultBudgetBytes } from "../../engine/pool/options.ts"
import { BROWSER_QUOTA_BYTES } from "../../engine/store/browser.ts"
import type { Preferences } from "../../protocol/index.ts"

const defaults = (): Preferences => ({
  measureIdle: true,
  paused: false,
  memoryBytes: defaultBudgetBytes(),
  storeBytes: BROWSER_QUOTA_BYTES,
  gpuShare: 1,
  onBattery: true,
  onMetered: false,
  privateWindows: false,
})

/** What the person prefers, across restarts. */
export class PreferenceKeeper {
  readonly #store: SettingsStore
  #current: Preferences

  private constructor(store: SettingsStore, current: Preferences) {
    this.#store = store
    this.#current = current
  }

  static async open(store: SettingsStore): Promise<PreferenceKeeper> {
    return new PreferenceKeeper(store, { ...defaults(), ...(await store.get("preferences")) })
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
