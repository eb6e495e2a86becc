import { fail, joinBytes } from "../../protocol/index.ts"
import type { ByteStore, PartialBytes } from "./byte-store.ts"
import { sha256Hex } from "./digest.ts"
import type { BlobRecord, StoreDatabase } from "./idb-metadata.ts"
import { OpfsPartial } from "./opfs-partial.ts"
import { partFiles, readParts } from "./opfs-parts.ts"

/**
 * A store in the origin's private file system. Bytes are a folder of parts (`0`, `1`, …): `createWritable`, the one way to write outside a
 * worker, makes a file's new content appear only when it is closed, so that each part is safe once it is closed, and a download that was
 * cut off goes on after the last one. What makes a folder a stored model is its record in IndexedDB, written in one transaction. A Web
 * Lock named after the folder says that a tab writes to it.
 */
export async function opfsStore(root: FileSystemDirectoryHandle, db: StoreDatabase, name: string): Promise<ByteStore> {
  await sweep(root, db)
  const lockName = (dir: string) => `${name}:${dir}`
  const remove = (dir: string) => root.removeEntry(dir, { recursive: true }).catch(() => {})

  async function change(sha256: string, changed: (record: BlobRecord) => Partial<BlobRecord>) {
    const tx = db.transaction("blobs", "readwrite")
    const record = await tx.store.get(sha256)
    if (record) await tx.store.put({ ...record, ...changed(record) })
    await tx.done
  }

  async function read(sha256: string) {
    const record = await db.get("blobs", sha256)
    if (!record) return undefined
    return joinBytes(await readParts(root, record.dir).catch(() => []))
  }

  return {
    async list() {
      return (await db.getAll("blobs")).map(({ dir: _, notes: __, ...entry }) => entry)
    },
    async stat(sha256) {
      const record = await db.get("blobs", sha256)
      return record && { bytes: record.bytes }
    },
    read,
    async digest(sha256) {
      const bytes = await read(sha256)
      return bytes && sha256Hex(bytes)
    },
    notes: (sha256) => ({
      get: async (name) => (await db.get("blobs", sha256))?.notes?.[name],
      set: (name, lines) => change(sha256, ({ notes }) => ({ notes: { ...notes, [name]: lines } })),
    }),
    touch: (sha256) => change(sha256, () => ({ usedAt: Date.now() })),
    async delete(sha256) {
      const tx = db.transaction("blobs", "readwrite")
      const record = await tx.store.get(sha256)
      if (record) await tx.store.delete(sha256)
      await tx.done
      if (record) await remove(record.dir)
      return record !== undefined
    },
    async openPartial(key, { resumable = true } = {}): Promise<PartialBytes> {
      const candidates = resumable ? await db.getAllFromIndex("partials", "key", key) : []
      for (const { dir } of candidates) {
        const unlock = await lock(lockName(dir))
        if (!unlock) continue
        const record = await db.get("partials", dir)
        if (record) return OpfsPartial.open(root, db, record, resumable, unlock)
        unlock()
      }
      // The record comes first: a folder without one is left over.
      const record = { dir: crypto.randomUUID(), key: resumable ? key : "", usedAt: Date.now() }
      const unlock = await lock(lockName(record.dir))
      if (!unlock) throw fail("IPFA_INTERNAL")
      await db.put("partials", record)
      return OpfsPartial.open(root, db, record, resumable, unlock)
    },
    async abandoned() {
      const all = await db.getAll("partials")
      // Not by taking each lock: whoever came just then to go on with one would begin anew.
      const { held = [] } = await navigator.locks.query()
      const written = new Set(held.map((lock) => lock.name))
      const idle = all.filter(({ dir }) => !written.has(lockName(dir)))
      return Promise.all(idle.map(async ({ dir, usedAt }) => ({ id: dir, bytes: await readSizes(root, dir), usedAt })))
    },
    async deletePartial(dir) {
      const unlock = await lock(lockName(dir))
      if (!unlock) return
      await db.delete("partials", dir)
      // It may have become a stored model since it was listed.
      if (!(await db.getAll("blobs")).some((blob) => blob.dir === dir)) await remove(dir)
      unlock()
    },
    async room() {
      const { quota, usage } = await navigator.storage.estimate()
      return quota === undefined ? undefined : quota - (usage ?? 0)
    },
  }
}

/** Takes a Web Lock if nobody has it; gives what releases it. Ends with the tab. */
function lock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (held) => {
        if (!held) return resolve(undefined)
        return new Promise<void>((release) => resolve(release))
      })
      .catch(reject)
  })
}

/** None where it has gone meanwhile. */
async function readSizes(root: FileSystemDirectoryHandle, dir: string): Promise<number> {
  const files = await partFiles(root, dir).catch(() => [])
  return files.reduce((sum, file) => sum + file.size, 0)
}

/** Removes folders that no record names. They are listed before the records, which are written before a folder is. */
async function sweep(root: FileSystemDirectoryHandle, db: StoreDatabase): Promise<void> {
  const names: string[] = []
  for await (const name of root.keys()) names.push(name)
  const known = new Set([...(await db.getAll("blobs")), ...(await db.getAll("partials"))].map(({ dir }) => dir))
  for (const name of names) if (!known.has(name)) await root.removeEntry(name, { recursive: true }).catch(() => {})
}
