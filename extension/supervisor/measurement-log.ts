import { type DBSchema, type IDBPDatabase, openDB } from "idb"
import type { Measurement } from "../../protocol/index.ts"

/** What device choices go by after a restart: the newest that many. */
const KEPT = 2000
const WRITE_MS = 2000

interface Schema extends DBSchema {
  measurements: { key: number; value: Measurement }
}

/** This agent's own measurements, across restarts. */
export class MeasurementLog {
  readonly #db: Promise<IDBPDatabase<Schema>>
  #unwritten: Measurement[] = []

  constructor(name = "ipfs-accelerate-measurements") {
    this.#db = openDB<Schema>(name, 1, {
      upgrade: (db) => void db.createObjectStore("measurements", { autoIncrement: true }),
    })
  }

  /** Oldest first. */
  async all(): Promise<Measurement[]> {
    return (await this.#db).getAll("measurements")
  }

  add(measurement: Measurement): void {
    this.#unwritten.push(measurement)
    // Losing the last moments' with the process is no harm: they are measured again.
    if (this.#unwritten.length === 1) setTimeout(() => void this.#write(), WRITE_MS)
  }

  async #write(): Promise<void> {
    const rows = this.#unwritten
    this.#unwritten = []
    const tx = (await this.#db).transaction("measurements", "readwrite")
    for (const row of rows) void tx.store.add(row)
    const surplus = (await tx.store.count()) - KEPT
    if (surplus > 0) {
      const keys = await tx.store.getAllKeys(undefined, surplus)
      void tx.store.delete(IDBKeyRange.upperBound(keys.at(-1)))
    }
    await tx.done
  }
}
