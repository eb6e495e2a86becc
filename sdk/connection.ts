import type { PeerCore } from "../protocol/peer-core.ts"

/** A way to whoever computes, which is found again where it was lost. */
export interface Connection {
  /** The connection as it is, or a new one. Rejects where there can't be one. */
  peer(): Promise<PeerCore>
  /** Jobs may outlive a connection there, so each gets an idempotency key. */
  readonly keyed?: boolean
}
