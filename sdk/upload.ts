import type { PeerCore } from "../protocol/peer-core.ts"
import { type Connection, overConnection } from "./connection.ts"

/** Less than the protocol's limit for a part, so that progress is seen. */
const PART_BYTES = 8 * 2 ** 20

interface UploadOptions {
  signal?: AbortSignal
  onProgress?(progress: { phase: "download"; loaded: number; total: number }): void
}

/** Brings a model's bytes to whoever computes; gives the reference that this caller alone can use. */
export function upload(connection: Connection, model: Blob | Uint8Array, options: UploadOptions): Promise<string> {
  return overConnection(connection, (peer) => uploadOver(peer, model, options), options.signal)
}

async function uploadOver(peer: PeerCore, model: Blob | Uint8Array, options: UploadOptions): Promise<string> {
  const uploadId = crypto.randomUUID()
  const total = model instanceof Uint8Array ? model.byteLength : model.size
  let offset = 0
  for (;;) {
    const end = Math.min(total, offset + PART_BYTES)
    // A copy, as it is moved on.
    const bytes =
      model instanceof Uint8Array
        ? model.slice(offset, end)
        : new Uint8Array(await model.slice(offset, end).arrayBuffer())
    const { received, reference } = await peer.call(
      "model.put",
      { uploadId, offset, total, bytes },
      { signal: options.signal, transfer: [bytes.buffer as ArrayBuffer] },
    )
    options.onProgress?.({ phase: "download", loaded: received, total })
    if (reference) return reference
    offset = received
  }
}
