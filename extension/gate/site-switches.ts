import type { SettingsStore } from "../../engine/agent/settings.ts"

/** Sites that the person switched off, across restarts. */
export class SiteSwitches {
  readonly #store: SettingsStore
  readonly #off: Set<string>

  private constructor(store: SettingsStore, off: string[]) {
    this.#store = store
    this.#off = new Set(off)
  }

  static async open(store: SettingsStore): Promise<SiteSwitches> {
    return new SiteSwitches(store, (await store.get("blocked")) ?? [])
  }

  get off(): string[] {
    return [...this.#off].sort()
  }

  isOff(origin: string): boolean {
    return this.#off.has(origin)
  }

  /** Holds at once; resolves when it outlives the browser. */
  async set(origin: string, on: boolean): Promise<void> {
    if (on) this.#off.delete(origin)
    else this.#off.add(origin)
    await this.#store.set("blocked", this.off)
  }
}
