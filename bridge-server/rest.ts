import type { RunEvents } from "./fleet/runs.ts"
import { collectAll } from "./garbage.ts"

/**
 * Some time after its last job this process gives back what it has freed: V8 collects nothing while nothing is allocated, and glibc keeps what
 * lies between what is in use.
 */
export class Rest implements RunEvents {
  readonly #timer: NodeJS.Timeout

  /** `giveBack` is called `restMs` after each last job, unless `isBusy`: then another has still to end. */
  constructor(restMs: number, isBusy: () => boolean, giveBack: () => void) {
    this.#timer = setTimeout(() => {
      if (isBusy()) return
      collectAll()
      giveBack()
    }, restMs)
    this.#timer.unref()
  }

  ended(): void {
    this.#timer.refresh()
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}
