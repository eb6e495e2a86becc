import { createHash, randomUUID } from "node:crypto"
import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes } from "node:fs/promises"
import { join } from "node:path"
import type { ByteStore } from "./byte-store.ts"
import { digestFile, FolderPartial } from "./folder-partial.ts"
import { freeName, isIdle, newName } from "./folder-writer.ts"

/**
 * A store in a folder that several processes share without locks:
 * - `blobs/SHA256` appears by a rename, whole and synced.
 * - `partials/KEY.HOST.PID.LIFE` (and `.json`: what was remembered with it) is written by the process that its name says. When that
 *   one is dead another takes it over by renaming it, which only one can.
 */
export async function folderStore(dir: string): Promise<ByteStore> {
  const blobs = join(dir, "blobs")
  const partials = join(dir, "partials")
  await mkdir(blobs, { recursive: true, mode: 0o700 })
  await mkdir(partials, { recursive: true, mode: 0o700 })
  const path = (sha256: string) => join(blobs, sha256)
  const idlePartials = async () =>
    (await readdir(partials)).filter((name) => !name.endsWith(".json") && isIdle(partials, name))

  return {
    path,
    async list() {
      const names = (await readdir(blobs)).filter((name) => /^[0-9a-f]{64}$/.test(name))
      const all = await Promise.all(
        names.map(async (sha256) => {
          const stats = await stat(path(sha256)).catch(absent)
          return stats && { sha256, bytes: stats.size, addedAt: stats.birthtimeMs, usedAt: stats.mtimeMs }
        }),
      )
      return all.filter((entry) => entry !== undefined)
    },
    async stat(sha256) {
      const stats = await stat(path(sha256)).catch(absent)
      return stats && { bytes: stats.size }
    },
    async read(sha256) {
      const bytes = await readFile(path(sha256)).catch(absent)
      if (!bytes) return undefined
      const whole = bytes.byteLength === bytes.buffer.byteLength
      return new Uint8Array(
        whole ? bytes.buffer : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
      )
    },
    digest: (sha256) => digestFile(path(sha256)).catch(absent),
    async touch(sha256) {
      const now = new Date()
      await utimes(path(sha256), now, now).catch(absent)
    },
    async delete(sha256) {
      return (await rm(path(sha256)).then(() => true, absent)) ?? false
    },
    async openPartial(key, { resumable = true } = {}) {
      const prefix = createHash("sha256")
        .update(resumable ? key : randomUUID())
        .digest("hex")
      const name = newName(prefix)
      const found = resumable ? (await idlePartials()).filter((other) => other.startsWith(`${prefix}.`)) : []
      for (const other of found) if (await moved(join(partials, other), join(partials, name))) break
      return FolderPartial.open(join(partials, name), {
        blob: path,
        free: () => moved(join(partials, name), join(partials, freeName(prefix))),
      })
    },
    async abandoned() {
      const all = await Promise.all(
        (await idlePartials()).map(async (id) => {
          const stats = await stat(join(partials, id)).catch(absent)
          return stats && { id, bytes: stats.size, usedAt: stats.mtimeMs }
        }),
      )
      return all.filter((entry) => entry !== undefined)
    },
    async deletePartial(id) {
      if (!isIdle(partials, id)) return
      await rm(join(partials, id), { force: true })
      await rm(join(partials, `${id}.json`), { force: true })
    },
    async room() {
      const stats = await statfs(blobs)
      return stats.bavail * stats.bsize
    },
  }
}

/** Renames a partial with what was remembered; false where it is gone. */
async function moved(from: string, to: string): Promise<boolean> {
  if ((await rename(from, to).then(() => true, absent)) === undefined) return false
  await rename(`${from}.json`, `${to}.json`).catch(absent)
  return true
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error
}
