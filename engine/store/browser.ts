import { browserHttp } from "../resolve/http-browser.ts"
import type { ByteStore, LinkStore } from "./byte-store.ts"
import { idbLinks, openMetadata } from "./idb-metadata.ts"
import { type LibraryOptions, ModelLibrary } from "./library.ts"
import { memoryLinks, memoryStore } from "./memory.ts"
import { opfsStore } from "./opfs.ts"

export interface BrowserLibraryOptions extends Partial<LibraryOptions> {
  /** Names the folder and the database in the origin's storage. */
  name?: string
  /** `opfs`: on disk, or it fails. `memory`: until the page ends. `auto` (default): on disk where the browser lets, else in memory. */
  storage?: "auto" | "opfs" | "memory"
  /** The platform does not enforce CORS here (an extension with host permissions); it is enforced by the store then. */
  privileged?: boolean
  /** http and https on loopback are allowed: development servers and tests. */
  allowLoopback?: boolean
}

export const BROWSER_QUOTA_BYTES = 8e9

/** Models in the browser's own storage, for an extension's page or a plain one. Several tabs may use the same. */
export function browserLibrary(options: BrowserLibraryOptions = {}): ModelLibrary {
  const { name = "ipfs-accelerate-models", storage = "auto", privileged = false, allowLoopback = false } = options
  return new ModelLibrary(
    () => openStorage(name, storage),
    { http: browserHttp({ privileged }), allowLoopback },
    { quotaBytes: BROWSER_QUOTA_BYTES, ...withoutUndefined(options) },
  )
}

async function openStorage(name: string, storage: "auto" | "opfs" | "memory") {
  if (storage !== "memory") {
    try {
      return await openDisk(name)
    } catch (error) {
      // A private window may refuse storage altogether.
      if (storage === "opfs") throw error
    }
  }
  return { store: memoryStore(), links: memoryLinks() }
}

async function openDisk(name: string): Promise<{ store: ByteStore; links: LinkStore }> {
  const db = await openMetadata(name)
  const origin = await navigator.storage.getDirectory()
  const root = await origin.getDirectoryHandle(name, { create: true })
  return { store: await opfsStore(root, db, name), links: idbLinks(db) }
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>
}
