import { asAccelerateError, type Peer, type WebSocketLike } from "../../protocol/index.ts"

type Listener = (event: unknown) => void

const OPEN = 1
const CLOSED = 3

/** A WebSocket to the bridge that the native host at the other end of `host` opens and carries. */
export function carriedSocket(host: Peer): WebSocketLike {
  const listeners: Record<string, Listener[]> = {}
  const ending = new AbortController()
  let readyState = OPEN
  let waiting = 0
  const tell = (type: string, event: unknown) => {
    for (const listener of listeners[type] ?? []) listener(event)
  }
  const end = (reason: string) => {
    if (readyState === CLOSED) return
    readyState = CLOSED
    tell("close", { code: 1000, reason })
  }
  host
    .call("host.carry", {}, { signal: ending.signal, onEvent: ({ bytes }) => tell("message", { data: own(bytes) }) })
    .then(
      () => end(""),
      (error) => end(asAccelerateError(error).code),
    )
  return {
    binaryType: "arraybuffer",
    get readyState() {
      return readyState
    },
    get bufferedAmount() {
      return waiting
    },
    send(bytes) {
      waiting += bytes.byteLength
      host
        .call("host.send", { bytes })
        .catch((error) => end(asAccelerateError(error).code))
        .finally(() => {
          waiting -= bytes.byteLength
        })
    },
    close() {
      ending.abort()
      end("")
    },
    addEventListener(type, listener) {
      listeners[type] = [...(listeners[type] ?? []), listener]
    },
  }
}

/** Memory of its own, as a browser's WebSocket gives it. */
function own(bytes: Uint8Array): ArrayBuffer {
  return bytes.byteLength === bytes.buffer.byteLength ? (bytes.buffer as ArrayBuffer) : new Uint8Array(bytes).buffer
}
