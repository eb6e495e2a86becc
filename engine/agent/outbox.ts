import { asAccelerateError, type Measurement } from "../../protocol/index.ts"

/** Never more wait than that: the oldest are given up first. */
const MAX_WAITING = 5000
const MAX_BATCH = 1000

/** What `agent.record` takes. */
export interface MeasuredBatch {
  measurements: Measurement[]
  batch: number
}

/** An agent's measurements on their way to the bridge's evidence, by batches: one whose answer was lost is handed over again as it was, and stored once. */
export class Outbox {
  #waiting: Measurement[] = []
  /** Under way, or to be handed over again. */
  #batch: MeasuredBatch | undefined
  #batches = 0
  #flushing: Promise<boolean> | undefined

  add(measurement: Measurement): void {
    this.#waiting.push(measurement)
    if (this.#waiting.length > MAX_WAITING) this.#waiting.splice(0, this.#waiting.length - MAX_WAITING)
  }

  /** Hands over all that waits, one batch after the other. False where one could not be: it and those after it go next time. */
  flush(record: (batch: MeasuredBatch) => Promise<unknown>): Promise<boolean> {
    this.#flushing ??= this.#flush(record).finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #flush(record: (batch: MeasuredBatch) => Promise<unknown>): Promise<boolean> {
    while (this.#batch || this.#waiting.length > 0) {
      this.#batch ??= { batch: ++this.#batches, measurements: this.#waiting.splice(0, MAX_BATCH) }
      try {
        await record(this.#batch)
      } catch (error) {
        // What is wrong would be refused for ever, and what comes after it never told.
        if (asAccelerateError(error).code !== "IPFA_INPUT_INVALID") return false
      }
      this.#batch = undefined
    }
    return true
  }
}
