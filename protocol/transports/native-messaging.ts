import { fromBase64, toBase64 } from "../base64.ts"
import { sumBytes } from "../bytes.ts"
import { Assembler, isChunk, splitFrame } from "../chunks.ts"
import type { Message } from "../envelope.ts"
import { fail } from "../errors/index.ts"
import { decodeFrame, encodeFrame, MAX_FRAME_BYTES } from "../framing.ts"
import type { Port } from "../port.ts"
import { arriveDecoded, bye, Inbox } from "./inbox.ts"
import { disconnectReason, type RuntimePortLike } from "./runtime-port.ts"

/** A browser ends a native host that sends more than this in one message. Kept in both directions. */
export const MAX_NATIVE_MESSAGE_BYTES = 2 ** 20

/** Base64 makes 4 bytes of 3; what is left is the chunk's own JSON. */
const CHUNK_BYTES = 720 * 1024

/** A channel that carries JSON values and nothing else. */
export interface JsonChannel {
  /** Bytes accepted that have not left yet; 0 where the channel does not tell. */
  readonly pendingBytes: number
  /** Sends `value`, whose JSON is `json`. */
  post(value: unknown, json: string): void
  close(): void
  /** Called once, before anything is sent. `arrive` gets what makes a value; where that throws, the channel is closed with the reason. */
  listen(arrive: (decode: () => unknown) => void, ended: (reason?: unknown) => void): void
}

export interface JsonPortOptions {
  /** Largest message taken in or sent, in bytes of its frame. */
  maxBytes?: number
}

/**
 * A port over JSON messages of at most 1 MiB. A message goes as plain JSON where it holds no array and is small enough, else its frame goes
 * in base64 chunks.
 */
export function jsonPort(channel: JsonChannel, { maxBytes = MAX_FRAME_BYTES }: JsonPortOptions = {}): Port {
  const assembler = new Assembler(maxBytes)
  const post = (value: unknown) => channel.post(value, JSON.stringify(value))
  const close = (reason?: string) => {
    try {
      post(bye(reason))
    } catch {
      // The other side is gone already.
    }
    channel.close()
  }
  const inbox = new Inbox(() => channel.close())
  channel.listen(
    (decode) =>
      arriveDecoded(inbox, close, () => {
        const value = decode()
        if (!isChunk(value)) return value
        const parts = assembler.add({ ...value, data: decodeChunk(value.data) })
        return parts && decodeFrame(parts)
      }),
    (reason) => inbox.end(reason),
  )
  return {
    get pendingBytes() {
      return channel.pendingBytes
    },
    send(message: Message) {
      if (inbox.isEnded) return
      if (!holdsArray(message)) {
        const json = JSON.stringify(message)
        // A character is at most 3 bytes of UTF-8.
        if (json.length * 3 <= MAX_NATIVE_MESSAGE_BYTES) return channel.post(message, json)
      }
      const parts = encodeFrame(message)
      const bytes = sumBytes(parts)
      if (bytes > maxBytes) throw fail("IPFA_PROTOCOL_TOO_LARGE", { data: { bytes, limit: maxBytes } })
      for (const chunk of splitFrame(parts, CHUNK_BYTES)) post({ ...chunk, data: toBase64(chunk.data) })
    },
    start: (receive, ended) => inbox.start(receive, ended),
    close(reason) {
      if (inbox.isEnded) return
      inbox.close()
      close(reason)
    },
  }
}

/** The extension's half: over the chrome.runtime.Port that `connectNative` gives. The host's half is native-host/stdio.ts. */
export function nativePort(port: RuntimePortLike, options?: JsonPortOptions): Port {
  return jsonPort(
    {
      pendingBytes: 0,
      post: (value) => port.postMessage(value),
      close: () => port.disconnect(),
      listen(arrive, ended) {
        port.onMessage.addListener((message) => arrive(() => message ?? null))
        port.onDisconnect.addListener(() => ended(disconnectReason(port)))
      },
    },
    options,
  )
}

function decodeChunk(data: unknown): Uint8Array {
  if (typeof data !== "string" || data.length > MAX_NATIVE_MESSAGE_BYTES)
    throw fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: "a chunk without base64" } })
  return fromBase64(data)
}

function holdsArray(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  if (ArrayBuffer.isView(value)) return true
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsArray)
}
