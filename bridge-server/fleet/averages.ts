import type { Measurement } from "../../protocol/index.ts"
import { LastUsed } from "./last-used.ts"

interface Average {
  runMs?: number
  runs: number
  openMs?: number
}

/** Pairs of device and model that are remembered: those measured last. */
const KEPT_PAIRS = 10_000
/** Weight of the newest run. */
const ALPHA = 0.2

/** Moving averages of steady runs and the last opening, by device of the fleet and model. */
export class Averages {
  readonly #byKey = new LastUsed<Average>(KEPT_PAIRS, () => ({ runs: 0 }))

  /** `device` is the fleet's name of it, `agent/device`. */
  get(device: string, sha256: string): Readonly<Average> {
    return this.#byKey.get(key(device, sha256)) ?? { runs: 0 }
  }

  opened(device: string, sha256: string, openMs: number): void {
    this.#byKey.use(key(device, sha256)).openMs = openMs
  }

  ran(device: string, sha256: string, runMs: number): void {
    const average = this.#byKey.use(key(device, sha256))
    average.runMs = average.runMs === undefined ? runMs : average.runMs + ALPHA * (runMs - average.runMs)
    average.runs++
  }

  /** Takes in what was measured in earlier lives, oldest first. */
  seed(agent: string, measurements: readonly Measurement[]): void {
    for (const m of measurements) {
      if (!m.ok) continue
      const device = `${agent}/${m.device}`
      if (m.kind === "open") this.opened(device, m.model, m.ms)
      else if (m.kind !== "first") this.ran(device, m.model, m.ms)
    }
  }
}

function key(device: string, sha256: string): string {
  return `${sha256} ${device}`
}
