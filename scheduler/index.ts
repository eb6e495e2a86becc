export { type Candidate, type Choice, choose, type Need, type Ranked, type Rejected } from "./choose.ts"
export {
  COOLDOWN_MAX_MS,
  COOLDOWN_MS,
  type Cooldown,
  calm,
  cooling,
  recordOutcome,
} from "./cooldown.ts"
export { comesLast, defaultRunMs } from "./defaults.ts"
export { FairQueue, QUEUE_CAPACITY, type QueueEntry } from "./queue.ts"
export { parseSelector, type Selector, selectorMatches } from "./selector.ts"
export {
  DAY_MS,
  nextTrial,
  type Trial,
  type TuneCandidate,
  type TuneModel,
  type TunePlan,
  type TuneRules,
  type TuneState,
  tuneRules,
} from "./tune.ts"
export { Turns } from "./turns.ts"
