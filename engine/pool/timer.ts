export type Timer = ReturnType<typeof setTimeout>

/** A timer for upkeep: in Node it doesn't keep a process alive that has nothing else to do. */
export function upkeepTimer(run: () => void, ms: number): Timer {
  const timer = setTimeout(run, ms)
  if (typeof timer === "object") (timer as { unref?(): void }).unref?.()
  return timer
}
