import { asAccelerateError, type Progress } from "../../protocol/index.ts"

interface Flight<T> {
  result: Promise<T>
  controller: AbortController
  waiting: Set<(progress: Progress) => void>
  last: Progress | undefined
}

/** Work that several callers wait for at once: it is done once, and ends early only when none of them waits any more. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>()
  /** What was given up and has not let go yet of what it used. */
  readonly #stopping = new Map<string, Promise<unknown>>()

  /** Waits for the work of `key`, which `start` begins unless it is under way. `first` says that it did. */
  async join(
    key: string,
    caller: { signal?: AbortSignal; onProgress?: (progress: Progress) => void },
    start: (signal: AbortSignal, onProgress: (progress: Progress) => void) => Promise<T>,
  ): Promise<{ value: T; first: boolean } | { error: unknown; first: boolean }> {
    const { signal } = caller
    if (signal?.aborted) throw aborted(signal)
    const there = this.#flights.get(key)
    const flight = there ?? this.#begin(key, start)
    const first = there === undefined
    const listen = (progress: Progress) => caller.onProgress?.(progress)
    flight.waiting.add(listen)
    if (flight.last && !first) listen(flight.last)
    let onAbort: (() => void) | undefined
    const gaveUp = new Promise<never>((_, reject) => {
      onAbort = () => reject(aborted(signal as AbortSignal))
      signal?.addEventListener("abort", onAbort, { once: true })
    })
    try {
      return await Promise.race([
        flight.result.then(
          (value) => ({ value, first }),
          (error: unknown) => ({ error, first }),
        ),
        gaveUp,
      ])
    } finally {
      if (onAbort) signal?.removeEventListener("abort", onAbort)
      flight.waiting.delete(listen)
      if (flight.waiting.size === 0) {
        // A later caller begins anew rather than wait for what is being stopped.
        if (this.#flights.get(key) === flight) {
          this.#flights.delete(key)
          const stopped = flight.result
            .catch(() => {})
            .finally(() => this.#stopping.get(key) === stopped && this.#stopping.delete(key))
          this.#stopping.set(key, stopped)
        }
        flight.controller.abort(asAccelerateError(new DOMException("Nobody waits any more.", "AbortError")))
      }
    }
  }

  #begin(key: string, start: (signal: AbortSignal, onProgress: (progress: Progress) => void) => Promise<T>): Flight<T> {
    const controller = new AbortController()
    const waiting: Flight<T>["waiting"] = new Set()
    const flight: Flight<T> = { controller, waiting, last: undefined, result: undefined as never }
    const begin = () =>
      start(controller.signal, (progress) => {
        flight.last = progress
        for (const listen of waiting) listen(progress)
      })
    flight.result = (this.#stopping.get(key)?.then(begin) ?? begin()).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    // Whoever waited may be gone.
    flight.result.catch(() => {})
    this.#flights.set(key, flight)
    return flight
  }
}

/** The error that a caller's own abort ends with. */
export function aborted(signal: AbortSignal): Error {
  return asAccelerateError(signal.reason ?? new DOMException("Aborted.", "AbortError"), "IPFA_JOB_CANCELLED")
}
