import { createHash, randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { join } from "node:path"

/** Who writes a partial, told by its file name: `KEY.HOST.PID.START-N`, or `KEY.free.0.ID` where nobody does. */

const HOST = createHash("sha256").update(hostname()).digest("hex").slice(0, 8)
/** Tells this process from an earlier one with the same pid (in a container that is the rule). */
const START = Math.round(performance.timeOrigin).toString(36)
let count = 0

/** Full paths of the partials that this process has open. */
export const open = new Set<string>()

export function newName(key: string): string {
  return `${key}.${HOST}.${process.pid}.${START}-${randomUUID().slice(0, 8)}${count++}`
}

export function freeName(key: string): string {
  return `${key}.free.0.${randomUUID()}`
}

/** True only where it is certain that nobody writes it any more; a process of another machine counts as alive. */
export function isIdle(dir: string, name: string): boolean {
  const writer = /^[0-9a-f]{64}\.(free|[0-9a-f]{8})\.(\d+)\.([0-9a-z-]+)$/.exec(name)
  if (!writer || open.has(join(dir, name))) return false
  const [, host, pid, life] = writer as unknown as [string, string, string, string]
  if (host === "free") return true
  if (host !== HOST) return false
  if (Number(pid) === process.pid) return !life.startsWith(`${START}-`)
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH"
  }
}
