import { Socket } from "node:net"
import type { ByteSource } from "../../protocol/index.ts"

/** Larger than what the system hands over at once. */
const READ_BYTES = 256 * 1024

/**
 * The pipe at a file descriptor, read into one buffer again and again: what is read is copied out at once, and a buffer for each piece would be
 * more garbage than all else.
 */
export function openPipe(fd: number): { source: ByteSource; socket: Socket } {
  const listeners: ((chunk: Uint8Array) => void)[] = []
  const socket = new Socket({
    fd,
    onread: {
      buffer: new Uint8Array(READ_BYTES),
      callback(bytes, buffer) {
        const piece = buffer.subarray(0, bytes)
        for (const listener of listeners) listener(piece)
        return true
      },
    },
  })
  const source: ByteSource = {
    on(event: string, listener: (...args: never[]) => void) {
      if (event === "data") listeners.push(listener as (chunk: Uint8Array) => void)
      else socket.on(event, listener as () => void)
    },
    destroy: () => socket.destroy(),
  }
  return { source, socket }
}
