import { type ReadonlySignal, useSignal } from "@preact/signals"

export interface Action {
  readonly busy: ReadonlySignal<boolean>
  /** What it failed with the last time. */
  readonly fault: ReadonlySignal<unknown>
  run(): Promise<void>
}

/** Something the person starts: one at a time, and what it fails with is kept to be shown. */
export function useAction(work: () => Promise<unknown>): Action {
  const busy = useSignal(false)
  const fault = useSignal<unknown>(undefined)
  const run = async () => {
    if (busy.peek()) return
    busy.value = true
    fault.value = undefined
    await work().catch((error: unknown) => {
      fault.value = error
    })
    busy.value = false
  }
  return { busy, fault, run }
}
