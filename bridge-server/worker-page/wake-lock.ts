/** Keeps the screen on, and so the machine awake, while `wanted`; the platform takes it away when the page is hidden, and it is asked for again. */
export class WakeLock {
  #wanted = false
  #held: WakeLockSentinel | undefined
  #asking = false
  readonly #onChange: () => void

  constructor(onChange: () => void) {
    this.#onChange = onChange
    document.addEventListener("visibilitychange", () => void this.#settle())
  }

  /** Undefined where the browser has none. */
  get held(): boolean | undefined {
    return "wakeLock" in navigator ? this.#held !== undefined : undefined
  }

  want(wanted: boolean): void {
    if (this.#wanted === wanted) return
    this.#wanted = wanted
    void this.#settle()
  }

  async #settle(): Promise<void> {
    if (!("wakeLock" in navigator) || this.#asking) return
    if (!this.#wanted) return void this.#held?.release()
    if (this.#held || document.visibilityState !== "visible") return
    this.#asking = true
    try {
      const lock = await navigator.wakeLock.request("screen")
      this.#held = lock
      lock.addEventListener("release", () => {
        this.#held = undefined
        this.#onChange()
      })
      this.#onChange()
    } catch {
      // Refused, for example by a machine that saves power: the page says that it is not held.
    } finally {
      this.#asking = false
    }
    if (!this.#wanted) await this.#held?.release()
  }
}
