import type { DBSchema, IDBPDatabase } from "idb"
import type { Winner } from "../../../kernels/index.ts"
import { openVersioned } from "../../store/open-versioned.ts"

/** Where what was measured on this machine's adapters is kept, by `adapterKey` and `winnerKey`. */
export interface WinnerStore {
  of(adapter: string): Promise<Map<string, Winner>>
  keep(adapter: string, key: string, winner: Winner): Promise<void>
}

/** Of all adapters. Those measured longest ago make room: a source that has changed asks for them no more. */
const MOST = 4096

interface Schema extends DBSchema {
  winners: { key: [adapter: string, key: string]; value: Winner & { at: number }; indexes: { at: number } }
}

/** In the storage of whom this code belongs to: the extension, a worker page, or a page. */
export function idbWinners(most = MOST): WinnerStore {
  let opened: Promise<IDBPDatabase<Schema>> | undefined
  const db = () => {
    opened ??= openVersioned<Schema>("ipfs-accelerate-winners", [
      (database) => database.createObjectStore("winners").createIndex("at", "at"),
    ])
    return opened
  }
  return {
    async of(adapter) {
      // An array sorts after every string.
      const range = IDBKeyRange.bound([adapter], [adapter, []])
      const { store } = (await db()).transaction("winners")
      const [keys, winners] = await Promise.all([store.getAllKeys(range), store.getAll(range)])
      return new Map(keys.map(([, key], i) => [key, winners[i]!]))
    },
    async keep(adapter, key, winner) {
      const tx = (await db()).transaction("winners", "readwrite")
      void tx.store.put({ ...winner, at: Date.now() }, [adapter, key])
      const surplus = (await tx.store.count()) - most
      let oldest = surplus > 0 ? await tx.store.index("at").openCursor() : null
      for (let i = 0; i < surplus && oldest; i++, oldest = await oldest.continue()) void oldest.delete()
      await tx.done
    },
  }
}
