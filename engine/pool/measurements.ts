import type { DeviceInfo, Measurement } from "../../protocol/index.ts"
import type { Model } from "./models.ts"

/**
 * A measurement with its model's key, by which a later life knows the model again. Without one it is of a model that is one owner's alone:
 * nothing is learned of it, as its hash alone would tell whoever has equal bytes.
 */
export type KeyedMeasurement = Measurement & { key?: string }

/** What tells models apart here, and how far what is learned of one may go. */
type Known = Pick<Model, "key" | "isPrivate">

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

/**
 * What was measured here: told on, and kept as a short history for the choice of device. Models of equal bytes that two own apart have histories
 * apart (`Model.key`): which device one is given would tell its owner what another ran.
 */
export class Measurements {
  readonly #figures = new Map<string, Figures>()
  /** Of private windows: gone with the model, which is read anew for each that asks. */
  readonly #private = new WeakMap<Known, Map<string, Figures>>()
  readonly #tell: (measurement: Measurement, key?: string) => void
  readonly #now: () => number

  constructor(
    tell: (measurement: Measurement, key?: string) => void,
    now: () => number,
    earlier: Iterable<KeyedMeasurement> = [],
  ) {
    this.#tell = tell
    this.#now = now
    for (const measurement of earlier) {
      const { key, kind, device, at } = measurement
      if (key === undefined) continue
      const model = { key, isPrivate: false }
      this.#learn(model, measurement)
      if (kind === "benchmark") this.#try(model, device, at)
    }
  }

  /** A try in idle time begins. */
  tried(model: Known, device: string): void {
    this.#try(model, device, this.#now())
  }

  /** Tries since `since`, ms since 1970, and when the last benchmark there failed, where it did. */
  trials(model: Known, device: string, since: number): { tries: number; failedAt: number | undefined } {
    const figures = this.#find(model, device)
    return { tries: figures?.triedAt.filter((at) => at >= since).length ?? 0, failedAt: figures?.failedAt }
  }

  add(
    kind: Measurement["kind"],
    device: DeviceInfo,
    model: Known & Pick<Model, "sha256" | "isOwned">,
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
      model: model.sha256,
      ms,
      ...outcome,
    }
    this.#learn(model, measurement)
    if (!model.isPrivate) this.#tell(measurement, model.isOwned ? undefined : model.key)
  }

  /** Median of the last 32 steady runs of `model` on `device`, how many there were, and its last opening. */
  of(model: Known, device: string): { runMs?: number; runs: number; openMs?: number } {
    const figures = this.#find(model, device)
    if (!figures) return { runs: 0 }
    figures.medianMs ??= median(figures.runsMs)
    return { runMs: figures.medianMs, runs: figures.runs, openMs: figures.openMs }
  }

  #learn(model: Known, { at, kind, device, ms, ok }: Measurement): void {
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

  #try(model: Known, device: string, at: number): void {
    const { triedAt } = this.#of(model, device)
    triedAt.push(at)
    if (triedAt.length > KEPT_TRIES) triedAt.shift()
  }

  #find(model: Known, device: string): Figures | undefined {
    return this.#all(model)?.get(`${model.key} ${device}`)
  }

  #of(model: Known, device: string): Figures {
    const known = this.#find(model, device)
    if (known) return known
    const figures: Figures = {
      runsMs: [],
      runs: 0,
      openMs: undefined,
      medianMs: undefined,
      triedAt: [],
      failedAt: undefined,
    }
    if (model.isPrivate && !this.#private.has(model)) this.#private.set(model, new Map())
    const all = this.#all(model)!
    all.set(`${model.key} ${device}`, figures)
    if (all.size > KEPT_PAIRS) all.delete(all.keys().next().value as string)
    return figures
  }

  #all(model: Known): Map<string, Figures> | undefined {
    return model.isPrivate ? this.#private.get(model) : this.#figures
  }
}

/** The middle value, or the mean of the two in the middle; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1]! + sorted[half]!) / 2
}
