import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb"
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

/** Name of the copy of a database as it was before a migration. */
const copyName = (name: string, version: number) => `${name} before v${version + 1}`

/**
 * Opens a database of the browser's at the version that `steps` lead to. What an older one holds is copied first, to `NAME before vN`; all steps
 * run in one transaction, so that a migration that is interrupted was never begun. A newer one is refused as it is: IPFA_STORE_NEWER.
 */
export async function openVersioned<Schema extends DBSchema | unknown = unknown>(
  name: string,
  steps: readonly Step<Schema>[],
): Promise<IDBPDatabase<Schema>> {
  const found = (await indexedDB.databases()).find((known) => known.name === name)?.version ?? 0
  if (found > 0 && found < steps.length) await copy(name, found)
  try {
    return await openDB<Schema>(name, steps.length, {
      async upgrade(db, from, _to, tx) {
        for (const step of steps.slice(from)) await step(db, tx)
      },
    })
  } catch (cause) {
    if ((cause as DOMException).name !== "VersionError") throw cause
    throw fail("IPFA_STORE_NEWER", { cause, data: { name, here: steps.length } })
  }
}

/** A copy that is there already is whole: it was written in one transaction, before a migration that did not come to its end. */
async function copy(name: string, version: number): Promise<void> {
  const from = await openDB(name)
  try {
    const records: Copied[] = []
    for (const store of from.objectStoreNames)
      for (let at = await from.transaction(store).store.openCursor(); at; at = await at.continue())
        records.push({ store, key: at.primaryKey, value: at.value })
    const to = await openDB(copyName(name, version), 1, {
      upgrade(db) {
        const store = db.createObjectStore(COPIES, { autoIncrement: true })
        for (const record of records) void store.add(record)
      },
    })
    to.close()
  } finally {
    from.close()
  }
}
