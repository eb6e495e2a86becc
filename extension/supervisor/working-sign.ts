/** How long nothing may run before the sign goes, ms: between two jobs of a stream it stays. */
const LINGER_MS = 1000

/** Whether anything is computed, for a sign that does not flicker. */
export class WorkingSign {
  readonly #show: (on: boolean) => void
  #on = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(show: (on: boolean) => void) {
    this.#show = show
    // One of an earlier life may be there still.
    show(false)
  }

  update(running: number): void {
    if (running > 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      if (!this.#on) this.#set(true)
    } else if (this.#on) this.#timer ??= setTimeout(() => this.#set(false), LINGER_MS)
  }

  #set(on: boolean): void {
    this.#timer = undefined
    this.#on = on
    this.#show(on)
  }
}
