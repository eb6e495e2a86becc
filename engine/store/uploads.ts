import { fail } from "../../protocol/index.ts"
import type { ModelOwner } from "../model-source.ts"
import { type Timer, upkeepTimer } from "../pool/timer.ts"
import type { ByteStore, PartialBytes } from "./byte-store.ts"
import type { Room, Ticket } from "./room.ts"

/** Uploads an owner may have begun and not ended. */
const MAX_OPEN = 4
/** One that brings nothing for so long is forgotten, and the room it was promised is free again. */
const IDLE_MS = 10 * 60_000
/** One that brings nothing for so long makes way for its owner's next: whoever began it may be gone, and nothing says so. */
const STALE_MS = 5000

interface Upload {
  readonly ticket: Ticket
  readonly total: number
  /** Another's end that it waits for. */
  readonly makesWay: Promise<void> | undefined
  /** Once there is room for it. */
  partial: PartialBytes | undefined
  usedAt: number
  /** A part is being taken. */
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
  #timer: Timer | undefined

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
    const upload = this.#uploads.get(key) ?? this.#begin(key, owner, part)
    if (upload.busy) throw fail("IPFA_MODEL_UPLOAD", { message: "A part came before the one before it was taken." })
    upload.busy = true
    const { total } = upload
    try {
      upload.partial ??= await this.#makeRoom(upload)
      const { partial } = upload
      if (part.offset !== partial.size || part.total !== total || partial.size + part.bytes.byteLength > total)
        throw fail("IPFA_MODEL_UPLOAD", { data: { expectedOffset: partial.size, total } })
      // An empty part would let an upload live for ever without coming nearer to its end.
      if (part.bytes.byteLength === 0) throw fail("IPFA_MODEL_UPLOAD", { message: "An upload's part has no bytes." })
      await partial.append(part.bytes)
      upload.usedAt = Date.now()
      const received = partial.size
      if (received < total) return { received }
      const sha256 = await partial.digest()
      // So that no eviction comes between bytes and link.
      const release = this.#room.lease(sha256)
      await partial.commit(sha256)
      // From here on there is nothing to discard.
      upload.partial = undefined
      await finish(sha256, total)
      // What is not pinned is safe until it is opened, which comes next.
      if (!owner.lends) release()
      await this.#drop(key, upload)
      return { received, sha256 }
    } catch (error) {
      await this.#drop(key, upload)
      throw error
    } finally {
      upload.busy = false
    }
  }

  /** At once, so that many that begin at the same time count as many. */
  #begin(key: string, owner: ModelOwner, { offset, total }: UploadPart): Upload {
    if (offset !== 0) throw fail("IPFA_MODEL_UPLOAD", { data: { expectedOffset: 0, total } })
    if (total < 1) throw fail("IPFA_MODEL_UPLOAD", { message: "An upload of no bytes is no model." })
    if (total > this.#maxBytes) throw fail("IPFA_MODEL_TOO_LARGE", { data: { bytes: total, maxBytes: this.#maxBytes } })
    const makesWay = this.#makeWay(owner)
    const ticket = this.#room.ticket(owner)
    const upload: Upload = { ticket, total, makesWay, partial: undefined, usedAt: Date.now(), busy: false }
    this.#uploads.set(key, upload)
    this.#timer ??= upkeepTimer(this.#dropIdle, IDLE_MS)
    return upload
  }

  /** Ends an upload of `owner` that seems to be forgotten, where they may not begin another beside it. */
  #makeWay(owner: ModelOwner): Promise<void> | undefined {
    const open = [...this.#uploads].filter(([, { ticket }]) => ticket.owner.owner === owner.owner)
    if (open.length < MAX_OPEN) return
    const stale = open.find(([, { busy, usedAt }]) => !busy && usedAt <= Date.now() - STALE_MS)
    if (!stale) throw fail("IPFA_MODEL_UPLOAD", { message: `At most ${MAX_OPEN} uploads may be open at once.` })
    return this.#drop(...stale).catch(() => {})
  }

  async #makeRoom({ ticket, total, makesWay }: Upload): Promise<PartialBytes> {
    await makesWay
    await this.#room.reserve(ticket, total, 0)
    return this.#store.openPartial("", { resumable: false })
  }

  readonly #dropIdle = (): void => {
    this.#timer = undefined
    for (const [key, upload] of this.#uploads)
      if (!upload.busy && upload.usedAt <= Date.now() - IDLE_MS) void this.#drop(key, upload).catch(() => {})
    if (this.#uploads.size > 0) this.#timer = upkeepTimer(this.#dropIdle, IDLE_MS)
  }

  async #drop(key: string, { partial, ticket }: Upload): Promise<void> {
    this.#uploads.delete(key)
    try {
      await partial?.discard()
    } finally {
      this.#room.release(ticket)
    }
  }
}
