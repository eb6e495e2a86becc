/** How long nothing may be wanted before the extension restarts, ms: not between two jobs of a stream. */
const QUIET_MS = 2000
/** Longest that jobs are waited for, ms. What runs then ends with its connection, and pages submit it again. */
const PATIENCE_MS = 10 * 60_000

/** Lets an update in when nothing runs or waits, or at last all the same. */
export class PendingUpdate {
  readonly #install: () => void
  readonly #isBusy: () => boolean
  #isThere = false
  #quiet: ReturnType<typeof setTimeout> | undefined

  constructor(install: () => void, isBusy: () => boolean) {
    this.#install = install
    this.#isBusy = isBusy
  }

  /** The browser has it, and holds it back as long as the extension wants. */
  arrived(): void {
    if (this.#isThere) return
    this.#isThere = true
    setTimeout(this.#install, PATIENCE_MS)
    this.look()
  }

  /** What is wanted may have changed. */
  look(): void {
    if (!this.#isThere) return
    if (this.#isBusy()) {
      clearTimeout(this.#quiet)
      this.#quiet = undefined
    } else this.#quiet ??= setTimeout(this.#install, QUIET_MS)
  }
}
