import { fail } from "../../protocol/index.ts"
import type { ModelOwner } from "../model-source.ts"
import type { ByteStore, PartialBytes } from "./byte-store.ts"
import type { Room, Ticket } from "./room.ts"

/** Uploads an owner may have begun and not ended. */
const MAX_OPEN = 4
/** One that brings nothing for so long is forgotten. */
const IDLE_MS = 10 * 60_000

interface Upload {
  partial: PartialBytes
  ticket: Ticket
  total: number
  owner: string
  usedAt: number
  busy: boolean
}

export interface UploadPart {
  uploadId: string
  offset: number
  total: number
  bytes: Uint8Array
}

/** Bytes that come by parts, in order. Uploads end with the process. */
export class Uploads {
  readonly #store: ByteStore
  readonly #room: Room
  readonly #maxBytes: number
  readonly #uploads = new Map<string, Upload>()

  constructor(store: ByteStore, room: Room, maxBytes: number) {
    this.#store = store
    this.#room = room
    this.#maxBytes = maxBytes
  }

  /** Takes one part. With the last one gives the SHA-256 of the whole after `finish` linked it to its owner. */
  async put(
    owner: ModelOwner,
    part: UploadPart,
    finish: (sha256: string, bytes: number) => Promise<void>,
  ): Promise<{ received: number; sha256?: string }> {
    const key = JSON.stringify([owner.owner, part.uploadId])
    const upload = this.#uploads.get(key) ?? (await this.#begin(key, owner, part))
    const { partial, ticket, total } = upload
    if (upload.busy) throw fail("IPFA_MODEL_UPLOAD", { message: "A part came before the one before it was taken." })
    upload.busy = true
    try {
      if (part.offset !== partial.size || part.total !== total || partial.size + part.bytes.byteLength > total)
        throw fail("IPFA_MODEL_UPLOAD", { data: { expectedOffset: partial.size, total } })
      // An empty part would let an upload live for ever without coming nearer to its end.
      if (part.bytes.byteLength === 0) throw fail("IPFA_MODEL_UPLOAD", { message: "An upload's part has no bytes." })
      await partial.append(part.bytes)
      upload.usedAt = Date.now()
      const received = partial.size
      if (received < total) return { received }
      const sha256 = await partial.digest()
      this.#uploads.delete(key)
      // So that no eviction comes between bytes and link.
      this.#room.lease(sha256)
      await partial.commit(sha256)
      await finish(sha256, total)
      // What is not pinned is safe until it is opened, which comes next.
      if (!owner.lends) this.#room.unlease(sha256)
      this.#room.release(ticket)
      return { received, sha256 }
    } catch (error) {
      await this.#drop(key, upload)
      throw error
    } finally {
      upload.busy = false
    }
  }

  async #begin(key: string, owner: ModelOwner, { offset, total }: UploadPart): Promise<Upload> {
    for (const [other, upload] of this.#uploads)
      if (!upload.busy && upload.usedAt < Date.now() - IDLE_MS) await this.#drop(other, upload)
    if (offset !== 0) throw fail("IPFA_MODEL_UPLOAD", { data: { expectedOffset: 0, total } })
    if (total < 1) throw fail("IPFA_MODEL_UPLOAD", { message: "An upload of no bytes is no model." })
    if (total > this.#maxBytes) throw fail("IPFA_MODEL_TOO_LARGE", { data: { bytes: total, maxBytes: this.#maxBytes } })
    const open = [...this.#uploads.values()].filter((upload) => upload.owner === owner.owner)
    if (open.length >= MAX_OPEN)
      throw fail("IPFA_MODEL_UPLOAD", { message: `At most ${MAX_OPEN} uploads may be open at once.` })
    const ticket = this.#room.ticket(owner)
    try {
      await this.#room.reserve(ticket, total, 0)
      const partial = await this.#store.openPartial("", { resumable: false })
      const upload = { partial, ticket, total, owner: owner.owner, usedAt: Date.now(), busy: false }
      const raced = this.#uploads.get(key)
      if (raced) {
        await partial.discard()
        throw fail("IPFA_MODEL_UPLOAD", { message: "An upload of that id was begun twice." })
      }
      this.#uploads.set(key, upload)
      return upload
    } catch (error) {
      this.#room.release(ticket)
      throw error
    }
  }

  async #drop(key: string, upload: Upload): Promise<void> {
    if (this.#uploads.get(key) === upload) {
      this.#uploads.delete(key)
      await upload.partial.discard()
    }
    this.#room.release(upload.ticket)
  }
}
