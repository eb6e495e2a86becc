import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as delay } from "node:timers/promises"

/** No build takes that long, ms: an older lock's process number is another process's by now, or was never written. */
const STALE_MS = 600_000

/** Runs `work`, which is synchronous, while no other process does: tests run in several, and each makes sure of the build. */
export async function locked<T>(lock: string, work: () => T): Promise<T> {
  mkdirSync(path.dirname(lock), { recursive: true })
  const left: string[] = []
  while (!take(lock)) {
    const aside = leaveOf(lock)
    if (aside) left.push(aside)
    else await delay(100)
  }
  try {
    return work()
  } finally {
    for (const folder of [...left, lock]) rmSync(folder, { recursive: true, force: true })
  }
}

function take(lock: string): boolean {
  try {
    mkdirSync(lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    return false
  }
  writeFileSync(path.join(lock, "pid"), String(process.pid))
  return true
}

/**
 * Puts the lock of a process that has ended aside, and says where. The name is that process's: should another have been first and hold a lock of
 * its own by now, that one stays, since a folder with something in it can't be replaced.
 */
function leaveOf(lock: string): string | undefined {
  try {
    const isOld = Date.now() - statSync(lock).mtimeMs > STALE_MS
    const file = path.join(lock, "pid")
    const pid = existsSync(file) ? readFileSync(file, "utf8") : ""
    if (!isOld && (pid === "" || isRunning(Number(pid)))) return undefined
    const aside = `${lock}.${pid}`
    renameSync(lock, aside)
    return aside
  } catch {
    // It was given back meanwhile, or put aside.
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}
