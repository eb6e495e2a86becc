import { defaultRunMs } from "./defaults.ts"
import { selectorMatches } from "./selector.ts"

/** What the scheduler knows of one device, in the pool or in the fleet. */
export interface Candidate {
  /** Unique among the candidates: `webgpu`, or `agent/webgpu` in the fleet. */
  id: string
  /** Selector on its agent: `webgpu`, `native-cuda#1`. */
  device: string
  backend: string
  agent?: string
  browser?: string
  fallbackAdapter: boolean
  state: "ready" | "busy" | "cooling" | "lost"
  /** Its correctness probe; undefined where there was none. */
  probe: { readonly ok: boolean; readonly reason?: string | undefined } | undefined
  /** Why it can't run this model, once it is known. */
  unsupported?: string
  /** The model is loaded there already. */
  resident: boolean
  /** Room for weights and activations, bytes, counting what could be evicted; absent where unknown. */
  freeBytes?: number
  /** Jobs waiting or running there. */
  queued: number
  /** Median or moving average of steady runs of this model there, ms. */
  runMs?: number
  /** Measured runs behind `runMs`. */
  runs: number
  /** Time of the last opening of this model there, ms. */
  openMs?: number
  /** ms since 1970 until which it is not to be used. */
  coolingUntil?: number
  /** A job of somebody else's keeps it from all others, for longer than a job may. */
  heldUp?: boolean
}

export interface Need {
  /** Selector the caller forces: `webgpu`, `webnn:npu`, `native-cuda#1`; a bare backend matches any of its devices. */
  device?: string
  /** Agent the caller forces. */
  agent?: string
  /** Kind of browser the caller forces. */
  browser?: string
  /** Estimate of weights and activations, bytes. */
  bytes: number
  /** Bytes for all models of all callers: said in place of `Candidate.freeBytes` to who may not know what others hold. */
  budgetBytes?: number
  /** Floating-point operations of one run, where inferred; decides among unmeasured devices. */
  flops?: number
  /** Runs that an opening is expected to serve; its cost is spread over them. Default 1. */
  runs?: number
  /** ms since 1970 */
  now: number
  /** Candidates that failed this very job already. */
  exclude?: readonly string[]
}

export interface Ranked {
  id: string
  /** Until the answer is there: those before it, opening where needed (spread over `Need.runs`), and the run itself. */
  expectedMs: number
  /** `expectedMs` comes from runs of this model there, not from defaults. */
  measured: boolean
  why: string
}

export interface Rejected {
  id: string
  /** `device` and `agent`: not what the caller asked for; the others: it can't. */
  kind: "device" | "agent" | "excluded" | "lost" | "cooling" | "probe" | "unsupported" | "memory"
  reason: string
}

export interface Choice {
  /** Best first; empty where none can. */
  ranked: Ranked[]
  /** Every other candidate, with the reason in words for a person. */
  rejected: Rejected[]
  /** The candidate that would have come first, had it been able to; absent where the best one is the first choice. */
  passedOver?: { id: string; reason: string }
}

interface Scored extends Ranked {
  candidate: Candidate
}

/** Measured candidates within this factor of the best, and one millisecond, count as equal; defaults are an order, and no nearer than they say. */
const NEAR = 1.25

/**
 * Which candidate serves `need`. Filters first; then by measured time, where a device that was never measured with this model comes after
 * all that were, and a fallback adapter after everything. Among near-equals the less loaded of two drawn at random comes first (power of
 * two choices: many choosers with the same stale view don't all run to the same one).
 */
export function choose(need: Need, candidates: readonly Candidate[], random: () => number): Choice {
  const ranked: Scored[] = []
  const rejected: Rejected[] = []
  const unable: Scored[] = []
  for (const candidate of candidates) {
    const no = rejection(need, candidate)
    if (!no) {
      ranked.push(score(need, candidate))
      continue
    }
    rejected.push({ id: candidate.id, ...no })
    if (no.kind !== "device" && no.kind !== "agent") unable.push({ ...score(need, candidate), why: no.reason })
  }
  ranked.sort(byOrder)
  preferLessLoaded(ranked, random)
  const best = ranked[0]
  const passed = unable.sort(byOrder).find((x) => !best || byTier(x, best) < 0 || isClearlyBetter(x, best))
  return {
    ranked: ranked.map(({ candidate: _, ...rest }) => rest),
    rejected,
    ...(passed && { passedOver: { id: passed.id, reason: passed.why } }),
  }
}

function rejection(need: Need, c: Candidate): Omit<Rejected, "id"> | undefined {
  if (need.device !== undefined && !selectorMatches(need.device, c.device))
    return { kind: "device", reason: `${need.device} was asked for` }
  if (need.agent !== undefined && need.agent !== c.agent)
    return { kind: "agent", reason: `agent ${need.agent} was asked for` }
  if (need.browser !== undefined && need.browser !== c.browser)
    return { kind: "agent", reason: `${need.browser} was asked for` }
  if (need.exclude?.includes(c.id)) return { kind: "excluded", reason: "it failed this job already" }
  if (c.coolingUntil !== undefined ? c.coolingUntil > need.now : c.state === "cooling") {
    const wait = c.coolingUntil === undefined ? "" : ` for ${Math.ceil((c.coolingUntil - need.now) / 1000)} s more`
    return { kind: "cooling", reason: `it failed too often or was lost, and is left alone${wait}` }
  }
  if (c.heldUp) return { kind: "cooling", reason: "another's job holds it up" }
  if (c.state === "lost") return { kind: "lost", reason: "the device was lost" }
  if (c.probe?.ok === false) {
    const what = c.probe.reason ? `: ${c.probe.reason}` : ""
    return { kind: "probe", reason: `it computes wrong results in a known case${what}` }
  }
  if (c.unsupported !== undefined) return { kind: "unsupported", reason: c.unsupported }
  if (!c.resident && c.freeBytes !== undefined && c.freeBytes < need.bytes)
    return { kind: "memory", reason: tooLittle(need, need.budgetBytes ?? c.freeBytes) }
  return undefined
}

function tooLittle({ bytes }: Need, ofBytes: number): string {
  const needs = `the model needs about ${bytes} bytes, and`
  return ofBytes < bytes ? `${needs} ${ofBytes} can be had` : `${needs} too few of ${ofBytes} are free`
}

function score(need: Need, c: Candidate): Scored {
  const measured = c.runMs !== undefined && c.runs > 0
  const runMs = measured ? c.runMs! : defaultRunMs(c.backend, c.fallbackAdapter, need.flops)
  // Without measurements there is the default order, and what an opening might cost has no say in it.
  const openMs = c.resident || !measured ? 0 : (c.openMs ?? 100 + need.bytes / 2e5) / Math.max(1, need.runs ?? 1)
  const how = measured
    ? `${round(runMs)} ms a run, measured over ${c.runs}`
    : `not measured yet, ${c.backend} by default`
  return {
    id: c.id,
    candidate: c,
    expectedMs: (c.queued + 1) * runMs + openMs,
    measured,
    why: [
      how,
      c.queued && `${c.queued} before it`,
      openMs && `opening ${round(openMs)} ms`,
      c.fallbackAdapter && "fallback adapter",
    ]
      .filter(Boolean)
      .join(", "),
  }
}

const round = (ms: number) => Math.round(ms * 10) / 10

/** A real device before a software stand-in, a measured one before an unmeasured one. */
function byTier(a: Scored, b: Scored): number {
  return (
    Number(a.candidate.fallbackAdapter) - Number(b.candidate.fallbackAdapter) || Number(b.measured) - Number(a.measured)
  )
}

function byOrder(a: Scored, b: Scored): number {
  return byTier(a, b) || a.expectedMs - b.expectedMs || (a.id < b.id ? -1 : 1)
}

function isClearlyBetter(a: Scored, b: Scored): boolean {
  return byTier(a, b) === 0 && a.expectedMs < b.expectedMs
}

function preferLessLoaded(ranked: Scored[], random: () => number): void {
  const best = ranked[0]
  if (!best) return
  const limit = best.measured ? best.expectedMs * NEAR + 1 : best.expectedMs
  let near = 1
  while (near < ranked.length && byTier(ranked[near]!, best) === 0 && ranked[near]!.expectedMs <= limit) near++
  if (near < 2) return
  const first = Math.floor(random() * near)
  const other = Math.floor(random() * (near - 1))
  const second = other >= first ? other + 1 : other
  const [a, b] = [ranked[first]!, ranked[second]!]
  const better = a.candidate.queued - b.candidate.queued || a.expectedMs - b.expectedMs
  const winner = better <= 0 ? first : second
  ranked.unshift(...ranked.splice(winner, 1))
}
