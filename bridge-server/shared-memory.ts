import { mkdirSync, rmSync, statfsSync, statSync } from "node:fs"
import path from "node:path"
import { isOwnFolder, SHARED_MEMORY, SharedFolder } from "../protocol/transports/shared-folder.ts"

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
      if (statfsSync(path.dirname(dir)).type !== TMPFS) return undefined
      remove(dir)
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
    try {
      remove(this.#dir)
    } catch {
      // Somebody lays something down at this moment; the next start takes it away.
    }
  }
}

/** Every user may make what has such a name, and change it meanwhile: only what is surely this user's is looked into. A link goes as a link; another's folder stays, and makes this throw. */
function remove(dir: string): void {
  rmSync(dir, { recursive: isOwnFolder(dir), force: true })
}

/** Takes away what a bridge-server on `dataDir` that was killed left in memory. */
export function removeSharedMemory(dataDir: string): void {
  const dir = sharedMemoryFolder(dataDir)
  if (dir !== undefined && isOwnFolder(dir)) rmSync(dir, { recursive: true, force: true })
}

/** Where that of the bridge-server on `dataDir` is; undefined where the system has none. By what the folder is, not by its name: containers may share their memory. */
export function sharedMemoryFolder(dataDir: string): string | undefined {
  const folder = process.platform === "linux" && statSync(dataDir, { throwIfNoEntry: false })
  return folder ? `${SHARED_MEMORY}${process.getuid?.()}-${folder.dev}-${folder.ino}` : undefined
}
