import { type Candidate, choose } from "./choose.ts"
import { defaultRunMs } from "./defaults.ts"

/** A device as a place to try a model on. Its `freeBytes` are those that nobody uses: for a trial nothing is unloaded. */
export interface TuneCandidate extends Candidate {
  /** ms since 1970 of its last loss under whatever; absent or 0 where there was none. */
  lostAt?: number
  /** Somebody has a session there, and may come back to it at any moment. */
  held: boolean
  /** ms since 1970 of this model's last trial there, where that failed. */
  failedAt?: number
}

/** A model that was used not long ago. */
export interface TuneModel {
  id: string
  /** Estimate of weights and activations, bytes. */
  bytes: number
  flops?: number
  /** ms since 1970 of its last run for a caller. */
  usedAt: number
  /** Trials of it that were begun within the last day, on any device. */
  tries: number
  candidates: readonly TuneCandidate[]
}

export interface TuneState {
  /** The person, the power supply and the network have nothing against it. */
  allowed: boolean
  /** ms since 1970 */
  now: number
  /** How long no caller has wanted anything, ms. */
  idleMs: number
  models: readonly TuneModel[]
}

export interface Trial {
  model: string
  /** Candidate's id. */
  device: string
  /** What a caller who came just then might wait: for the opening or for one run, since neither can be interrupted. */
  blockMs: number
  why: string
}

export interface TunePlan {
  /** What to try next; absent where nothing is to be tried now. */
  trial?: Trial
  /** In words for a person: why that, or why nothing. */
  reason: string
}

export interface TuneRules {
  idleMs: number
  triesPerDay: number
  /** Models unused for longer are not tried. */
  recentMs: number
  /** What failed is not tried again for that long: drivers and browsers change, but not every day. */
  failedMs: number
  /** What was lost is left in peace for that long: a second loss may take a GPU from everybody. */
  lostMs: number
  /** Longest that a trial may be expected to block a device where somebody has a session, and one where nobody has. */
  heldBlockMs: number
  blockMs: number
}

export const DAY_MS = 86_400_000

export const tuneRules: TuneRules = {
  idleMs: 10_000,
  triesPerDay: 6,
  recentMs: DAY_MS,
  failedMs: 7 * DAY_MS,
  lostMs: 600_000,
  heldBlockMs: 1_000,
  blockMs: 30_000,
}

/**
 * Which unmeasured pair of model and device to try in idle time, if any: what was used last first, and within a model what is expected to be
 * fastest; software stand-ins after everything else, of all models. What could cost a caller anything is not tried, nor what would change no
 * choice.
 */
export function nextTrial(state: TuneState, rules: TuneRules = tuneRules): TunePlan {
  if (!state.allowed) return { reason: "not now: on battery, on a metered network, or switched off" }
  if (state.idleMs < rules.idleMs) return { reason: "callers were at work a moment ago" }
  const trials: (Trial & { usedAt: number; fallback: boolean })[] = []
  const against: string[] = []
  for (const model of state.models) {
    if (state.now - model.usedAt > rules.recentMs) continue
    // No randomness: whoever is first is tried first, and the others after it.
    const need = { bytes: model.bytes, flops: model.flops, now: state.now }
    const candidates = model.candidates.map((c) => ({ ...c, resident: false }))
    const { ranked, rejected } = choose(need, candidates, () => 0)
    const byId = new Map(candidates.map((c) => [c.id, c]))
    for (const { id, reason } of rejected) if (!byId.get(id)!.runs) against.push(`${id}: ${reason}`)
    // A software stand-in comes last whatever is measured: it is worth a trial only where there is nothing else.
    const real = ranked.filter(({ id }) => !byId.get(id)!.fallbackAdapter)
    const rivals = real.length > 0 ? real : ranked
    if (rivals.length < 2) continue
    for (const { id, measured } of rivals) {
      if (measured) continue
      const candidate = byId.get(id)!
      const blockMs = expectedBlockMs(model, candidate)
      const no = objection(state, rules, model, candidate, blockMs)
      if (no) against.push(`${id}: ${no}`)
      else {
        const why = `${id} was not measured with a model used lately`
        trials.push({
          model: model.id,
          device: id,
          blockMs,
          why,
          usedAt: model.usedAt,
          fallback: candidate.fallbackAdapter,
        })
      }
    }
  }
  // Stable: within a model the order is choose's.
  trials.sort((a, b) => Number(a.fallback) - Number(b.fallback) || b.usedAt - a.usedAt)
  const best = trials[0]
  if (!best) return { reason: against.length > 0 ? against.join("; ") : "all that could change a choice is measured" }
  const { model, device, blockMs, why } = best
  return { trial: { model, device, blockMs, why }, reason: why }
}

function expectedBlockMs(model: TuneModel, { backend, fallbackAdapter, openMs }: TuneCandidate): number {
  return Math.max(openMs ?? 100 + model.bytes / 2e5, defaultRunMs(backend, fallbackAdapter, model.flops))
}

function objection(
  { now }: TuneState,
  rules: TuneRules,
  model: TuneModel,
  { state, queued, lostAt, failedAt, held }: TuneCandidate,
  blockMs: number,
): string | undefined {
  if (state === "busy" || queued > 0) return "it has work to do"
  if (model.tries >= rules.triesPerDay) return `the model was tried ${model.tries} times today`
  if (failedAt !== undefined && now - failedAt < rules.failedMs) return "it failed with this model not long ago"
  if (lostAt && now - lostAt < rules.lostMs) return "it was lost not long ago"
  const most = held ? rules.heldBlockMs : rules.blockMs
  if (blockMs > most)
    return `a trial may take ${Math.round(blockMs)} ms${held ? ", and somebody has a session there" : ""}`
  return undefined
}
