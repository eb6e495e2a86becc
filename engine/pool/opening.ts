import type { AccelerateError } from "../../protocol/index.ts"

/** A model to be opened on a host: it takes the device as a run does, and waits for its turn. */
export class Opening {
  readonly origin: string
  /** How long it may take while others wait, ms. */
  readonly turnMs: number
  /** Its turn: resolves when that is over, however it ended. */
  readonly begin: () => Promise<void>
  /** Ends it for who asked, whether it was begun or not. */
  readonly refuse: (error: AccelerateError) => void
  /** When its turn came; `performance.now()`. */
  startedAt = 0

  constructor(origin: string, turnMs: number, begin: () => Promise<void>, refuse: (error: AccelerateError) => void) {
    this.origin = origin
    this.turnMs = turnMs
    this.begin = begin
    this.refuse = refuse
  }
}
