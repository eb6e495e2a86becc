import { joinBytes, sumBytes } from "../bytes.ts"
import type { Message } from "../envelope.ts"
import { fail } from "../errors/index.ts"
import { decodeFrame, encodeFrame, MAX_FRAME_BYTES, type Shelf } from "../framing.ts"
import type { Port } from "../port.ts"
import { arriveDecoded, Inbox, reasonError } from "./inbox.ts"

/** What the browser's WebSocket and Node's `ws` have in common. */
export interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  // biome-ignore lint/suspicious/noExplicitAny: the two have their own event classes, with the same fields
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: any) => void): void
}

/** What `ws` has beyond it: a message in fragments, so that a large array is neither joined with others nor copied. */
interface WsSocket extends Omit<WebSocketLike, "send"> {
  send(data: Uint8Array, options: { binary: boolean; fin: boolean }): void
  on(type: "message", listener: (data: Uint8Array[], isBinary: boolean) => void): void
  terminate(): void
  /** Not part of its interface, so not counted on. */
  readonly _socket?: { cork(): void; uncork(): void } | null
}

export interface WebSocketPortOptions {
  /** Largest message taken in or sent, bytes. With `ws`, give the socket the same `maxPayload`, which refuses before it buffers. */
  maxBytes?: number
  /** Where large arrays may lie, once that is known. */
  shelf?(): Shelf | undefined
}

const CONNECTING = 0
const OPEN = 1
/** The close code that `ws` and browsers send for a message over their own limit. */
const TOO_BIG = 1009
/** Parts smaller than this are cheaper to copy together than to send as a fragment each. */
const JOIN_BELOW_BYTES = 32 * 1024

/**
 * A port over a WebSocket: one binary message per message, as framing.ts has it. Both sides learn of the end from the socket; the reason
 * travels as the close frame's. Messages sent before the socket is open wait; make the port in the turn in which the socket was made or
 * accepted, or what comes at once is lost.
 */
export function webSocketPort(
  socket: WebSocketLike,
  { maxBytes = MAX_FRAME_BYTES, shelf }: WebSocketPortOptions = {},
): Port {
  const ws = "on" in socket && "terminate" in socket ? (socket as unknown as WsSocket) : undefined
  const inbox = new Inbox(() => socket.close())
  let unsent: Uint8Array[][] | undefined = socket.readyState === CONNECTING ? [] : undefined
  let unsentBytes = 0

  const refuse = (reason: string) => {
    if (ws && reason === "IPFA_PROTOCOL_SLOW_READER") return ws.terminate()
    socket.close(1000, reason)
  }
  const arrive = (parts: Uint8Array[]) =>
    arriveDecoded(inbox, refuse, () => {
      if (sumBytes(parts) > maxBytes) throw fail("IPFA_PROTOCOL_TOO_LARGE", { data: { limit: maxBytes } })
      return decodeFrame(parts, shelf?.())
    })
  const noBytes = () => arrive([])

  if (ws) {
    ws.binaryType = "fragments"
    ws.on("message", (data, isBinary) => (isBinary ? arrive(data.map(own)) : noBytes()))
  } else {
    socket.binaryType = "arraybuffer"
    socket.addEventListener("message", ({ data }: { data: unknown }) =>
      data instanceof ArrayBuffer ? arrive([new Uint8Array(data)]) : noBytes(),
    )
  }
  socket.addEventListener("open", () => {
    for (const parts of unsent ?? []) transmit(parts)
    unsent = undefined
    unsentBytes = 0
  })
  // An error is always followed by a close.
  socket.addEventListener("error", () => {})
  socket.addEventListener("close", ({ code, reason }: { code: number; reason: unknown }) =>
    inbox.end(reasonError(reason) ?? (code === TOO_BIG ? fail("IPFA_PROTOCOL_TOO_LARGE") : undefined)),
  )

  const transmit = (parts: Uint8Array[]) => {
    if (!ws) return socket.send(joinBytes(parts))
    const fragments = joinSmall(parts)
    // One system call for the lot, where `ws` lets us at its socket: else the other side wakes for each.
    ws._socket?.cork()
    for (const [i, fragment] of fragments.entries())
      ws.send(fragment, { binary: true, fin: i === fragments.length - 1 })
    ws._socket?.uncork()
  }

  return {
    get pendingBytes() {
      return socket.bufferedAmount + unsentBytes
    },
    send(message: Message) {
      if (inbox.isEnded || (!unsent && socket.readyState !== OPEN)) return
      const parts = encodeFrame(message, shelf?.())
      const bytes = sumBytes(parts)
      if (bytes > maxBytes) throw fail("IPFA_PROTOCOL_TOO_LARGE", { data: { bytes, limit: maxBytes } })
      if (unsent) {
        unsent.push(parts)
        unsentBytes += bytes
      } else transmit(parts)
    },
    start: (receive, ended) => inbox.start(receive, ended),
    close(reason) {
      if (inbox.isEnded) return
      inbox.close()
      refuse(reason ?? "")
    },
  }
}

/** `ws` hands out views of its read buffers, which hold other messages too, and of Node's pool: such memory can't be given away. */
function own(part: Uint8Array): Uint8Array {
  return part.byteLength === part.buffer.byteLength ? part : new Uint8Array(part)
}

function joinSmall(parts: readonly Uint8Array[]): Uint8Array[] {
  const joined: Uint8Array[] = []
  let small: Uint8Array[] = []
  const flush = () => {
    if (small.length > 0) joined.push(small.length === 1 ? (small[0] as Uint8Array) : joinBytes(small))
    small = []
  }
  for (const part of parts) {
    if (part.byteLength < JOIN_BELOW_BYTES) small.push(part)
    else {
      flush()
      joined.push(part)
    }
  }
  flush()
  return joined
}
