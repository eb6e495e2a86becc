import type { AccelerateError } from "../../protocol/index.ts"

/** The turn that an opening takes. */
export interface OpenTurn {
  /** Whose share it takes. */
  origin: string
  isTrial: boolean
  /** What its origin is charged until it is known what it took. */
  expectedMs: number
  /** How long it may take while others wait. */
  turnMs: number
  mayLeave(): boolean
}

/** A model to be opened on a host: it takes the device as a run does, and waits for its turn. */
export class Opening {
  readonly origin: string
  /** How long it may take while others wait, ms. */
  readonly turnMs: number
  /** Whether all who wait for it may go elsewhere: nobody forced this device. */
  readonly mayLeave: () => boolean
  /** Its turn: resolves when that is over, however it ended. */
  readonly begin: () => Promise<void>
  /** Ends it for who asked, whether it was begun or not. */
  readonly refuse: (error: AccelerateError) => void
  /** When its turn came; `performance.now()`. */
  startedAt = 0

  constructor(
    { origin, turnMs, mayLeave }: OpenTurn,
    begin: () => Promise<void>,
    refuse: (error: AccelerateError) => void,
  ) {
    this.origin = origin
    this.turnMs = turnMs
    this.mayLeave = mayLeave
    this.begin = begin
    this.refuse = refuse
  }
}
