import type { Message } from "../envelope.ts"
import type { Port } from "../port.ts"

/** What MessagePort, a dedicated worker and a worker's own scope have in common. */
export interface MessageChannelLike {
  postMessage(message: unknown, transfer: Transferable[]): void
  addEventListener(type: "message" | "messageerror", listener: (event: MessageEvent) => void): void
  removeEventListener(type: "message" | "messageerror", listener: (event: MessageEvent) => void): void
  start?(): void
  close?(): void
}

/**
 * A port over a MessagePort or worker. The platform tells nobody of a MessagePort's end, so each side says `{ kind: "bye" }` before it
 * closes, and whoever owns the other end's life (a worker's supervisor, a page's `pagehide`) calls `close`.
 */
export function messagePort(channel: MessageChannelLike): Port {
  let onMessage: ((event: MessageEvent) => void) | undefined
  let closed = false
  const stop = () => {
    closed = true
    if (onMessage) {
      channel.removeEventListener("message", onMessage)
      channel.removeEventListener("messageerror", onMessage)
    }
  }
  return {
    pendingBytes: 0,
    send(message: Message, transfer: Transferable[] = []) {
      if (!closed) channel.postMessage(message, transfer)
    },
    start(receive, ended) {
      onMessage = (event) => {
        if (event.data?.kind !== "bye") return receive(event.data)
        stop()
        ended()
      }
      channel.addEventListener("message", onMessage)
      // A message that could not be deserialised here is a malformed one.
      channel.addEventListener("messageerror", onMessage)
      channel.start?.()
    },
    close() {
      if (closed) return
      channel.postMessage({ kind: "bye" }, [])
      stop()
      channel.close?.()
    },
  }
}
