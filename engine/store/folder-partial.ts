import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { type FileHandle, open as openFile, readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { asAccelerateError, fail } from "../../protocol/index.ts"
import type { Version } from "../resolve/resolver.ts"
import type { PartialBytes } from "./byte-store.ts"
import { open } from "./folder-writer.ts"

interface Place {
  /** Where the bytes of that digest belong. */
  blob(sha256: string): string
  /** Renames the file so that anybody may go on with it. */
  free(): Promise<unknown>
}

/** A file that grows at its end. */
export class FolderPartial implements PartialBytes {
  size: number
  version: Version | undefined
  readonly #path: string
  readonly #file: FileHandle
  readonly #place: Place

  static async open(path: string, place: Place): Promise<FolderPartial> {
    open.add(path)
    try {
      const version = await readFile(`${path}.json`, "utf8")
        .then(JSON.parse)
        .catch(() => undefined)
      const file = await openFile(path, "a", 0o600)
      return new FolderPartial(path, file, (await file.stat()).size, version, place)
    } catch (error) {
      open.delete(path)
      throw error
    }
  }

  private constructor(path: string, file: FileHandle, size: number, version: Version | undefined, place: Place) {
    this.#path = path
    this.#file = file
    this.size = size
    this.version = version
    this.#place = place
  }

  async remember(version: Version | undefined): Promise<void> {
    if (version) await writeFile(`${this.#path}.json`, JSON.stringify(version), { mode: 0o600 })
    else await rm(`${this.#path}.json`, { force: true })
    this.version = version
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.byteLength; )
        done += (await this.#file.write(bytes, done, bytes.byteLength - done, null)).bytesWritten
    } catch (error) {
      const full = ["ENOSPC", "EDQUOT", "EFBIG"].includes(String((error as NodeJS.ErrnoException).code))
      throw full ? fail("IPFA_STORE_QUOTA", { cause: error }) : asAccelerateError(error)
    }
    this.size += bytes.byteLength
  }

  async flush(): Promise<void> {
    await this.#file.sync()
  }

  async reset(): Promise<void> {
    await this.remember(undefined)
    await this.#file.truncate(0)
    this.size = 0
  }

  digest(): Promise<string> {
    return digestFile(this.#path)
  }

  async commit(sha256: string): Promise<void> {
    await this.#file.sync()
    await this.#end()
    const target = this.#place.blob(sha256)
    // The same bytes may be there; where the platform won't replace a file that is in use, those stay.
    await rename(this.#path, target).catch(async (error: NodeJS.ErrnoException) => {
      await rm(this.#path, { force: true })
      if ((await digestFile(target).catch(() => undefined)) !== sha256) throw error
    })
    await rm(`${this.#path}.json`, { force: true })
    await syncFolder(dirname(target))
  }

  async release(): Promise<void> {
    await this.#end()
    if (this.size > 0) await this.#place.free()
    else await this.#remove()
  }

  async discard(): Promise<void> {
    await this.#end()
    await this.#remove()
  }

  async #remove(): Promise<void> {
    await rm(this.#path, { force: true })
    await rm(`${this.#path}.json`, { force: true })
  }

  async #end(): Promise<void> {
    await this.#file.close()
    open.delete(this.#path)
  }
}

/** SHA-256 of a file, read in pieces. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Uint8Array)
  return hash.digest("hex")
}

/** Makes a rename survive a loss of power, where the platform can sync a folder. */
async function syncFolder(dir: string): Promise<void> {
  const handle = await openFile(dir, "r").catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
