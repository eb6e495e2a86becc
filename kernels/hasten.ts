import type { Limits } from "./define-kernel.ts"
import { usage } from "./device-memory.ts"

const hastened = new WeakSet<GPUDevice>()

/** What is done over and over while somebody waits. */
interface Turn {
  act(): void
  next(turn: () => void, isFirst: boolean): void
}

function turnOf({ queue }: GPUDevice, { quirks = [] }: Pick<Limits, "quirks">): Turn | undefined {
  const nudgeMs = quirks.find(({ nudgeMs }) => nudgeMs !== undefined)?.nudgeMs
  const restMs = quirks.find(({ restMs }) => restMs !== undefined)?.restMs
  if (nudgeMs !== undefined)
    return {
      act: () => queue.submit([]),
      next: (turn, isFirst) => setTimeout(turn, isFirst ? 0 : nudgeMs),
    }
  if (restMs === undefined) return undefined
  const never = new Int32Array(new SharedArrayBuffer(4))
  return { act: () => Atomics.wait(never, 0, 0, restMs), next: setImmediate }
}

/**
 * What a quirk asks for while somebody, whoever it is, waits for a buffer of `device` or for its queue: that nothing is submitted every so often, or that the thread rests between
 * two looks. Once for a device; elsewhere this does nothing.
 */
export function hastenReadback(device: GPUDevice, limits: Pick<Limits, "quirks">): void {
  const turn = turnOf(device, limits)
  if (!turn || hastened.has(device)) return
  hastened.add(device)
  let waiting = 0
  let ticking = false
  const tick = () => {
    ticking = waiting > 0
    if (!ticking) return
    turn.act()
    turn.next(tick, false)
  }
  const awaited = async <T>(done: Promise<T>): Promise<T> => {
    waiting++
    if (!ticking) {
      ticking = true
      turn.next(tick, true)
    }
    try {
      return await done
    } finally {
      waiting--
    }
  }
  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor)
    if (descriptor.usage & usage.MAP_READ) {
      const mapAsync = buffer.mapAsync.bind(buffer)
      buffer.mapAsync = (...range) => awaited(mapAsync(...range))
    }
    return buffer
  }
  const { queue } = device
  const workDone = queue.onSubmittedWorkDone.bind(queue)
  queue.onSubmittedWorkDone = () => awaited(workDone())
}
