import { AccelerateError, fail, type Progress, SharedWorks, type StoredModel } from "../../protocol/index.ts"
import type { AcquiredModel, ModelOwner, ModelSource } from "../model-source.ts"
import { parseReference, resolverOf } from "../resolve/index.ts"
import type { ByteSource, Reference, ResolveEnvironment, Version } from "../resolve/resolver.ts"
import { type ByteStore, type Link, type LinkStore, linkId } from "./byte-store.ts"
import { sha256Hex } from "./digest.ts"
import { type DownloadOptions, download } from "./download.ts"
import { Room } from "./room.ts"
import { type UploadPart, Uploads } from "./uploads.ts"

export interface LibraryOptions {
  /** Bytes the store may take; what was used least recently makes room. */
  quotaBytes: number
  /** Largest model taken, bytes; default 2^31 − 1, which is what ONNX files and runtimes end at. */
  maxModelBytes?: number
  /** Whether anything may be downloaded now; default: always. */
  mayDownload?(): boolean
  /** How long a model that its address alone names is used without asking whether it changed, ms; default an hour. */
  revalidateMs?: number
  /** A download that brings nothing for so long is tried again, ms; default 30 s. */
  stallMs?: number
  /** Whether what `owner` alone has (uploads) is still to be kept for it; else it makes room like the rest. Default: always. */
  keepsFor?: (owner: string) => boolean
}

/** A question whether a model changed waits no longer than that, ms: a stored one is there to be used. */
const LOOK_MS = 3000

interface Parts {
  store: ByteStore
  links: LinkStore
  room: Room
  uploads: Uploads
}

interface Found {
  sha256: string
  bytes: number
  stored: boolean
  /** As in AcquiredModel. */
  ownedBy?: string
  /** Ends the lease that it has had since it came, once it has another. */
  release?(): void
}

/** Resolvers in front of a store. */
export class ModelLibrary implements ModelSource {
  readonly #open: () => Promise<{ store: ByteStore; links: LinkStore }>
  readonly #environment: ResolveEnvironment
  readonly #options: Required<LibraryOptions>
  readonly #fetching = new SharedWorks<Found, Progress>()
  /** Stored bytes whose digest was recomputed in this life. */
  readonly #verified = new Set<string>()
  #parts: Promise<Parts> | undefined

  /** `open` is called when the store is first needed. */
  constructor(
    open: () => Promise<{ store: ByteStore; links: LinkStore }>,
    environment: ResolveEnvironment,
    options: LibraryOptions,
  ) {
    this.#open = open
    this.#environment = environment
    this.#options = {
      mayDownload: () => true,
      maxModelBytes: 2 ** 31 - 1,
      revalidateMs: 3_600_000,
      stallMs: 30_000,
      keepsFor: () => true,
      ...options,
    }
  }

  async acquire(
    text: string,
    owner: ModelOwner,
    options: { signal?: AbortSignal; onProgress?: (progress: Progress) => void } = {},
  ): Promise<AcquiredModel> {
    const reference = parseReference(text)
    const source = resolverOf(text).resolve(reference, this.#environment, owner)
    const parts = await this.#ready()
    if (!source) return this.#acquired(text, parts, await this.#visible(parts, reference, owner))
    const shown = reference.ownerOnly ? { owner: owner.owner } : {}
    const id = linkId({ kind: "reference", reference: reference.canonical, ...shown })
    const { signal, onProgress } = options
    for (;;) {
      let isOwn = false
      const fetching = this.#fetching.of(id, (signal, onProgress) => {
        isOwn = true
        return this.#fetch(parts, { reference, source, id, owner, signal, onProgress })
      })
      try {
        const found = await fetching.wait(signal, { onEvent: onProgress })
        return await this.#acquired(text, parts, { ...found, ...(reference.ownerOnly && { ownedBy: owner.owner }) })
      } catch (error) {
        // Room that one caller did not have may be there for another.
        if (isOwn || !(error instanceof AccelerateError) || error.code !== "IPFA_STORE_QUOTA") throw error
      }
    }
  }

  async put(owner: ModelOwner, part: UploadPart): Promise<{ received: number; reference?: string }> {
    const { uploads, links } = await this.#ready()
    const { received, sha256 } = await uploads.put(owner, part, async (digest, bytes) => {
      this.#verified.add(digest)
      const reference = `sha256:${digest}`
      const link = owner.shares
        ? ({ kind: "reference", reference } as const)
        : ({ kind: "upload", reference, owner: owner.owner } as const)
      const now = Date.now()
      await links.add({
        ...link,
        id: linkId(link),
        sha256: digest,
        bytes,
        chargedTo: owner.owner,
        pinned: !owner.lends,
        addedAt: now,
        checkedAt: now,
      })
    })
    return sha256 ? { received, reference: `sha256:${sha256}` } : { received }
  }

  /** `usedBytes` has also what is left of models that came in part: it is on the disk, and counts towards the quota. */
  async list(): Promise<{ models: StoredModel[]; usedBytes: number; quotaBytes: number }> {
    const { store, links, room } = await this.#ready()
    const [stored, abandoned, all] = await Promise.all([store.list(), store.abandoned(), links.load()])
    const models = stored.map((blob) => {
      const its = all.filter((link) => link.sha256 === blob.sha256)
      return {
        ...blob,
        references: [...new Set(its.map((link) => link.reference))],
        owners: [...new Set(its.flatMap((link) => link.owner ?? []))],
        broughtBy: [...new Set(its.map((link) => link.chargedTo))],
        pinned: its.some((link) => room.isPinned(link)),
      }
    })
    const usedBytes = [...stored, ...abandoned].reduce((sum, { bytes }) => sum + bytes, 0)
    return { models, usedBytes, quotaBytes: room.quotaBytes }
  }

  /** Also forgets the trust in what its references first led to. */
  async delete(sha256: string): Promise<boolean> {
    const { store, links } = await this.#ready()
    for (const link of await links.load()) if (link.sha256 === sha256) await links.remove(link.id)
    this.#verified.delete(sha256)
    return store.delete(sha256)
  }

  /** Deletes every model, and what is there of those that came in part. What is on its way in now stays. */
  async deleteAll(): Promise<void> {
    const { store, links } = await this.#ready()
    for (const { id } of await links.load()) await links.remove(id)
    this.#verified.clear()
    for (const { sha256 } of await store.list()) await store.delete(sha256)
    for (const { id } of await store.abandoned()) await store.deletePartial(id)
  }

  /** Forgets all that `owner` uploaded or was the first to bring; bytes that another brought as well stay. Gives how many models were deleted. */
  async clear(owner: string): Promise<number> {
    const { store, links } = await this.#ready()
    const all = await links.load()
    const its = all.filter((link) => link.owner === owner || link.chargedTo === owner)
    for (const link of its) await links.remove(link.id)
    const kept = new Set(all.filter((link) => !its.includes(link)).map((link) => link.sha256))
    let deleted = 0
    for (const sha256 of new Set(its.map((link) => link.sha256))) {
      if (kept.has(sha256)) continue
      this.#verified.delete(sha256)
      if (await store.delete(sha256)) deleted++
    }
    return deleted
  }

  /** The stored bytes, verified. Throws IPFA_MODEL_NOT_FOUND, IPFA_STORE_CORRUPT. */
  async read(sha256: string): Promise<Uint8Array<ArrayBuffer>> {
    const parts = await this.#ready()
    const bytes = await parts.store.read(sha256)
    if (!bytes) throw fail("IPFA_MODEL_NOT_FOUND")
    if ((await sha256Hex(bytes)) !== sha256) throw await this.#damaged(parts, sha256)
    return bytes
  }

  /** Takes no more than that from now on; what was used least recently goes. */
  async limit(quotaBytes: number): Promise<void> {
    this.#options.quotaBytes = quotaBytes
    // A store that was not needed yet is not opened for that.
    const parts = await this.#parts
    if (!parts) return
    parts.room.quotaBytes = quotaBytes
    await parts.room.shrink()
  }

  #ready(): Promise<Parts> {
    this.#parts ??= this.#open().then(({ store, links }) => {
      const room = new Room(store, links, this.#options.quotaBytes, this.#options.keepsFor)
      return { store, links, room, uploads: new Uploads(store, room, this.#options.maxModelBytes) }
    })
    // An opening that failed may be tried again.
    this.#parts.catch(() => {
      this.#parts = undefined
    })
    return this.#parts
  }

  /**
   * What `sha256:…` names for `owner`: an upload of its own, or a model shared by reference. Another's upload takes the same way and ends in
   * the same error as one that is not there.
   */
  async #visible({ store, links }: Parts, { sha256 }: Reference, { owner, lends }: ModelOwner): Promise<Found> {
    const visible = (await links.load())
      .filter((link) => link.sha256 === sha256)
      .filter((link) => link.owner === owner || (!lends && (link.owner === undefined || owner === "owner")))
      // Who uploaded it has it as an upload, even where others came to share the same bytes by reference.
      .reduce<Link | undefined>((best, link) => (best?.owner === owner ? best : link), undefined)
    const stat = visible && (await store.stat(visible.sha256))
    if (!visible || !stat) throw fail("IPFA_MODEL_NOT_FOUND")
    const owned = visible.owner !== undefined && { ownedBy: owner }
    return { sha256: visible.sha256, bytes: stat.bytes, stored: true, ...owned }
  }

  async #fetch(parts: Parts, request: FetchRequest): Promise<Found> {
    const { id } = request
    const link = await parts.links.get(id)
    const stat = link && (await parts.store.stat(link.sha256))
    if (link && stat && (await this.#current(parts, link, request)))
      return { sha256: link.sha256, bytes: stat.bytes, stored: true }
    try {
      return await this.#download(parts, request, link)
    } catch (error) {
      const wrong = error instanceof WrongBytes
      if (!wrong) throw error
      if (!error.resumed) throw error.refusal
    }
    // Bytes of an earlier answer were among them, which may have been another version's.
    return this.#download(parts, request, link).catch((error) => {
      throw error instanceof WrongBytes ? error.refusal : error
    })
  }

  /** True where the stored bytes are what the reference still names, as far as its source tells. Throws IPFA_MODEL_CHANGED. */
  async #current({ links }: Parts, link: Link, { reference, source, signal }: FetchRequest): Promise<boolean> {
    if (reference.trust === "digest") return true
    const recent = Date.now() - link.checkedAt < this.#options.revalidateMs
    if (reference.trust === "first-use" && recent) return true
    const timeout = AbortSignal.timeout(LOOK_MS)
    let now: Version | undefined
    try {
      now = await source.look(AbortSignal.any([signal, timeout]))
    } catch (error) {
      if (signal.aborted || reference.trust === "current") throw error
      // Its server can't be reached: the stored one is what there is.
      return true
    }
    if (link.refused && now && sameVersion(link.refused, now) !== false) throw changed(link)
    if (now && sameVersion(link.version, now) === false) return false
    await links.update({ ...link, checkedAt: Date.now() })
    return true
  }

  async #download(parts: Parts, request: FetchRequest, link: Link | undefined): Promise<Found> {
    if (!this.#options.mayDownload()) throw fail("IPFA_MODEL_METERED")
    const { store, room } = parts
    const { source, id, owner, signal, onProgress } = request
    const partial = await store.openPartial(id)
    const ticket = room.ticket(owner)
    let keep = true
    try {
      const options: DownloadOptions = {
        signal,
        onProgress,
        maxBytes: this.#options.maxModelBytes,
        stallMs: this.#options.stallMs,
        reserve: (bytes, written) => room.reserve(ticket, bytes, written),
      }
      const resumed = await download(source, partial, options)
      const { size: bytes, version } = partial
      onProgress({ phase: "verify", loaded: 0 })
      const sha256 = await partial.digest()
      keep = false
      const refusal = await this.#refusal(parts, request, link, sha256, version)
      if (refusal) throw new WrongBytes(refusal, resumed)
      await partial.commit(sha256)
      this.#verified.add(sha256)
      const release = room.lease(sha256)
      await this.#link(parts, request, { sha256, bytes, version })
      return { sha256, bytes, stored: false, release }
    } catch (error) {
      // What a full or forbidden store can't take in full is not worth keeping in part.
      const code = error instanceof AccelerateError ? error.code : undefined
      if (keep && code !== "IPFA_MODEL_TOO_LARGE" && code !== "IPFA_STORE_QUOTA") await partial.release()
      else await partial.discard()
      throw error
    } finally {
      room.release(ticket)
    }
  }

  /** Why bytes of that digest are not what the reference names. */
  async #refusal(
    { links }: Parts,
    { reference }: FetchRequest,
    link: Link | undefined,
    sha256: string,
    version: Version | undefined,
  ): Promise<AccelerateError | undefined> {
    if (reference.sha256 && reference.sha256 !== sha256)
      return fail("IPFA_MODEL_DIGEST", { data: { expected: reference.sha256, actual: sha256 } })
    if (reference.trust !== "first-use" || !link || link.sha256 === sha256) return undefined
    // So that the next caller need not download it to learn the same.
    if (version) await links.update({ ...link, refused: version })
    return changed(link, sha256)
  }

  async #link(
    { links }: Parts,
    { reference, id, owner }: FetchRequest,
    { sha256, bytes, version }: { sha256: string; bytes: number; version: Version | undefined },
  ): Promise<void> {
    const now = Date.now()
    const link: Link = {
      id,
      kind: "reference",
      reference: reference.canonical,
      ...(reference.ownerOnly && { owner: owner.owner }),
      sha256,
      bytes,
      chargedTo: owner.owner,
      pinned: reference.ownerOnly && reference.trust !== "current",
      ...(version && { version }),
      addedAt: now,
      checkedAt: now,
    }
    const there = await links.add(link)
    if (there === link) return
    // Another process was first.
    if (reference.trust === "first-use" && there.sha256 !== sha256) throw changed(there, sha256)
    await links.update({ ...link, addedAt: there.addedAt, chargedTo: there.chargedTo })
  }

  async #acquired(reference: string, parts: Parts, found: Found): Promise<AcquiredModel> {
    const { sha256, bytes, stored, ownedBy } = found
    const { store, room } = parts
    const release = room.lease(sha256)
    found.release?.()
    // Who is given a file reads it without this library.
    if (store.path) await this.#verify(parts, sha256)
    await store.touch(sha256)
    return {
      reference,
      sha256,
      bytes,
      stored,
      ...(ownedBy !== undefined && { ownedBy }),
      read: async () => {
        const data = await store.read(sha256)
        release()
        if (!data) throw await this.#gone(parts, sha256)
        if (!this.#verified.has(sha256) && (await sha256Hex(data)) !== sha256) throw await this.#damaged(parts, sha256)
        this.#verified.add(sha256)
        return data
      },
      ...(store.path && { path: store.path(sha256) }),
      ...(store.notes && { notes: store.notes(sha256) }),
    }
  }

  async #verify(parts: Parts, sha256: string): Promise<void> {
    if (this.#verified.has(sha256)) return
    if ((await parts.store.digest(sha256)) !== sha256) throw await this.#damaged(parts, sha256)
    this.#verified.add(sha256)
  }

  /** For a model that was acquired and whose bytes went since: they made room for others, or were deleted. */
  async #gone(parts: Parts, sha256: string): Promise<AccelerateError> {
    await this.#damaged(parts, sha256)
    return fail("IPFA_MODEL_NOT_FOUND", {
      message:
        "The model's bytes are no longer stored here: they made room for others, or were deleted. Load it again.",
      data: { sha256 },
    })
  }

  /** Removes bytes that are not what they should be. What a reference first led to stays known; an upload is gone. */
  async #damaged({ store, links }: Parts, sha256: string): Promise<AccelerateError> {
    this.#verified.delete(sha256)
    await store.delete(sha256)
    for (const link of await links.load())
      if (link.sha256 === sha256 && link.kind === "upload") await links.remove(link.id)
    return fail("IPFA_STORE_CORRUPT", { data: { sha256 } })
  }
}

interface FetchRequest {
  reference: Reference
  source: ByteSource
  /** Of the link that is or will be. */
  id: string
  owner: ModelOwner
  signal: AbortSignal
  onProgress(progress: Progress): void
}

class WrongBytes extends Error {
  readonly refusal: AccelerateError
  readonly resumed: boolean
  constructor(refusal: AccelerateError, resumed: boolean) {
    super(refusal.message)
    this.refusal = refusal
    this.resumed = resumed
  }
}

function changed(link: Link, now?: string): AccelerateError {
  return fail("IPFA_MODEL_CHANGED", {
    data: { reference: link.reference, first: link.sha256, ...(now && { now }) },
  })
}

/** Whether two versions are one; undefined where nothing that both have tells. */
function sameVersion(a: Version | undefined, b: Version): boolean | undefined {
  if (a?.etag !== undefined && b.etag !== undefined) return a.etag === b.etag
  if (a?.bytes !== undefined && b.bytes !== undefined && a.bytes !== b.bytes) return false
  if (a?.lastModified !== undefined && b.lastModified !== undefined) return a.lastModified === b.lastModified
  return undefined
}
