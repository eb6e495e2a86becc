import type { Notes } from "../model-source.ts"
import type { Version } from "../resolve/resolver.ts"

/** Stored bytes, named by their SHA-256 (lower-case hex). */
export interface StoredBytes {
  sha256: string
  bytes: number
  /** ms since 1970 */
  addedAt: number
  usedAt: number
}

/** Bytes on their way into the store. Nobody else writes to them while this object lives. */
export interface PartialBytes {
  /** Bytes that are there, those of an earlier life included. */
  readonly size: number
  /** What was remembered with them. */
  readonly version: Version | undefined
  remember(version: Version | undefined): Promise<void>
  /** Throws IPFA_STORE_QUOTA where the platform has no room. */
  append(bytes: Uint8Array): Promise<void>
  /** Makes what was appended survive an end of this process. */
  flush(): Promise<void>
  /** Back to no bytes. */
  reset(): Promise<void>
  /** SHA-256 of the bytes as they are read back. */
  digest(): Promise<string>
  /** They become the stored bytes of that name, all at once; where those are there already these are dropped. Ends this object. */
  commit(sha256: string): Promise<void>
  /** Lets go, keeping what was flushed for a later `openPartial` of the same key. Ends this object. */
  release(): Promise<void>
  /** Ends this object and deletes the bytes. */
  discard(): Promise<void>
}

/** Unfinished bytes that nobody writes to at present. */
export interface AbandonedPartial {
  id: string
  bytes: number
  usedAt: number
}

/** A place for bytes: OPFS, a folder, memory. Several processes or tabs may use the same one. */
export interface ByteStore {
  list(): Promise<StoredBytes[]>
  /** Undefined where there are none. */
  stat(sha256: string): Promise<{ bytes: number } | undefined>
  /** The stored bytes in memory of their own; undefined where there are none. */
  read(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** SHA-256 of the stored bytes as they are; undefined where there are none. */
  digest(sha256: string): Promise<string | undefined>
  /** Node: the file that holds them. */
  path?(sha256: string): string
  /** In browsers: what was learned of stored bytes. */
  notes?(sha256: string): Notes
  /** Sets `usedAt` to now. */
  touch(sha256: string): Promise<void>
  /** False where there were none. */
  delete(sha256: string): Promise<boolean>
  /** Goes on with the partial of that key, or begins one. Where another process or tab writes to it, one apart. `resumable: false` is never found again. */
  openPartial(key: string, options?: { resumable?: boolean }): Promise<PartialBytes>
  abandoned(): Promise<AbandonedPartial[]>
  deletePartial(id: string): Promise<void>
  /** What the platform would still take; undefined where it doesn't tell. */
  room?(): Promise<number | undefined>
}

/** Why bytes are in the store, and for whom. */
export interface Link {
  /** Made from the other fields by `linkId`. */
  id: string
  kind: "reference" | "upload"
  /** Canonical reference; for an upload `sha256:…`. */
  reference: string
  /** The only owner who can use it; undefined where it is shared by reference. */
  owner?: string
  sha256: string
  bytes: number
  /** Who is charged for the bytes: the one who brought them first. */
  chargedTo: string
  /** Not removed to make room while its owner has a right here: an upload can't be had again. */
  pinned: boolean
  version?: Version
  /** A later version at the same address whose bytes were found to be others. */
  refused?: Version
  /** ms since 1970 */
  addedAt: number
  /** When the source was last asked whether it still is this version, ms since 1970. */
  checkedAt: number
}

/** Remembers links. Several processes or tabs may use the same one. */
export interface LinkStore {
  load(): Promise<Link[]>
  get(id: string): Promise<Link | undefined>
  /** Stores `link` unless one of its id is there; gives the one that is stored then. */
  add(link: Link): Promise<Link>
  update(link: Link): Promise<void>
  remove(id: string): Promise<void>
}

export function linkId(link: Pick<Link, "kind" | "reference" | "owner">): string {
  return JSON.stringify([link.kind, link.reference, link.owner ?? null])
}
