import type { Measurement } from "../../protocol/index.ts"

interface Average {
  runMs?: number
  runs: number
  openMs?: number
}

/** Pairs of device and model that are remembered; the one measured least recently is forgotten. */
const KEPT_PAIRS = 10_000
/** Weight of the newest run. */
const ALPHA = 0.2

/** Moving averages of steady runs and the last opening, by device of the fleet and model. */
export class Averages {
  readonly #byKey = new Map<string, Average>()

  /** `device` is the fleet's name of it, `agent/device`. */
  get(device: string, sha256: string): Readonly<Average> {
    return this.#byKey.get(key(device, sha256)) ?? { runs: 0 }
  }

  opened(device: string, sha256: string, openMs: number): void {
    this.#entry(device, sha256).openMs = openMs
  }

  ran(device: string, sha256: string, runMs: number): void {
    const average = this.#entry(device, sha256)
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

  #entry(device: string, sha256: string): Average {
    const k = key(device, sha256)
    const average = this.#byKey.get(k) ?? { runs: 0 }
    this.#byKey.delete(k)
    this.#byKey.set(k, average)
    if (this.#byKey.size > KEPT_PAIRS) this.#byKey.delete(this.#byKey.keys().next().value as string)
    return average
  }
}

function key(device: string, sha256: string): string {
  return `${sha256} ${device}`
}
