import { sumBytes } from "../bytes.ts"
import { Assembler, type Chunk, isChunk, splitFrame } from "../chunks.ts"
import type { Message } from "../envelope.ts"
import { fail } from "../errors/index.ts"
import { decodeFrame, encodeFrame, MAX_FRAME_BYTES } from "../framing.ts"
import type { Port } from "../port.ts"
import { arriveDecoded, bye, Inbox } from "./inbox.ts"
import { nativePort } from "./native-messaging.ts"
import { disconnectReason, type RuntimePortLike } from "./runtime-port.ts"

export interface ExtensionPortOptions {
  /** Messages are cloned, not turned into JSON: Firefox; Chrome ≥ 148 with the manifest's `"message_serialization": "structured_clone"`. */
  structuredClone: boolean
  /** Largest message taken in or sent, bytes. */
  maxBytes?: number
}

/** Chrome takes 64 MiB − 64 bytes in one message; chunks stay far below, so that they don't block others of the same process for long. */
const CHUNK_BYTES = 8 * 2 ** 20

/**
 * A port over chrome.runtime.Port. A small message goes as it is, a large one as a frame in chunks; without structured clone all arrays go
 * as base64 chunks. Both sides learn of the end from the port.
 */
export function extensionPort(port: RuntimePortLike, options: ExtensionPortOptions): Port {
  const { maxBytes = MAX_FRAME_BYTES } = options
  if (!options.structuredClone) return nativePort(port, { maxBytes })
  const assembler = new Assembler(maxBytes)
  const close = (reason?: string) => {
    try {
      port.postMessage(bye(reason))
    } catch {
      // The other side, or the whole extension, is gone already.
    }
    port.disconnect()
  }
  const inbox = new Inbox(() => port.disconnect())
  port.onMessage.addListener((message) =>
    arriveDecoded(inbox, close, () => {
      if (!isChunk(message)) return message
      const parts = assembler.add(message)
      return parts && decodeFrame(parts)
    }),
  )
  port.onDisconnect.addListener(() => inbox.end(disconnectReason(port)))
  return {
    pendingBytes: 0,
    send(message: Message) {
      if (inbox.isEnded) return
      // A page's, that is relayed: only whole frames leave here, so that none lies unfinished on the other side for as long as a page likes.
      if (isChunk(message)) throw fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: "a message that is a chunk" } })
      if (clonedBytes(message) <= CHUNK_BYTES) return port.postMessage(message)
      const parts = encodeFrame(message)
      const bytes = sumBytes(parts)
      if (bytes > maxBytes) throw fail("IPFA_PROTOCOL_TOO_LARGE", { data: { bytes, limit: maxBytes } })
      for (const chunk of splitFrame(parts, CHUNK_BYTES)) port.postMessage(chunk satisfies Chunk)
    },
    start: (receive, ended) => inbox.start(receive, ended),
    close(reason) {
      if (inbox.isEnded) return
      inbox.close()
      close(reason)
    },
  }
}

/** About what a structured clone of `value` takes: a view brings its whole buffer. */
function clonedBytes(value: unknown): number {
  if (typeof value === "string") return value.length * 2
  if (typeof value !== "object" || value === null) return 8
  if (ArrayBuffer.isView(value)) return value.buffer.byteLength
  let bytes = 0
  for (const item of Array.isArray(value) ? value : Object.values(value)) bytes += 8 + clonedBytes(item)
  return bytes
}
