import type { Answer, Capability, Grant, GrantNeed, HeldGrant } from "../../protocol/index.ts"

/** A grant as it is kept. */
export interface StoredGrant extends HeldGrant {
  /** The browser's session it was given for, where it is to end with that. */
  browserSession?: string
  /** What was granted for always before, and is all that is left when this one ends. */
  lasting?: StoredGrant
}

/** What a page asks for. */
export interface GrantRequest {
  capabilities: Capability[]
  /** Every model where absent. */
  models?: string[]
  reason?: string
}

export const ANY_MODEL = "*"

export const DEFAULT_LIMITS: Grant["limits"] = { storeBytes: 4e9, memoryBytes: 4e9, concurrentJobs: 16 }

const HOUR_MS = 3_600_000
/** A page that is left open, or a browser that is never closed, does not make a short grant a long one. */
const LONGEST_MS = { once: 12 * HOUR_MS, session: 30 * 24 * HOUR_MS } as const

/**
 * What a person who answers a prompt with yes gives. What the origin held before (`held`) stays part of it, and no answer shortens that: what was
 * granted for always (in `stored`) is kept in `lasting` as it was, for when a grant for the session ends.
 */
export function makeGrant(
  origin: string,
  request: GrantRequest,
  answer: Exclude<Answer, "deny">,
  { now, browserSession, held, stored }: { now: number; browserSession: string; held?: Grant; stored?: StoredGrant },
): StoredGrant {
  const lasting = answer === "session" ? forAlways(stored) : undefined
  const { capabilities, models } = combine(request, held)
  return {
    origin,
    capabilities,
    models,
    lifetime: answer,
    ...(answer !== "always" && { expiresAt: now + LONGEST_MS[answer] }),
    ...(answer === "session" && { browserSession }),
    ...(lasting && { lasting }),
    limits: DEFAULT_LIMITS,
    grantedAt: now,
    usedAt: now,
  }
}

/** The part of what an origin's stored grant gives that has no end. */
export const forAlways = (stored: StoredGrant | undefined): StoredGrant | undefined =>
  stored?.lifetime === "always" ? stored : stored?.lasting

/** What would be granted: what is asked for and what the origin holds. */
export function combine(request: GrantRequest, held?: Grant): { capabilities: Capability[]; models: string[] } {
  const models = [...(held?.models ?? []), ...(request.models ?? [ANY_MODEL]).map(normalise)]
  return {
    capabilities: [...new Set([...(held?.capabilities ?? []), ...request.capabilities])],
    models: models.includes(ANY_MODEL) ? [ANY_MODEL] : [...new Set(models)],
  }
}

/** Whether the grant holds now. */
export function isLive(grant: StoredGrant, now: number, browserSession: string): boolean {
  if (grant.expiresAt !== undefined && grant.expiresAt <= now) return false
  return grant.lifetime !== "session" || grant.browserSession === browserSession
}

/** Whether a person need not be asked again. */
export function covers(grant: Grant, request: GrantRequest): boolean {
  return (
    request.capabilities.every((capability) => grant.capabilities.includes(capability)) &&
    (request.models ?? [ANY_MODEL]).every((model) => allowsModel(grant, model))
  )
}

/** Whether the grant names that model. */
export function allowsModel(grant: Grant, reference: string): boolean {
  if (grant.models.includes(ANY_MODEL)) return true
  const wanted = normalise(reference)
  // As they were written, in grants that are older than this spelling too.
  const named = grant.models.map(normalise)
  // A pinned reference asks for less than the same without.
  return named.includes(wanted) || named.includes(wanted.replace(PIN, ""))
}

/** The digest by which an upload is named. */
export const uploadDigest = (reference: string): string | undefined => /^sha256:([0-9a-f]{64})$/.exec(reference)?.[1]

const PIN = /#sha256=[0-9a-fA-F]{64}$/

/** Two spellings of one reference are one. */
function normalise(reference: string): string {
  if (reference === ANY_MODEL || !URL.canParse(reference)) return reference
  return new URL(reference).href.replace(PIN, (pin) => pin.toLowerCase())
}

/** What a page says, as it is shown: nothing that moves or hides other text. */
export const showable = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, "")
    .trim()

/** Whether a person who sees the reference sees all of it. */
export const isShowable = (reference: string): boolean => !/[\s\p{Cc}\p{Bidi_Control}]/u.test(reference)

/** Whether a method that needs `need` is within the grant. */
export function allowsMethod(grant: Grant, need: GrantNeed): boolean {
  return need === "none" || ((need === "infer" || need === "benchmark") && grant.capabilities.includes(need))
}
