import { createHash } from "node:crypto"
import { mkdirSync, rmSync, statfsSync } from "node:fs"
import path from "node:path"
import { isOwnFolder, SharedFolder } from "../protocol/transports/shared-folder.ts"

/** Linux's file system in memory, which every user may write to. */
const ROOT = "/dev/shm"
const TMPFS = 0x01021994

/** The folders in memory through which tensors reach the processes of this machine that belong to the same user. */
export class SharedMemory {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  /** That of the bridge-server on `dataDir`; what an earlier one left is taken away. Undefined where the system has none. */
  static open(dataDir: string): SharedMemory | undefined {
    const dir = sharedMemoryFolder(dataDir)
    if (dir === undefined) return undefined
    try {
      if (statfsSync(ROOT).type !== TMPFS) return undefined
      // The name can be guessed: where another user has made it, it stays and is not used.
      rmSync(dir, { recursive: true, force: true })
      mkdirSync(dir, { mode: 0o700 })
      return isOwnFolder(dir) ? new SharedMemory(dir) : undefined
    } catch {
      return undefined
    }
  }

  /** A folder for one connection. `isSeen`: the other end is known to see it. */
  folder(isSeen: boolean): SharedFolder | undefined {
    return SharedFolder.make(this.#dir, isSeen)
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** Takes away what a bridge-server on `dataDir` that was killed left in memory. */
export function removeSharedMemory(dataDir: string): void {
  const dir = sharedMemoryFolder(dataDir)
  if (dir !== undefined && isOwnFolder(dir)) rmSync(dir, { recursive: true, force: true })
}

/** Where that of the bridge-server on `dataDir` is; undefined where the system has none. */
export function sharedMemoryFolder(dataDir: string): string | undefined {
  if (process.platform !== "linux") return undefined
  const name = createHash("sha256").update(path.resolve(dataDir)).digest("hex").slice(0, 16)
  return path.join(ROOT, `ipfs-accelerate-${process.getuid?.()}-${name}`)
}
