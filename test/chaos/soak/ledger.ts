import { type Batch, type Failure, isRight, type Job, type Outcome } from "./jobs.ts"

/** A caller did something that may end its own jobs, and these codes are then an answer. */
export type Allowed = readonly string[]

export interface Anomaly {
  kind: "wrong" | "lost" | "hung"
  actor: string
  /** How many actions the actor had begun. */
  step: number
  action: string
  what: string
  /** Since the load began, ms. */
  atMs: number
}

export const inWords = ({ kind, actor, step, action, what, atMs }: Anomaly): string =>
  `${kind}: ${actor}, action ${step} (${action}), ${(atMs / 1000).toFixed(1)} s: ${what}`

/** Most anomalies that are kept; all are counted. */
const KEPT = 50

/**
 * What became of every job. `right`: the known answer came. `ended`: the caller ended it, and was told so with a code that says this. `dropped`:
 * the page it belonged to was closed, so that nobody was left to hear. `wrong`: another answer came. `lost`: an error that nobody asked for.
 * `hung`: no answer in time.
 */
export class Ledger {
  readonly counts = { jobs: 0, right: 0, ended: 0, dropped: 0, wrong: 0, lost: 0, hung: 0 }
  readonly anomalies: Anomaly[] = []
  readonly #startedAt = performance.now()
  readonly #hungMs: number
  readonly #onAnomaly: (anomaly: Anomaly) => void
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(hungMs: number, onAnomaly: (anomaly: Anomaly) => void) {
    this.#hungMs = hungMs
    this.#onAnomaly = onAnomaly
  }

  /** Resolves when all that is under way now has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#underWay])
  }

  step(actor: string, step: number, action: string): Step {
    const note = (kind: Anomaly["kind"], what: string) => {
      this.counts[kind]++
      const atMs = Math.round(performance.now() - this.#startedAt)
      const anomaly = { kind, actor, step, action, what, atMs }
      if (this.anomalies.length < KEPT) this.anomalies.push(anomaly)
      this.#onAnomaly(anomaly)
    }
    /** `work`, but no longer than anything may take. */
    const bounded = async <T>(work: Promise<T>): Promise<T | typeof HUNG> => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<typeof HUNG>((resolve) => {
        timer = setTimeout(resolve, this.#hungMs, HUNG)
      })
      const bound = Promise.race([work, late])
      this.#underWay.add(bound)
      try {
        return await bound
      } finally {
        clearTimeout(timer)
        this.#underWay.delete(bound)
      }
    }
    const { counts } = this
    const entered = (jobs: readonly Job[]) => (counts.jobs += jobs.length)
    const judge = (jobs: readonly Job[], outcomes: readonly Outcome[], allowed: Allowed) => {
      for (const [i, job] of jobs.entries()) {
        const outcome = outcomes[i]
        if (outcome && "right" in outcome) counts.right++
        else if (outcome && "values" in outcome) {
          if (isRight(job, outcome.values)) counts.right++
          else note("wrong", `${outcome.values.length} values, the first ${outcome.values.slice(0, 3)}`)
        } else if (outcome && allowed.includes(outcome.code)) counts.ended++
        else note("lost", outcome ? told(outcome) : "no outcome")
      }
    }
    return {
      async batch({ jobs }, run, allowed = []) {
        entered(jobs)
        const outcomes = await bounded(run().catch((error: unknown) => jobs.map(() => failureOf(error))))
        if (outcomes === HUNG) for (const _ of jobs) note("hung", "no answer")
        else judge(jobs, outcomes, allowed)
      },
      dropped({ jobs }) {
        entered(jobs)
        counts.dropped += jobs.length
      },
      async act(work) {
        const done = await bounded(work().then(() => undefined, failureOf))
        if (done === HUNG) note("hung", action)
        else if (done !== undefined) note("lost", `${action}: ${told(done)}`)
        return done === undefined
      },
    }
  }
}

const HUNG = Symbol("hung")

/** One action of one actor. */
export interface Step {
  /** Jobs whose outcomes are waited for and judged. */
  batch(batch: Batch, run: () => Promise<Outcome[]>, allowed?: Allowed): Promise<void>
  /** Jobs that were under way in a page that is closed now. */
  dropped(batch: Batch): void
  /** Something besides jobs that must come about; false, and noted, where it did not. */
  act(work: () => Promise<unknown>): Promise<boolean>
}

export function failureOf(error: unknown): Failure {
  const { code, message, data } = error as Partial<Failure>
  return code
    ? { code, ...(message && { message }), ...(data && { data }) }
    : { code: String(message ?? error).split("\n")[0] as string }
}

const told = ({ code, message, data = {} }: Failure) =>
  [code, message, Object.keys(data).length > 0 && JSON.stringify(data)].filter(Boolean).join(": ")
