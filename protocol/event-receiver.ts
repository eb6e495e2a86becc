import { asAccelerateError, fail } from "./errors/index.ts"

/** Events on their way to a caller, at most. */
const CREDIT = 32

export interface EventReceiverOptions {
  onEvent: ((event: never) => void | Promise<void>) | undefined
  /** The event as the method has it; throws where it is none. */
  check(value: unknown): unknown
  /** Grants room for so many more. */
  grant(events: number): void
  /** The stream can't go on. */
  refuse(error: unknown): void
}

/** The receiving half of one call's events: hands them over one at a time, in order, and gives credit back as they are taken in. */
export class EventReceiver {
  /** To be sent with the call; undefined where events aren't wanted. */
  readonly credit: number | undefined
  readonly #options: EventReceiverOptions
  #queue: unknown[] = []
  #busy = false
  #seq = 0
  #room: number
  #settle: (() => void) | undefined
  #ended = false

  constructor(options: EventReceiverOptions) {
    this.#options = options
    this.credit = options.onEvent && CREDIT
    this.#room = this.credit ?? 0
  }

  push(seq: number, value: unknown): void {
    if (this.#ended || this.#settle) return
    try {
      if (seq !== this.#seq++) throw malformed("events out of order")
      if (--this.#room < 0) throw malformed("more events than were asked for")
      this.#queue.push(this.#options.check(value))
    } catch (error) {
      return this.#options.refuse(error)
    }
    if (!this.#busy) void this.#drain()
  }

  /** Calls `settle` once the events before it were taken in. */
  finish(settle: () => void): void {
    if (this.#ended || this.#settle) return
    this.#settle = settle
    if (!this.#busy) settle()
  }

  /** The call was given up: what was not taken in is dropped. */
  end(): void {
    this.#ended = true
    this.#queue = []
  }

  async #drain(): Promise<void> {
    this.#busy = true
    while (this.#queue.length > 0) {
      try {
        // Awaited only where there is something to wait for, so that a plain callback has run before anything that came later.
        const taking = this.#options.onEvent?.(this.#queue.shift() as never)
        if (taking) await taking
      } catch (cause) {
        const message = "The caller's onEvent failed, which ended the call."
        if (!this.#ended) this.#options.refuse(fail("IPFA_JOB_CANCELLED", { message, cause: asAccelerateError(cause) }))
        return
      }
      this.#giveBack()
    }
    this.#busy = false
    if (!this.#ended) this.#settle?.()
  }

  #giveBack(): void {
    if (this.#ended || this.#settle) return
    this.#room++
    this.#options.grant(1)
  }
}

const malformed = (reason: string) =>
  fail("IPFA_PROTOCOL_MALFORMED", { message: `A stream was not of the protocol's form: ${reason}.`, data: { reason } })
