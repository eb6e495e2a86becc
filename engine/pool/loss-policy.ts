import { type Cooldown, calm, recordOutcome } from "../../scheduler/index.ts"

/** A second loss of a GPU this soon after the first takes WebGPU away from the whole browser for about as long (RELIABILITY.md, S13). */
export const GPU_LOSS_WINDOW_MS = 120_000
/** One loss reaches all who use the GPU, each in its own time. */
const SAME_LOSS_MS = 3000
const gpuBackends = new Set(["webgpu", "wgsl", "webnn"])

/** What a backend loses together with others: "gpu", or itself. */
export function lostWith(backend: string): string {
  return gpuBackends.has(backend) ? "gpu" : backend
}

/** Losses of one thing under several backends: those in a row, and which backends had a part in the last. A plain value. */
export interface SharedLosses {
  readonly count: number
  /** ms since 1970 of the last; 0 where there was none. */
  readonly at: number
  readonly backends: readonly string[]
}

export const noSharedLosses: SharedLosses = { count: 0, at: 0, backends: [] }

/** Counts a loss under `backend`; one that reached another backend a moment ago is the same. Starts anew after `windowMs` without. */
export function countLoss(losses: SharedLosses, backend: string, now: number, windowMs: number): SharedLosses {
  const { count, at, backends } = losses
  const since = at === 0 ? Number.POSITIVE_INFINITY : now - at
  if (since < SAME_LOSS_MS && !backends.includes(backend)) return { ...losses, backends: [...backends, backend] }
  return { count: since < windowMs ? count + 1 : 1, at: now, backends: [backend] }
}

export interface LossHistory {
  readonly gpu: boolean
  /** ms since 1970 of the last loss; 0 where there was none. */
  readonly lostAt: number
  readonly cooldown: Cooldown
  /** Starts that failed in a row. */
  readonly failedStarts: number
}

export function noLosses(backend: string): LossHistory {
  return { gpu: gpuBackends.has(backend), lostAt: 0, cooldown: calm, failedStarts: 0 }
}

/** After a loss: the history, and when (ms since 1970) a replacement may be started; `now` is at once. `gpu`: the GPU's losses, this one counted. */
export function afterLoss(
  history: LossHistory,
  now: number,
  gpu: SharedLosses,
): { history: LossHistory; retryAt: number } {
  const cooldown = recordOutcome(history.cooldown, false, now)
  const retryAt = history.gpu ? (gpu.count > 1 ? gpu.at + GPU_LOSS_WINDOW_MS : now) : Math.max(now, cooldown.until)
  return { history: { ...history, lostAt: now, cooldown }, retryAt }
}

/** After one that did not start: gently, never in a loop. GPU 30, 60, 120 s; others 5, 10, … 60 s, but at once where the first only `ended`: something killed it. */
export function afterFailedStart(
  history: LossHistory,
  now: number,
  ended = false,
): { history: LossHistory; retryAt: number } {
  const { gpu, failedStarts: n } = history
  const next = { ...history, failedStarts: n + 1 }
  if (gpu) return { history: next, retryAt: now + Math.min(GPU_LOSS_WINDOW_MS, 30_000 * 2 ** n) }
  if (ended && n === 0) return { history: next, retryAt: now }
  return { history: next, retryAt: now + Math.min(60_000, 5_000 * 2 ** n) }
}

export function afterStart(history: LossHistory): LossHistory {
  return history.failedStarts === 0 ? history : { ...history, failedStarts: 0 }
}

/** After work that came out well. The same object where nothing changes, which is nearly always. */
export function afterSuccess(history: LossHistory, now: number): LossHistory {
  if (history.cooldown.outcomes.length === 0) return history
  return { ...history, cooldown: recordOutcome(history.cooldown, true, now) }
}
