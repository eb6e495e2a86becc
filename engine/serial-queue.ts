/** Runs tasks one after another, in the order they came. A task whose signal aborted before its turn is not started. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()

  /** Resolves with the task's result; rejects with the signal's reason where it never started. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = this.#tail.then(() => {
      signal?.throwIfAborted()
      return task()
    })
    this.#tail = turn.catch(() => undefined)
    return turn
  }
}
