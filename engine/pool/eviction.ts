/** What is known of a loaded session when room is needed. */
export interface Evictable {
  bytes: number
  leases: number
  /** Jobs that wait for it or run on it, or it is being opened. */
  pending: number
  /** Kept tensors live and die with it. */
  keptTensors: number
  /** Any clock. */
  lastUsedAt: number
}

/**
 * Which of `loaded` to unload for `neededBytes` more within `budgetBytes`: the idle ones, nobody's first, then the longest unused; never one
 * that works or holds kept tensors. Undefined where even all of these would not make room.
 */
export function evictionsFor<T extends Evictable>(
  loaded: Iterable<T>,
  neededBytes: number,
  budgetBytes: number,
): T[] | undefined {
  const all = [...loaded]
  let excess = all.reduce((sum, x) => sum + x.bytes, neededBytes) - budgetBytes
  const idle = all
    .filter((x) => isIdle(x) && x.bytes > 0)
    .sort((a, b) => Number(a.leases > 0) - Number(b.leases > 0) || a.lastUsedAt - b.lastUsedAt)
  const chosen: T[] = []
  for (const x of idle) {
    if (excess <= 0) break
    chosen.push(x)
    excess -= x.bytes
  }
  return excess <= 0 ? chosen : undefined
}

/** Bytes that `neededBytes` more lack within `budgetBytes`, though all that is idle were unloaded; negative where there is room to spare. */
export function shortBytes(loaded: Iterable<Evictable>, neededBytes: number, budgetBytes: number): number {
  let fixed = 0
  for (const x of loaded) if (!isIdle(x)) fixed += x.bytes
  return fixed + neededBytes - budgetBytes
}

/** Bytes that could be had within `budgetBytes`, counting what could be unloaded. */
export function obtainableBytes(loaded: Iterable<Evictable>, budgetBytes: number): number {
  return Math.max(0, -shortBytes(loaded, 0, budgetBytes))
}

/** Whether it may be unloaded. */
export function isIdle(x: Evictable): boolean {
  return x.pending === 0 && x.keptTensors === 0
}
