/** What a device was made to do and to hold. */
export interface Counts {
  dispatches: number
  /** Bytes written from the CPU, copied between buffers, and read back. */
  moved: number
  /** Bytes of the buffers that are there now, and the most there were at once. */
  live: number
  peak: number
}

/** Counts what goes through `device` from here on, whoever uses it: in the numbers that are returned, which the caller may set back. */
export function counted(device: GPUDevice): Counts {
  const counts: Counts = { dispatches: 0, moved: 0, live: 0, peak: 0 }
  watchBuffers(device, counts)
  watchQueue(device.queue, counts)
  const createCommandEncoder = device.createCommandEncoder.bind(device)
  device.createCommandEncoder = (descriptor) => {
    const encoder = createCommandEncoder(descriptor)
    watchEncoder(encoder, counts)
    return encoder
  }
  return counts
}

function watchBuffers(device: GPUDevice, counts: Counts): void {
  const createBuffer = device.createBuffer.bind(device)
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor)
    const { size, mappedAtCreation } = descriptor
    counts.live += size
    counts.peak = Math.max(counts.peak, counts.live)
    if (mappedAtCreation) counts.moved += size
    const destroy = buffer.destroy.bind(buffer)
    let gone = false
    buffer.destroy = () => {
      if (!gone) counts.live -= size
      gone = true
      destroy()
    }
    const mapAsync = buffer.mapAsync.bind(buffer)
    buffer.mapAsync = (mode, offset = 0, bytes = size - offset) => {
      counts.moved += bytes
      return mapAsync(mode, offset, bytes)
    }
    return buffer
  }
}

function watchQueue(queue: GPUQueue, counts: Counts): void {
  const writeBuffer = queue.writeBuffer.bind(queue)
  queue.writeBuffer = (buffer, offset, data, from = 0, size?: number) => {
    const each = ArrayBuffer.isView(data) ? ((data as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1) : 1
    counts.moved += size === undefined ? data.byteLength - from * each : size * each
    writeBuffer(buffer, offset, data, from, size)
  }
}

function watchEncoder(encoder: GPUCommandEncoder, counts: Counts): void {
  const copy = encoder.copyBufferToBuffer.bind(encoder) as (...args: unknown[]) => undefined
  encoder.copyBufferToBuffer = (...args: unknown[]) => {
    const whole = typeof args[1] !== "number"
    counts.moved += ((whole ? args[2] : args[4]) as number | undefined) ?? (args[0] as GPUBuffer).size
    return copy(...args)
  }
  const beginComputePass = encoder.beginComputePass.bind(encoder)
  encoder.beginComputePass = (descriptor) => {
    const pass = beginComputePass(descriptor)
    const dispatch = pass.dispatchWorkgroups.bind(pass)
    pass.dispatchWorkgroups = (...grid) => {
      counts.dispatches++
      dispatch(...grid)
    }
    const indirect = pass.dispatchWorkgroupsIndirect.bind(pass)
    pass.dispatchWorkgroupsIndirect = (...from) => {
      counts.dispatches++
      indirect(...from)
    }
    return pass
  }
}
