/** How often Firefox is made to look, ms. Its timers have about this grain. */
const EVERY_MS = 1

const isFirefox = () => /\bFirefox\//.test(globalThis.navigator?.userAgent ?? "")

/**
 * Firefox looks every 100 ms whether a GPU's work is done, and whenever something is submitted: nothing is, for as long as somebody waits for
 * a buffer of this device. Elsewhere this does nothing.
 */
export function hastenReadback(device: GPUDevice): void {
  if (!isFirefox()) return
  let waiting = 0
  let ticking = false
  const tick = () => {
    ticking = waiting > 0
    if (!ticking) return
    device.queue.submit([])
    setTimeout(tick, EVERY_MS)
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
    if (descriptor.usage & GPUBufferUsage.MAP_READ) {
      const mapAsync = buffer.mapAsync.bind(buffer)
      buffer.mapAsync = (...range) => awaited(mapAsync(...range))
    }
    return buffer
  }
  const { queue } = device
  const workDone = queue.onSubmittedWorkDone.bind(queue)
  queue.onSubmittedWorkDone = () => awaited(workDone())
}
