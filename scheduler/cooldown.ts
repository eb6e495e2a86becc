/** Which candidates are left alone after failures. The state of each is a plain value; `cooling` is the one place it is read. */
export interface Cooldown {
  /** Outcomes since it last tripped, newest last, at most WINDOW. */
  readonly outcomes: readonly boolean[]
  /** Trips that followed each other closely: the exponent of the next time. */
  readonly trips: number
  /** ms since 1970 until which it cools; 0 where it never did. */
  readonly until: number
}

export const COOLDOWN_MS = 5_000
export const COOLDOWN_MAX_MS = 60_000
const IN_A_ROW = 5
const AT_LEAST = 5
const WINDOW = 20

/** The state of what never failed. */
export const calm: Cooldown = { outcomes: [], trips: 0, until: 0 }

/**
 * The state after an outcome. It trips at 5 failures in a row, or when more than half of 5 or more outcomes failed: for 5 s, and twice as
 * long each time it trips again within a minute of the last cooling, up to 60 s. A running cooling is extended, never shortened.
 */
export function recordOutcome(state: Cooldown, ok: boolean, now: number): Cooldown {
  const outcomes = [...state.outcomes, ok].slice(-WINDOW)
  const failed = outcomes.filter((x) => !x).length
  const inRow = outcomes.length - 1 - outcomes.lastIndexOf(true)
  const tripped = !ok && (inRow >= IN_A_ROW || (outcomes.length >= AT_LEAST && failed * 2 > outcomes.length))
  if (!tripped) return { ...state, outcomes }
  const trips = now - state.until > COOLDOWN_MAX_MS ? 0 : state.trips
  const length = Math.min(COOLDOWN_MAX_MS, COOLDOWN_MS * 2 ** trips)
  return { outcomes: [], trips: trips + 1, until: Math.max(state.until, now + length) }
}

/**
 * Those of `states` that are to be left alone at `now`, with the time until which. Never the last one, nor more than half of all: with
 * everything failing, leaving everything alone helps nobody. The ones that cool longest are left alone first.
 */
export function cooling(states: ReadonlyMap<string, Cooldown>, now: number): Map<string, number> {
  return new Map(
    [...states]
      .filter(([, state]) => state.until > now)
      .sort(([a, x], [b, y]) => y.until - x.until || (a < b ? -1 : 1))
      .slice(0, Math.floor(states.size / 2))
      .map(([id, state]) => [id, state.until]),
  )
}
