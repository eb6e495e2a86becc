import { randomBytes } from "node:crypto"
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from "node:fs"
import path from "node:path"
import { sumBytes } from "../bytes.ts"
import { fail } from "../errors/error.ts"
import type { Shelf } from "../framing.ts"

/** Linux's file system in memory, which every user may write to; what begins so is ours, the user's number follows. */
export const SHARED_MEMORY = "/dev/shm/ipfs-accelerate-"

/** What may lie in one folder that one end put there, bytes; and of what is free no more than a part at a time, as others live of it too. */
const MAX_LYING_BYTES = 256 * 2 ** 20
const PART_OF_FREE = 1 / 4
/** Where something could not be put, it is not tried again for so long, ms. */
const REST_MS = 10_000

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
/** Of what the other end named: no link is followed, and a pipe does not make this end wait. */
const LOOK = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * A shelf for two processes of one user on one Linux machine: a folder in the system's memory (tmpfs). What is put there is one file; whoever
 * takes it removes it, so that what is still there has not arrived yet. Two copies, where a socket costs four and a wait for each piece.
 */
export class SharedFolder implements Shelf {
  readonly dir: string
  readonly #side: "a" | "b"
  /** The other end sees the folder: it was given something from there, or is known to. */
  #isSeen: boolean
  readonly #lying = new Map<string, number>()
  #lyingBytes = 0
  #next = 1
  #restsUntil = 0

  /** `isSeen`: the other end is known to see it. Else nothing is put there before something came from there. */
  constructor(dir: string, side: "a" | "b", isSeen: boolean) {
    this.dir = dir
    this.#side = side
    this.#isSeen = isSeen
  }

  /** Makes one in `parent`, for the end that `join`s it. Undefined where that can't be. */
  static make(parent: string, isSeen: boolean): SharedFolder | undefined {
    const dir = path.join(parent, randomBytes(16).toString("hex"))
    try {
      mkdirSync(dir, { mode: 0o700 })
      return new SharedFolder(dir, "a", isSeen)
    } catch {
      return undefined
    }
  }

  /** The other end of a folder that `make` made. Undefined where it is not to be seen here, or it or its parent is not this user's own. */
  static join(dir: string): SharedFolder | undefined {
    try {
      return path.isAbsolute(dir) && isOwnFolder(path.dirname(dir)) && isOwnFolder(dir)
        ? new SharedFolder(dir, "b", true)
        : undefined
    } catch {
      return undefined
    }
  }

  put(parts: readonly Uint8Array[]): string | undefined {
    const bytes = sumBytes(parts)
    if (!this.#isSeen || performance.now() < this.#restsUntil) return undefined
    const name = `${this.#side}${this.#next++}`
    const file = path.join(this.dir, name)
    try {
      if (!this.#hasRoom(bytes)) return undefined
      const fd = openSync(file, CREATE, 0o600)
      try {
        for (const part of parts)
          for (let done = 0; done < part.byteLength; ) done += writeSync(fd, part, done, part.byteLength - done)
      } finally {
        closeSync(fd)
      }
    } catch {
      // Full, or somebody tidied up: the channel carries it.
      this.#restsUntil = performance.now() + REST_MS
      rmSync(file, { force: true })
      return undefined
    }
    this.#lying.set(file, bytes)
    this.#lyingBytes += bytes
    return name
  }

  take(name: string, bytes: number): Uint8Array {
    if (!/^[ab]\d{1,15}$/.test(name) || name.startsWith(this.#side) || bytes > MAX_LYING_BYTES) throw malformed()
    const file = path.join(this.dir, name)
    try {
      const fd = openSync(file, LOOK)
      try {
        const stat = fstatSync(fd)
        if (!stat.isFile() || stat.size !== bytes) throw malformed()
        const data = new Uint8Array(bytes)
        for (let done = 0; done < bytes; ) {
          const read = readSync(fd, data, done, bytes - done, null)
          if (read === 0) throw malformed()
          done += read
        }
        this.#isSeen = true
        return data
      } finally {
        closeSync(fd)
        unlinkSync(file)
      }
    } catch (cause) {
      throw malformed(cause)
    }
  }

  /** Takes the folder away, with what still lies there. What the other end lays down meanwhile stays, for whoever takes the parent away. */
  remove(): void {
    try {
      rmSync(this.dir, { recursive: true, force: true })
    } catch {
      // It is put there at this moment.
    }
  }

  /** Throws where there is no such folder. */
  #hasRoom(bytes: number): boolean {
    const { bavail, bsize } = statfsSync(this.dir)
    if (bytes > bavail * bsize * PART_OF_FREE) return false
    if (this.#lyingBytes + bytes <= MAX_LYING_BYTES) return true
    for (const [file, size] of this.#lying) {
      if (existsSync(file)) continue
      this.#lying.delete(file)
      this.#lyingBytes -= size
    }
    return this.#lyingBytes + bytes <= MAX_LYING_BYTES
  }
}

/** `dir` is a folder of this user that nobody else may look into. */
export function isOwnFolder(dir: string): boolean {
  const stat = lstatSync(dir, { throwIfNoEntry: false })
  return stat?.isDirectory() === true && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0
}

const malformed = (cause?: unknown) =>
  fail("IPFA_PROTOCOL_MALFORMED", { data: { reason: "what was to lie in shared memory does not" }, cause })
