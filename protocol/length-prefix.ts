import { fail } from "./errors/index.ts"

/** Cuts a stream of bytes into bodies, each after its length as a u32. A body gets memory of its own; its bytes are copied once. */
export class LengthReader {
  readonly #maxBytes: number
  readonly #littleEndian: boolean
  readonly #onBody: (body: Uint8Array<ArrayBuffer>) => void
  readonly #prefix = new Uint8Array(4)
  #prefixFilled = 0
  #body: Uint8Array<ArrayBuffer> | undefined
  #bodyFilled = 0

  constructor(maxBytes: number, onBody: (body: Uint8Array<ArrayBuffer>) => void, littleEndian = true) {
    this.#maxBytes = maxBytes
    this.#onBody = onBody
    this.#littleEndian = littleEndian
  }

  /** Throws IPFA_PROTOCOL_TOO_LARGE before it makes room for a body over the limit; the stream is of no use after that. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.byteLength) {
      if (!this.#body) {
        const piece = chunk.subarray(at, at + 4 - this.#prefixFilled)
        this.#prefix.set(piece, this.#prefixFilled)
        this.#prefixFilled += piece.byteLength
        at += piece.byteLength
        if (this.#prefixFilled < 4) return
        this.#prefixFilled = 0
        const bytes = new DataView(this.#prefix.buffer).getUint32(0, this.#littleEndian)
        if (bytes > this.#maxBytes) throw fail("IPFA_PROTOCOL_TOO_LARGE", { data: { bytes, limit: this.#maxBytes } })
        this.#body = new Uint8Array(bytes)
        this.#bodyFilled = 0
      }
      const body: Uint8Array<ArrayBuffer> = this.#body
      const piece = chunk.subarray(at, at + body.byteLength - this.#bodyFilled)
      body.set(piece, this.#bodyFilled)
      this.#bodyFilled += piece.byteLength
      at += piece.byteLength
      if (this.#bodyFilled < body.byteLength) return
      this.#body = undefined
      this.#onBody(body)
    }
  }
}

/** `bytes` as a length prefix. */
export function lengthPrefix(bytes: number, littleEndian = true): Uint8Array<ArrayBuffer> {
  const prefix = new Uint8Array(4)
  new DataView(prefix.buffer).setUint32(0, bytes, littleEndian)
  return prefix
}
