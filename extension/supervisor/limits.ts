import type { BridgeLink } from "../../engine/agent/bridge-link.ts"
import type { Surroundings } from "../../engine/agent/surroundings.ts"
import type { Pool } from "../../engine/index.ts"
import type { ModelLibrary } from "../../engine/store/library.ts"
import type { Preferences, Snapshot } from "../../protocol/index.ts"
import type { Gate } from "../gate/gate.ts"
import type { PreferenceKeeper } from "./preferences.ts"

/** Why nothing is computed now. */
export function whyPaused(
  { paused, onBattery }: Pick<Preferences, "paused" | "onBattery">,
  { isOnMains }: Pick<Surroundings, "isOnMains">,
): Snapshot["paused"] {
  if (paused) return "person"
  return !onBattery && isOnMains === false ? "battery" : undefined
}

export interface LimitedParts {
  pool: Pool
  models: ModelLibrary
  gate: Gate
  bridge: BridgeLink
  preferences: PreferenceKeeper
  surroundings: Surroundings
}

/** Has all parts hold to what the person prefers, where the computer is now. */
export class Limits {
  readonly #parts: LimitedParts
  #isAtBridge = false

  constructor(parts: LimitedParts) {
    this.#parts = parts
  }

  get paused(): Snapshot["paused"] {
    return whyPaused(this.#parts.preferences.current, this.#parts.surroundings)
  }

  /** Called at the start, and when what is preferred or the surroundings changed. */
  async obey(): Promise<void> {
    const { pool, models, gate, bridge, preferences } = this.#parts
    const { memoryBytes, gpuShare, storeBytes } = preferences.current
    const isPaused = this.paused !== undefined
    pool.allow({ budgetBytes: memoryBytes, gpuShare, paused: isPaused })
    gate.endBarred()
    // What would run here, the bridge-server runs elsewhere meanwhile.
    if (this.#isAtBridge === isPaused) {
      this.#isAtBridge = !isPaused
      if (isPaused) bridge.pause()
      else await bridge.start()
    }
    await models.limit(storeBytes)
  }
}
