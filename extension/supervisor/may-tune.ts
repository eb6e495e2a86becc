import type { Surroundings } from "../../engine/agent/surroundings.ts"

/**
 * Whether devices may now be measured in idle time: where the person wants it, on mains power, and where nothing is to be saved. A browser
 * that does not tell of its power is taken to be on battery.
 */
export function mayTune(wanted: () => boolean, surroundings: Surroundings): () => boolean {
  return () => wanted() && surroundings.isOnMains === true && !surroundings.isMetered
}
