import type { Limits } from "./define-kernel.ts"
import { usage } from "./device-memory.ts"

const hastened = new WeakSet<GPUDevice>()

/**
 * Where a quirk asks for it, nothing is submitted to `device` every so often, for as long as somebody, whoever it is, waits for one of its buffers or for its queue. Once for a device;
 * elsewhere this does nothing.
 */
export function hastenReadback(device: GPUDevice, { quirks = [] }: Pick<Limits, "quirks">): void {
  const everyMs = quirks.find(({ nudgeMs }) => nudgeMs !== undefined)?.nudgeMs
  if (everyMs === undefined || hastened.has(device)) return
  hastened.add(device)
  let waiting = 0
  let ticking = false
  const tick = () => {
    ticking = waiting > 0
    if (!ticking) return
    device.queue.submit([])
    setTimeout(tick, everyMs)
  }
  const awaited = async <T>(done: Promise<T>): Promise<T> => {
    waiting++
    if (!ticking) {
      ticking = true
      setTimeout(tick, 0)
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
