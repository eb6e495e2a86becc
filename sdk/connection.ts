import { orAborted } from "../protocol/abort.ts"
import type { PeerCore } from "../protocol/peer-core.ts"

/** A way to whoever computes, which is found again where it was lost. */
export interface Connection {
  /** The connection as it is, or a new one. Rejects where there can't be one. */
  peer(): Promise<PeerCore>
  /** Jobs may outlive a connection there, so each gets an idempotency key. */
  readonly keyed?: boolean
}

/** Connections that a call may lose before it fails with them. */
const MAX_TRIES = 3

/** Does `work` over the connection as it is; where that ends meanwhile, anew over the next. */
export function overConnection<T>(
  connection: Connection,
  work: (peer: PeerCore) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const open = async () => ({ peer: await connection.peer() })
  return untilDone(open, ({ peer }) => work(peer), { signal })
}

/** As `overConnection`, with what `open` opens over it; `again`: false where the work can't be done anew. */
export async function untilDone<T, O extends { peer: PeerCore }>(
  open: () => Promise<O>,
  work: (opened: O) => Promise<T>,
  { signal, again = () => true }: { signal?: AbortSignal; again?(): boolean } = {},
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const opened = await orAborted(open(), signal)
    try {
      return await work(opened)
    } catch (error) {
      const lost = opened.peer.isClosed && (error as { code?: string }).code === "IPFA_PROTOCOL_CLOSED"
      if (!lost || tries === MAX_TRIES || !again()) throw error
    }
  }
}
