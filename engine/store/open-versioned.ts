import { type DBSchema, deleteDB, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb"
import { fail } from "../../protocol/index.ts"

/** Brings a database from one version to the next; never changed once it is released. May wait for nothing but the transaction. */
export type Step<Schema extends DBSchema | unknown> = (
  db: IDBPDatabase<Schema>,
  tx: IDBPTransaction<Schema, StoreNames<Schema>[], "versionchange">,
) => unknown

/** One record of a copy: from which store, under which key. */
interface Copied {
  store: string
  key: IDBValidKey
  value: unknown
}

const COPIES = "records"

/** How the copies of a database as it was before a migration are called. A copy's version is when it was made, ms since 1970. */
const copyPrefix = (name: string) => `${name} before v`
/** A copy is for whoever finds that a migration went wrong; then it goes, ms. */
const COPY_MS = 14 * 24 * 3600_000

/**
 * Opens a database of the browser's at the version that `steps` lead to. What an older one holds is copied first, to `NAME before vN`, for two
 * weeks; all steps run in one transaction, so that a migration that is interrupted was never begun. A newer one is refused as it is: IPFA_STORE_NEWER.
 */
export async function openVersioned<Schema extends DBSchema | unknown = unknown>(
  name: string,
  steps: readonly Step<Schema>[],
): Promise<IDBPDatabase<Schema>> {
  const found = (await indexedDB.databases()).find((known) => known.name === name)?.version ?? 0
  if (found > 0 && found < steps.length) await copy(name, found)
  try {
    const db = await open<Schema>(name, steps.length, async (db, from, tx) => {
      for (const step of steps.slice(from)) await step(db, tx)
    })
    await removeCopies(name, Date.now() - COPY_MS)
    return db
  } catch (cause) {
    if ((cause as DOMException).name !== "VersionError") throw cause
    throw fail("IPFA_STORE_NEWER", { cause, data: { name, here: steps.length } })
  }
}

type Upgrade<Schema extends DBSchema | unknown> = (
  db: IDBPDatabase<Schema>,
  from: number,
  tx: Parameters<Step<Schema>>[1],
) => unknown

/** Throws why an upgrade was broken off; the browser itself says only that it was: AbortError. */
async function open<Schema extends DBSchema | unknown>(name: string, version: number, upgrade: Upgrade<Schema>) {
  let reason: unknown
  const opened = openDB<Schema>(name, version, {
    upgrade(db, from, _to, tx) {
      tx.done.catch((error) => (reason = error))
      return upgrade(db, from, tx)
    },
  })
  return opened.catch((error) => {
    throw reason ?? error
  })
}

/** A copy that is there already is whole: it was written in one transaction, before a migration that did not come to its end. */
async function copy(name: string, version: number): Promise<void> {
  const from = await openDB(name)
  try {
    const records: Copied[] = []
    for (const store of from.objectStoreNames)
      for (let at = await from.transaction(store).store.openCursor(); at; at = await at.continue())
        records.push({ store, key: at.primaryKey, value: at.value })
    const to = await open(`${copyPrefix(name)}${version + 1}`, Date.now(), (db, before) => {
      if (before > 0) return
      const store = db.createObjectStore(COPIES, { autoIncrement: true })
      for (const record of records) void store.add(record)
    })
    to.close()
  } finally {
    from.close()
  }
}

/** Removes the copies of a database that were made before `before`, ms since 1970; without it, all. */
export async function removeCopies(name: string, before: number = Number.POSITIVE_INFINITY): Promise<void> {
  for (const { name: known = "", version = 0 } of await indexedDB.databases())
    if (known.startsWith(copyPrefix(name)) && version < before) await deleteDB(known)
}
