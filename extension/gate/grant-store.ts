import type { DBSchema, IDBPDatabase } from "idb"
import { openVersioned } from "../../engine/store/open-versioned.ts"
import type { StoredGrant } from "./terms.ts"

/** Where grants outlive the supervisor. */
export interface GrantStore {
  all(): Promise<StoredGrant[]>
  put(grant: StoredGrant): Promise<void>
  delete(origin: string): Promise<void>
}

interface Schema extends DBSchema {
  grants: { key: string; value: StoredGrant }
}

/** Grants in IndexedDB, by origin: offscreen documents have no `chrome.storage`. */
export function idbGrants(name = "ipfs-accelerate-grants"): GrantStore {
  let opened: Promise<IDBPDatabase<Schema>> | undefined
  const db = () => {
    opened ??= openVersioned<Schema>(name, [(database) => database.createObjectStore("grants", { keyPath: "origin" })])
    return opened
  }
  return {
    all: async () => (await db()).getAll("grants"),
    put: async (grant) => void (await (await db()).put("grants", grant)),
    delete: async (origin) => (await db()).delete("grants", origin),
  }
}

/** Grants that end with the process: for tests, and where a profile keeps nothing. */
export function memoryGrants(): GrantStore {
  const grants = new Map<string, StoredGrant>()
  return {
    all: async () => structuredClone([...grants.values()]),
    put: async (grant) => void grants.set(grant.origin, structuredClone(grant)),
    delete: async (origin) => void grants.delete(origin),
  }
}
