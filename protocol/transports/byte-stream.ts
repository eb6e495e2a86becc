import { sumBytes } from "../bytes.ts"
import type { Message } from "../envelope.ts"
import { fail } from "../errors/index.ts"
import { decodeFrame, encodeFrame, MAX_FRAME_BYTES, type Shelf } from "../framing.ts"
import { LengthReader, lengthPrefix } from "../length-prefix.ts"
import type { Port } from "../port.ts"
import { arriveDecoded, bye, Inbox } from "./inbox.ts"

/** The reading side of a Node stream. */
export interface ByteSource {
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown
  on(event: "end" | "close", listener: () => void): unknown
  on(event: "error", listener: (error: Error) => void): unknown
  destroy(): unknown
}

/** The writing side of a Node stream. */
export interface ByteSink {
  readonly writableLength: number
  write(chunk: Uint8Array): unknown
  cork(): void
  uncork(): void
  end(done: () => void): unknown
  destroy(): unknown
  on(event: "error", listener: (error: Error) => void): unknown
}

export interface ByteStreamPortOptions {
  /** Largest message taken in or sent, bytes. */
  maxBytes?: number
  /** Where large arrays may lie. */
  shelf?: Shelf | undefined
}

/**
 * A port over a pipe or socket between processes: each message is a u32 (little-endian) with its length, then its frame. Both sides learn of
 * the end from the stream; the reason travels in a `bye` before it.
 */
export function byteStreamPort(
  readable: ByteSource,
  writable: ByteSink,
  { maxBytes = MAX_FRAME_BYTES, shelf }: ByteStreamPortOptions = {},
): Port {
  const inbox = new Inbox(() => writable.end(() => readable.destroy()))
  const write = (message: unknown) => {
    const parts = encodeFrame(message, shelf)
    const bytes = sumBytes(parts)
    if (bytes > maxBytes) throw fail("IPFA_PROTOCOL_TOO_LARGE", { data: { bytes, limit: maxBytes } })
    // One system call for the lot.
    writable.cork()
    writable.write(lengthPrefix(bytes))
    for (const part of parts) writable.write(part)
    writable.uncork()
  }
  const end = (reason: string | undefined) => {
    if (reason === "IPFA_PROTOCOL_SLOW_READER") {
      writable.destroy()
      readable.destroy()
      return
    }
    write(bye(reason))
    writable.end(() => readable.destroy())
  }
  const reader = new LengthReader(maxBytes, (body) => arriveDecoded(inbox, end, () => decodeFrame(body, shelf)))

  readable.on("data", (chunk) => {
    if (!inbox.isEnded) arriveDecoded(inbox, end, () => reader.push(chunk))
  })
  readable.on("end", () => inbox.end())
  readable.on("close", () => inbox.end())
  readable.on("error", (error) => inbox.end(error))
  writable.on("error", (error) => inbox.end(error))

  return {
    get pendingBytes() {
      return writable.writableLength
    },
    send(message: Message) {
      if (!inbox.isEnded) write(message)
    },
    start: (receive, ended) => inbox.start(receive, ended),
    close(reason) {
      if (inbox.isEnded) return
      inbox.close()
      end(reason)
    },
  }
}
