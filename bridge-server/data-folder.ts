import { randomBytes } from "node:crypto"
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { homedir } from "node:os"
import path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { type BridgeAddress, dataFolder, fail } from "../protocol/index.ts"

/** The data folder of this user, where no other is named. */
export function defaultDataDir(): string {
  return dataFolder({ platform: process.platform, env: process.env, home: homedir() })
}

/** A folder that this process alone uses until `release`, or until it ends in any way. */
export interface DataFolder {
  readonly dir: string
  readonly tokenFile: string
  readonly token: string
  path(name: string): string
  announce(address: BridgeAddress): void
  release(): void
}

/**
 * Takes `dir`, making it where it is not there. Throws IPFA_STORE_LOCKED while another bridge has it.
 * The token is kept from one start to the next, so that those who hold it need not ask again.
 */
export function takeDataFolder(dir: string, token?: string): DataFolder {
  const root = path.resolve(dir)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const unlock = lock(root)
  const at = (name: string) => path.join(root, name)
  try {
    const tokenFile = at("token")
    const secret = token ?? readToken(tokenFile) ?? randomBytes(32).toString("base64url")
    writeSecret(tokenFile, `${secret}\n`)
    return {
      dir: root,
      tokenFile,
      token: secret,
      path: at,
      announce: (address) => writeSecret(at("bridge.json"), `${JSON.stringify(address, null, 2)}\n`),
      release() {
        rmSync(at("bridge.json"), { force: true })
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Throws what stands in the way of a bridge on `dir`; changes nothing that is there. */
export function tryDataFolder(dir: string): void {
  let at = path.resolve(dir)
  if (existsSync(at)) lock(at)()
  else {
    while (!existsSync(at)) at = path.dirname(at)
    accessSync(at, constants.W_OK)
  }
}

/** The bridge that says it runs on `dir`, with its token; throws IPFA_BRIDGE_UNREACHABLE where none does. */
export function findBridge(dir: string): BridgeAddress & { token: string } {
  try {
    const address = JSON.parse(readFileSync(path.join(dir, "bridge.json"), "utf8")) as BridgeAddress
    const token = readToken(address.tokenFile)
    if (token) return { ...address, token }
  } catch {
    // Told below: no file is no bridge.
  }
  throw fail("IPFA_BRIDGE_UNREACHABLE", { data: { dataDir: dir } })
}

function readToken(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim() || undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all, and readable by its owner alone from its first byte on. */
export function writeSecret(file: string, text: string): void {
  const part = `${file}.${process.pid}.part`
  writeFileSync(part, text, { mode: 0o600 })
  chmodSync(part, 0o600)
  renameSync(part, file)
}

/**
 * SQLite's exclusive lock on a file of its own: the operating system's, so it is gone when the process is, however it ended, and no stale
 * lock has to be guessed at by its age.
 */
function lock(root: string): () => void {
  const db = new DatabaseSync(path.join(root, "lock"), { timeout: 0 })
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE")
  } catch (cause) {
    db.close()
    throw fail("IPFA_STORE_LOCKED", { data: { dataDir: root }, cause })
  }
  return () => db.close()
}
