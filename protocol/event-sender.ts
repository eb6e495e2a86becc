import { type AccelerateError, fail } from "./errors/index.ts"

interface Waiting {
  value: unknown
  sent(): void
  refused(error: unknown): void
}

/** No caller is let grant more than this at once. */
const MAX_CREDIT = 1024

/** The sending half of one call's events: they leave in order, each when the caller has granted room for it. */
export class EventSender {
  readonly #latestOnly: boolean
  readonly #send: (seq: number, value: unknown) => void
  #credit: number
  readonly #wanted: boolean
  /** Sent and not yet taken in; at most one where only the latest counts, since more would be stale before a slow caller sees them. */
  #inFlight = 0
  #seq = 0
  #waiting: Waiting[] = []
  #latest: { value: unknown } | undefined
  #ended = false
  #failure: { error: unknown } | undefined
  #onDrained: (() => void) | undefined

  /** `credit` is what the call came with; undefined: its caller doesn't want events. `send` may throw. */
  constructor(
    mode: "all" | "latest" | undefined,
    credit: number | undefined,
    send: (seq: number, value: unknown) => void,
  ) {
    this.#latestOnly = mode === "latest"
    this.#wanted = credit !== undefined
    this.#credit = credit ?? 0
    this.#send = send
  }

  /** Resolves when the event was sent (at once for `latest`, and where nobody listens). Nobody has to look at the promise. */
  emit(value: unknown): Promise<void> {
    if (this.#ended || !this.#wanted) return Promise.resolve()
    if (this.#latestOnly) {
      this.#latest = { value }
      this.#flush()
      return Promise.resolve()
    }
    const promise = new Promise<void>((sent, refused) => this.#waiting.push({ value, sent, refused }))
    // A handler that doesn't await its emits must not end the process when the call is cancelled; see `drained`.
    promise.catch(() => {})
    this.#flush()
    return promise
  }

  grant(events: number): void {
    this.#credit = Math.min(this.#credit + events, MAX_CREDIT)
    this.#inFlight = Math.max(this.#inFlight - events, 0)
    this.#flush()
  }

  /** Resolves when nothing waits any more, so that a call's completion comes after its events. Throws where one could not be sent. */
  async drained(): Promise<void> {
    if (this.#waiting.length > 0) await new Promise<void>((resolve) => (this.#onDrained = resolve))
    if (this.#failure) throw this.#failure.error
  }

  /** The call ended: what waits is dropped, and whoever awaits it gets `error`. */
  end(error?: AccelerateError): void {
    this.#ended = true
    this.#latest = undefined
    for (const { refused } of this.#waiting.splice(0)) refused(error ?? fail("IPFA_JOB_CANCELLED"))
    this.#onDrained?.()
  }

  #flush(): void {
    while (this.#credit > 0 && !(this.#latestOnly && this.#inFlight > 0)) {
      const next = this.#waiting.shift()
      if (next) this.#trySend(next.value, next.sent, next.refused)
      else if (this.#latest) {
        const { value } = this.#latest
        this.#latest = undefined
        this.#trySend(value)
      } else break
    }
    if (this.#waiting.length === 0) this.#onDrained?.()
  }

  #trySend(value: unknown, sent?: () => void, refused?: (error: unknown) => void): void {
    try {
      this.#send(this.#seq, value)
      this.#seq++
      this.#credit--
      this.#inFlight++
      sent?.()
    } catch (error) {
      this.#failure ??= { error }
      refused?.(error)
    }
  }
}
