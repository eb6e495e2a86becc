import { abortReason } from "./abort.ts"

export interface Waiting<E> {
  /** Told what the work tells, from the last that it told on. */
  onEvent?(event: E): void
  /** For which of the signal's reasons the work goes on although the last one who waited left; default: for none. */
  keepGoing?(reason: unknown): boolean
}

/** Work that several wait for. It ends early only when all who waited gave it up. */
export class SharedWork<T, E = never> {
  readonly result: Promise<T>
  readonly #controller = new AbortController()
  readonly #listeners = new Set<(event: E) => void>()
  #last: E | undefined
  #waiting = 0
  #isOver = false

  constructor(work: (signal: AbortSignal, tell: (event: E) => void) => Promise<T>) {
    this.result = work(this.#controller.signal, (event) => {
      this.#last = event
      for (const listener of this.#listeners) listener(event)
    })
    const over = () => {
      this.#isOver = true
      this.#listeners.clear()
    }
    // Each who waits sees the failure; one that nobody waits for is no unhandled one.
    this.result.then(over, over)
  }

  /** It was given up and only has to end: who needs it now starts it anew. */
  get aborted(): boolean {
    return this.#controller.signal.aborted
  }

  async wait(signal?: AbortSignal, { onEvent, keepGoing }: Waiting<E> = {}): Promise<T> {
    // One each, though several may bring the same function.
    const listener = onEvent && ((event: E) => onEvent(event))
    let onAbort: () => void = () => undefined
    const aborted = new Promise<never>((_, reject) => {
      this.#waiting++
      onAbort = () => {
        reject(abortReason(signal as AbortSignal))
        if (--this.#waiting === 0 && !this.#isOver && !keepGoing?.(signal?.reason))
          this.#controller.abort(signal?.reason)
      }
      if (signal?.aborted) onAbort()
      else signal?.addEventListener("abort", onAbort, { once: true })
    })
    if (listener && !this.#isOver) {
      if (this.#last !== undefined) listener(this.#last)
      this.#listeners.add(listener)
    }
    try {
      return await Promise.race([aborted, this.result])
    } finally {
      signal?.removeEventListener("abort", onAbort)
      if (listener) this.#listeners.delete(listener)
    }
  }
}

/** Shared work by key. What was given up is not joined: the next of its key begins when it has ended. */
export class SharedWorks<T, E = never> {
  readonly #works = new Map<string, SharedWork<T, E>>()

  /** The work of `key` that is under way, else one that `begin` begins. */
  of(key: string, begin: (signal: AbortSignal, tell: (event: E) => void) => Promise<T>): SharedWork<T, E> {
    const there = this.#works.get(key)
    if (there && !there.aborted) return there
    const work = new SharedWork<T, E>(async (signal, tell) => {
      await there?.result.catch(() => undefined)
      // Given up as well, before its turn came.
      if (signal.aborted) throw abortReason(signal)
      return begin(signal, tell)
    })
    this.#works.set(key, work)
    const forget = () => {
      if (this.#works.get(key) === work) this.#works.delete(key)
    }
    work.result.then(forget, forget)
    return work
  }
}
