import { setTimeout as delay } from "node:timers/promises"

export interface Burst {
  /** Of each run, from call to answer, ms; in the order in which they ended. */
  latenciesMs: number[]
  /** From the first call to the last answer, ms. */
  elapsedMs: number
}

/** `runs` runs by so many callers, each of whom calls again once it is answered, after a pause where it makes one. */
export interface BurstPlan {
  runs: number
  callers: number
  /** ms */
  pauseMs?: number
}

/** `run` is told which caller it is, from 0. */
export async function burst(
  { runs, callers, pauseMs = 0 }: BurstPlan,
  run: (caller: number) => Promise<unknown>,
): Promise<Burst> {
  const latenciesMs: number[] = []
  let left = runs
  const call = async (caller: number) => {
    while (left-- > 0) {
      const called = performance.now()
      await run(caller)
      latenciesMs.push(performance.now() - called)
      if (pauseMs > 0) await delay(pauseMs)
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  return { latenciesMs, elapsedMs: performance.now() - start }
}
