import type { Message } from "./envelope.ts"

/** What a transport offers: messages in order, and the news of its end. Adapters in transports/ make one from a platform's channel. */
export interface Port {
  /** Sends one message. `transfer` lists buffers that may be moved instead of copied, where the channel can. Throws IPFA_PROTOCOL_TOO_LARGE before anything is sent. */
  send(message: Message, transfer?: Transferable[]): void
  /** Bytes accepted by `send` that have not left yet; 0 where the channel does not tell. */
  readonly pendingBytes: number
  /** Begins delivery. What arrived before is delivered first. `ended` is called once, with the reason where there is one. */
  start(receive: (message: unknown) => void, ended: (reason?: unknown) => void): void
  close(reason?: string): void
}
