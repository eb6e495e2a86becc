import type { Message } from "../envelope.ts"
import type { Port } from "../port.ts"
import { bye, Inbox } from "./inbox.ts"

/** What MessagePort, a dedicated worker and a worker's own scope have in common. */
export interface MessageChannelLike {
  postMessage(message: unknown, transfer: Transferable[]): void
  addEventListener(type: "message" | "messageerror" | "close", listener: (event: MessageEvent) => void): void
  start?(): void
  close?(): void
}

/**
 * A port over a MessagePort or worker. Where the platform tells nobody of a MessagePort's end, each side's `bye` does, and whoever owns the
 * other end's life (a worker's supervisor, a page's `pagehide`) calls `close`.
 */
export function messagePort(channel: MessageChannelLike): Port {
  // A worker's own scope is left alone: to close it is to end the worker, which may still have to tidy up.
  const inbox = new Inbox(() => channel.start && channel.close?.())
  channel.addEventListener("message", (event) => inbox.arrive(event.data))
  // A message that could not be deserialised here is a malformed one.
  channel.addEventListener("messageerror", () => inbox.arrive(undefined))
  // Node tells of a port's end. Chromium 156 does not (no `onclose` there), nor does Firefox.
  channel.addEventListener("close", () => inbox.end())
  return {
    pendingBytes: 0,
    send(message: Message, transfer: Transferable[] = []) {
      if (!inbox.isEnded) channel.postMessage(message, transfer)
    },
    start(receive, ended) {
      inbox.start(receive, ended)
      channel.start?.()
    },
    close(reason) {
      if (inbox.isEnded) return
      inbox.close()
      channel.postMessage(bye(reason), [])
      channel.close?.()
    },
  }
}
