import { execFile } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { promisify } from "node:util"

export interface Holder {
  pid: number
  name: string
}

const run = promisify(execFile)
const LIMIT_MS = 3000

/** Who listens on a TCP port of this machine, as far as this user may know. */
export async function portHolder(port: number): Promise<Holder | undefined> {
  try {
    if (process.platform === "linux") return onLinux(port)
    if (process.platform === "darwin") {
      const args = ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]
      return fromLsof((await run("lsof", args, { timeout: LIMIT_MS })).stdout)
    }
    if (process.platform === "win32") {
      const { stdout } = await run("netstat", ["-ano", "-p", "TCP"], { timeout: LIMIT_MS })
      const pid = fromNetstat(stdout, port)
      if (pid === undefined) return undefined
      const list = await run("tasklist", ["/FI", `PID eq ${pid}`, "/FO", "CSV", "/NH"], { timeout: LIMIT_MS })
      return { pid, name: fromTasklist(list.stdout) ?? "a program" }
    }
  } catch {
    // Not for this user to know, or the tool is not there.
  }
  return undefined
}

/** The socket's inode from the kernel's table, and the process that has it open. */
function onLinux(port: number): Holder | undefined {
  const inodes = ["tcp", "tcp6"].flatMap((table) => listeningInodes(readFileSync(`/proc/net/${table}`, "utf8"), port))
  const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`))
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      const has = readdirSync(`/proc/${pid}/fd`).some((fd) => wanted.has(readlinkSync(`/proc/${pid}/fd/${fd}`)))
      if (has) return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() }
    } catch {
      // Another user's, or it has just ended.
    }
  return undefined
}

/** Inodes of the sockets that listen on `port` in a table such as `/proc/net/tcp` (proc_pid_net(5)). */
export function listeningInodes(table: string, port: number): string[] {
  const LISTEN = "0A"
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && Number.parseInt(local?.split(":")[1] ?? "", 16) === port)
    .map((fields) => fields[9] as string)
}

/** From `lsof -Fpc`: a field a line, the first letter says which. */
export function fromLsof(text: string): Holder | undefined {
  const pid = /^p(\d+)$/m.exec(text)?.[1]
  const name = /^c(.+)$/m.exec(text)?.[1]
  return pid && name ? { pid: Number(pid), name } : undefined
}

/** From `netstat -ano`: who listens has no other end; the word for the state is in the user's language. */
export function fromNetstat(text: string, port: number): number | undefined {
  for (const line of text.split("\n")) {
    const [, local, remote, , pid] = line.trim().split(/\s+/)
    if (local?.endsWith(`:${port}`) && remote && /^(0\.0\.0\.0|\[::\]):0$/.test(remote)) return Number(pid)
  }
  return undefined
}

/** From `tasklist /FO CSV /NH`. */
export function fromTasklist(text: string): string | undefined {
  return /^"([^"]+)",/m.exec(text)?.[1]
}
