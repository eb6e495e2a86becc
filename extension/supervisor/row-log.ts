import type { IDBPDatabase } from "idb"
import { openVersioned } from "../../engine/store/open-versioned.ts"

const WRITE_MS = 2000

/** The newest rows of one kind, across restarts, in a database of their own. */
export class RowLog<Row> {
  readonly #db: Promise<IDBPDatabase>
  readonly #kind: string
  readonly #kept: number
  #unwritten: Row[] = []

  /** `kept`: how many. */
  constructor(kind: string, kept: number) {
    this.#kind = kind
    this.#kept = kept
    this.#db = openVersioned(`ipfs-accelerate-${kind}`, [(db) => db.createObjectStore(kind, { autoIncrement: true })])
  }

  /** Oldest first. */
  async all(): Promise<Row[]> {
    await this.#write()
    return (await this.#db).getAll(this.#kind)
  }

  add(row: Row): void {
    this.#unwritten.push(row)
    // Losing the last moments' with the process is no harm: they are measured again.
    if (this.#unwritten.length === 1) setTimeout(() => void this.#write().catch(() => {}), WRITE_MS)
  }

  async clear(): Promise<void> {
    this.#unwritten = []
    await (await this.#db).clear(this.#kind)
  }

  async #write(): Promise<void> {
    const rows = this.#unwritten.slice(-this.#kept)
    this.#unwritten = []
    if (rows.length === 0) return
    const tx = (await this.#db).transaction(this.#kind, "readwrite")
    const trim = async () => {
      const surplus = (await tx.store.count()) - this.#kept
      if (surplus <= 0) return
      const keys = await tx.store.getAllKeys(undefined, surplus)
      await tx.store.delete(IDBKeyRange.upperBound(keys.at(-1)))
    }
    // Nor is losing those that the disk has no room for: what it has is read all the same.
    await Promise.all([...rows.map((row) => tx.store.add(row)), trim(), tx.done]).catch(() => {})
  }
}
