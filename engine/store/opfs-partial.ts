import { asAccelerateError, joinBytes } from "../../protocol/index.ts"
import type { Version } from "../resolve/resolver.ts"
import type { PartialBytes } from "./byte-store.ts"
import { sha256Hex } from "./digest.ts"
import type { PartialRecord, StoreDatabase } from "./idb-metadata.ts"
import { partFiles, readParts } from "./opfs-parts.ts"

/** What is lost of a download when the tab dies, at most. */
const PART_BYTES = 8 * 2 ** 20
/**
 * So much is written at a time: Chromium's pipe to the process that writes takes it whole. What is still being sent when the disk is full
 * fails as "Failed to write data to data pipe" (AbortError), for whatever reason the other end stopped reading.
 */
const WRITE_BYTES = 512 * 2 ** 10

/** A folder of parts that grows by whole parts. */
export class OpfsPartial implements PartialBytes {
  size: number
  readonly #root: FileSystemDirectoryHandle
  readonly #db: StoreDatabase
  readonly #resumable: boolean
  readonly #unlock: () => void
  #record: PartialRecord
  #parts: number
  #buffer: Uint8Array[] = []
  #buffered = 0

  static async open(
    root: FileSystemDirectoryHandle,
    db: StoreDatabase,
    record: PartialRecord,
    resumable: boolean,
    unlock: () => void,
  ): Promise<OpfsPartial> {
    try {
      const files = await partFiles(root, record.dir)
      return new OpfsPartial(root, db, record, resumable, unlock, files)
    } catch (error) {
      unlock()
      throw asAccelerateError(error)
    }
  }

  private constructor(
    root: FileSystemDirectoryHandle,
    db: StoreDatabase,
    record: PartialRecord,
    resumable: boolean,
    unlock: () => void,
    files: File[],
  ) {
    this.#root = root
    this.#db = db
    this.#record = record
    this.#resumable = resumable
    this.#unlock = unlock
    this.#parts = files.length
    this.size = files.reduce((sum, file) => sum + file.size, 0)
  }

  get version(): Version | undefined {
    return this.#record.version
  }

  async remember(version: Version | undefined): Promise<void> {
    const { version: _, ...record } = this.#record
    this.#record = { ...record, ...(version && { version }), usedAt: Date.now() }
    await this.#db.put("partials", this.#record)
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#buffer.push(bytes.slice())
    this.#buffered += bytes.byteLength
    this.size += bytes.byteLength
    if (this.#buffered >= PART_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#buffered === 0) return
    const bytes = joinBytes(this.#buffer)
    try {
      const folder = await this.#root.getDirectoryHandle(this.#record.dir, { create: true })
      const file = await folder.getFileHandle(String(this.#parts), { create: true })
      await write(await file.createWritable(), bytes)
    } catch (error) {
      this.size -= this.#buffered
      // Nobody aborts a write here: the browser's own AbortError is a fault like any other, no cancelling.
      const isBrokenOff = error instanceof DOMException && error.name === "AbortError"
      throw asAccelerateError(isBrokenOff ? new Error(String(error), { cause: error }) : error)
    } finally {
      this.#buffer = []
      this.#buffered = 0
    }
    this.#parts++
  }

  async reset(): Promise<void> {
    this.#buffer = []
    this.#buffered = 0
    await this.remember(undefined)
    await this.#removeFolder()
    this.#parts = 0
    this.size = 0
  }

  async digest(): Promise<string> {
    await this.flush()
    return sha256Hex(joinBytes(await readParts(this.#root, this.#record.dir)))
  }

  async commit(sha256: string): Promise<void> {
    await this.flush()
    const { dir } = this.#record
    const now = Date.now()
    const tx = this.#db.transaction(["blobs", "partials"], "readwrite")
    const blobs = tx.objectStore("blobs")
    const there = await blobs.get(sha256)
    if (!there) await blobs.put({ sha256, bytes: this.size, addedAt: now, usedAt: now, dir })
    await tx.objectStore("partials").delete(dir)
    await tx.done
    if (there) await this.#removeFolder()
    this.#unlock()
  }

  async release(): Promise<void> {
    if (!this.#resumable) return this.discard()
    try {
      await this.flush()
    } finally {
      this.#unlock()
    }
  }

  async discard(): Promise<void> {
    try {
      await this.#db.delete("partials", this.#record.dir)
      await this.#removeFolder()
    } finally {
      this.#unlock()
    }
  }

  async #removeFolder(): Promise<void> {
    await this.#root.removeEntry(this.#record.dir, { recursive: true }).catch(() => {})
  }
}

/** Nothing of it stays where it throws. */
async function write(file: FileSystemWritableFileStream, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    for (let at = 0; at < bytes.byteLength; at += WRITE_BYTES) await file.write(bytes.subarray(at, at + WRITE_BYTES))
    await file.close()
  } catch (error) {
    await file.abort().catch(() => {})
    throw error
  }
}
