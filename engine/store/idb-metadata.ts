import type { DBSchema, IDBPDatabase } from "idb"
import type { Version } from "../resolve/resolver.ts"
import type { Link, LinkStore, StoredBytes } from "./byte-store.ts"
import { openVersioned } from "./open-versioned.ts"

/** Bytes whose parts are the files of folder `dir`. */
export interface BlobRecord extends StoredBytes {
  dir: string
  notes?: Record<string, string[]>
}

export interface PartialRecord {
  dir: string
  key: string
  version?: Version
  usedAt: number
}

export interface StoreSchema extends DBSchema {
  blobs: { key: string; value: BlobRecord }
  partials: { key: string; value: PartialRecord; indexes: { key: string } }
  links: { key: string; value: Link }
}

export type StoreDatabase = IDBPDatabase<StoreSchema>

/** What the browser's store knows of its files. */
export function openMetadata(name: string): Promise<StoreDatabase> {
  return openVersioned<StoreSchema>(name, [
    (db) => {
      db.createObjectStore("blobs", { keyPath: "sha256" })
      db.createObjectStore("partials", { keyPath: "dir" }).createIndex("key", "key")
      db.createObjectStore("links", { keyPath: "id" })
    },
  ])
}

export function idbLinks(db: StoreDatabase): LinkStore {
  return {
    load: () => db.getAll("links"),
    get: (id) => db.get("links", id),
    async add(link) {
      const tx = db.transaction("links", "readwrite")
      const there = await tx.store.get(link.id)
      if (!there) await tx.store.put(link)
      await tx.done
      return there ?? link
    },
    async update(link) {
      await db.put("links", link)
    },
    async remove(id) {
      await db.delete("links", id)
    },
  }
}
