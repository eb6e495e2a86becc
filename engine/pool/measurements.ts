import type { DeviceInfo, Measurement } from "../../protocol/index.ts"
import type { Model } from "./models.ts"

const KEPT_RUNS = 32
/** Pairs of model and device that are remembered; the least recently measured is forgotten. */
const KEPT_PAIRS = 2048

interface Figures {
  runsMs: number[]
  runs: number
  openMs: number | undefined
  medianMs: number | undefined
  /** ms since 1970 of the last tries in idle time, and of the last benchmark where that failed. */
  triedAt: number[]
  failedAt: number | undefined
}

const KEPT_TRIES = 16

/** What was measured here: told on, and kept as a short history for the choice of device. */
export class Measurements {
  readonly #figures = new Map<string, Figures>()
  readonly #tell: (measurement: Measurement) => void
  readonly #now: () => number

  constructor(tell: (measurement: Measurement) => void, now: () => number, earlier: Iterable<Measurement> = []) {
    this.#tell = tell
    this.#now = now
    for (const measurement of earlier) {
      this.#learn(measurement)
      if (measurement.kind === "benchmark") this.#try(measurement.model, measurement.device, measurement.at)
    }
  }

  /** A try in idle time begins. */
  tried(model: string, device: string): void {
    this.#try(model, device, this.#now())
  }

  /** Tries since `since`, ms since 1970, and when the last benchmark there failed, where it did. */
  trials(model: string, device: string, since: number): { tries: number; failedAt: number | undefined } {
    const figures = this.#figures.get(`${model} ${device}`)
    return { tries: figures?.triedAt.filter((at) => at >= since).length ?? 0, failedAt: figures?.failedAt }
  }

  add(
    kind: Measurement["kind"],
    device: DeviceInfo,
    { sha256, isPrivate }: Pick<Model, "sha256" | "isPrivate">,
    ms: number,
    outcome: { ok: boolean; error?: string; inputElems?: number },
  ): void {
    const { id, backend, adapter } = device
    const measurement: Measurement = {
      at: this.#now(),
      kind,
      device: id,
      backend,
      adapter,
      model: sha256,
      ms,
      ...outcome,
    }
    this.#learn(measurement)
    if (!isPrivate) this.#tell(measurement)
  }

  /** Median of the last 32 steady runs of `model` on `device`, how many there were, and its last opening. */
  of(model: string, device: string): { runMs?: number; runs: number; openMs?: number } {
    const figures = this.#figures.get(`${model} ${device}`)
    if (!figures) return { runs: 0 }
    figures.medianMs ??= median(figures.runsMs)
    return { runMs: figures.medianMs, runs: figures.runs, openMs: figures.openMs }
  }

  #learn({ at, kind, device, model, ms, ok }: Measurement): void {
    if (kind === "benchmark") this.#of(model, device).failedAt = ok ? undefined : at
    if (!ok || kind === "first") return
    const figures = this.#of(model, device)
    if (kind === "open") figures.openMs = ms
    else {
      if (figures.runsMs.length === KEPT_RUNS) figures.runsMs[figures.runs % KEPT_RUNS] = ms
      else figures.runsMs.push(ms)
      figures.runs++
      figures.medianMs = undefined
    }
  }

  #try(model: string, device: string, at: number): void {
    const { triedAt } = this.#of(model, device)
    triedAt.push(at)
    if (triedAt.length > KEPT_TRIES) triedAt.shift()
  }

  #of(model: string, device: string): Figures {
    const key = `${model} ${device}`
    let figures = this.#figures.get(key)
    if (figures) return figures
    figures = { runsMs: [], runs: 0, openMs: undefined, medianMs: undefined, triedAt: [], failedAt: undefined }
    this.#figures.set(key, figures)
    if (this.#figures.size > KEPT_PAIRS) this.#figures.delete(this.#figures.keys().next().value as string)
    return figures
  }
}

/** The middle value, or the mean of the two in the middle; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1]! + sorted[half]!) / 2
}
