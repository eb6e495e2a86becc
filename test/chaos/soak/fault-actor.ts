import { setTimeout as delay } from "node:timers/promises"
import type { Draws } from "./draws.ts"
import type { Ledger } from "./ledger.ts"

/** Something that can be killed. */
export interface Fault {
  name: string
  /** Resolves with whether there was something to kill: what is idle may have been ended already. */
  strike(): Promise<boolean>
}

export interface FaultActorOptions {
  faults: readonly Fault[]
  /** Least and most time from the end of all that a fault met until the next, ms. */
  pauseMs: readonly [least: number, most: number]
  draws: Draws
  ledger: Ledger
}

/** Kills one thing after another, each once before any a second time. No job meets two of them: what was under way at the last has ended before the next. */
export class FaultActor {
  /** How often each was killed. */
  readonly struck: Record<string, number> = {}
  readonly #options: FaultActorOptions
  #steps = 0
  /** Of this round. */
  #left: Fault[] = []

  constructor(options: FaultActorOptions) {
    this.#options = options
    for (const { name } of options.faults) this.struck[name] = 0
  }

  async act(signal: AbortSignal): Promise<void> {
    const { faults, pauseMs, draws, ledger } = this.#options
    if (this.#left.length === 0) this.#left = draws.shuffled(faults)
    const { name, strike } = this.#left.pop() as Fault
    const pause = draws.between(...pauseMs)
    await ledger.step("faults", ++this.#steps, name).act(async () => {
      if (await strike()) this.struck[name] = (this.struck[name] ?? 0) + 1
    })
    await ledger.settled()
    // Ended early, it is over.
    await delay(pause, undefined, { signal }).catch(() => undefined)
  }
}
