import { sumBytes } from "./bytes.ts"
import { fail } from "./errors/index.ts"

/**
 * A frame cut into pieces, for channels with a limit on a message's size. Pieces of one frame follow one another; the next frame begins
 * when the one before is whole.
 */
export interface Chunk<Data = Uint8Array> {
  kind: "chunk"
  /** Bytes of the whole frame. */
  total: number
  /** Where this piece begins in it. */
  offset: number
  data: Data
}

/** Every piece but a frame's last holds at least this much: a flood of tiny ones can't cost more in book-keeping than in bytes. */
export const MIN_CHUNK_BYTES = 64 * 1024

/** Cuts a frame's parts into chunks of `chunkBytes`, each with memory of its own. */
export function* splitFrame(
  parts: readonly Uint8Array[],
  chunkBytes: number,
): Generator<Chunk<Uint8Array<ArrayBuffer>>> {
  const total = sumBytes(parts)
  let part = 0
  let at = 0
  for (let offset = 0; offset < total; ) {
    const data = new Uint8Array(Math.min(chunkBytes, total - offset))
    for (let filled = 0; filled < data.byteLength; ) {
      const source = parts[part] as Uint8Array
      const piece = source.subarray(at, at + data.byteLength - filled)
      data.set(piece, filled)
      filled += piece.byteLength
      at += piece.byteLength
      if (at === source.byteLength) {
        part++
        at = 0
      }
    }
    yield { kind: "chunk", total, offset, data }
    offset += data.byteLength
  }
}

export function isChunk(message: unknown): message is Chunk<unknown> {
  return typeof message === "object" && message !== null && (message as Chunk).kind === "chunk"
}

/** Puts chunks together again. Holds at most `maxBytes`, and only what really came. */
export class Assembler {
  readonly #maxBytes: number
  #total = 0
  #received = 0
  #parts: Uint8Array[] = []

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The frame's parts when `chunk` was its last piece. Throws IPFA_PROTOCOL_MALFORMED or IPFA_PROTOCOL_TOO_LARGE. */
  add({ total, offset, data }: Chunk<unknown>): Uint8Array[] | undefined {
    const malformed = (reason: string) => fail("IPFA_PROTOCOL_MALFORMED", { data: { reason } })
    if (!(data instanceof Uint8Array) || data.byteLength === 0) throw malformed("a chunk without bytes")
    if (!Number.isSafeInteger(total) || total <= 0) throw malformed("a chunk's total")
    if (total > this.#maxBytes) throw fail("IPFA_PROTOCOL_TOO_LARGE", { data: { bytes: total, limit: this.#maxBytes } })
    if (this.#received > 0 && total !== this.#total) throw malformed("a chunk of another frame")
    if (offset !== this.#received) throw malformed("a chunk out of order")
    const received = offset + data.byteLength
    if (received > total) throw malformed("a chunk past the frame's end")
    if (received < total && data.byteLength < MIN_CHUNK_BYTES) throw malformed("a chunk that is too small")
    this.#total = total
    this.#received = received
    // A view would keep all of its memory alive, which nobody counts.
    this.#parts.push(data.byteLength === data.buffer.byteLength ? data : data.slice())
    if (received < total) return undefined
    const parts = this.#parts
    this.#received = 0
    this.#parts = []
    return parts
  }
}
