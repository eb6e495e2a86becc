import type { ChildProcess } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** MiB that these processes hold, what they share counted once; undefined where the system does not tell. */
export function processMiB(pids: readonly number[]): number | undefined {
  let kib = 0
  for (const pid of pids) {
    try {
      kib += Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1])
    } catch {
      // It ended meanwhile, or there is no /proc.
      if (process.platform !== "linux") return undefined
    }
  }
  return kib / 1024
}

/** Processor time that these processes have taken so far, ms, in steps of 10; undefined where the system does not tell. */
export function processorMs(pids: readonly number[]): number | undefined {
  let ticks = 0
  for (const pid of pids) {
    const fields = processOf(pid)?.fields
    if (!fields) return undefined
    ticks += Number(fields[10]) + Number(fields[11])
  }
  return ticks * 10
}

/** A process and all that it started, as they are now. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue
    try {
      // The name, in brackets, may hold anything.
      const [, rest = ""] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${entry}/stat`, "utf8")) ?? []
      parents.set(Number(entry), Number(rest.split(" ")[1]))
    } catch {
      // It ended meanwhile.
    }
  }
  const tree = [pid]
  for (const member of tree) for (const [child, parent] of parents) if (parent === member) tree.push(child)
  return tree
}

/** What the system calls a process, in at most 15 characters; undefined where it has ended. */
export function processName(pid: number): string | undefined {
  return processOf(pid)?.name
}

/** What a process starts, as far as it was there when somebody looked. */
export function watchProcesses(child: ChildProcess) {
  /** All that there were, by number. */
  const seen = new Map<number, { name: string; startedAt: string }>()
  const look = () => {
    for (const pid of child.exitCode === null ? processTree(child.pid as number) : []) {
      const found = processOf(pid)
      if (found) seen.set(pid, found)
    }
  }
  // What lasts for a moment is not missed by who is busy meanwhile.
  const looking = setInterval(look, 100)
  child.once("exit", () => clearInterval(looking))
  return {
    look,
    /** Names of those that there were, or are. */
    started(): string[] {
      look()
      return [...seen.values()].map(({ name }) => name)
    },
    /** Those that are still there. */
    left: () => [...seen].filter(([pid, { startedAt }]) => processOf(pid)?.startedAt === startedAt),
  }
}

/** What the process of that number runs, when it was started, and what /proc tells from its parent on; undefined where there is none, or it has ended and was not buried yet. */
function processOf(pid: number): { name: string; startedAt: string; fields: string[] } | undefined {
  try {
    const [, name = "", state, rest = ""] =
      /^\d+ \((.*)\) (.) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? []
    const fields = rest.split(" ")
    return state === "Z" ? undefined : { name, startedAt: fields[18] ?? "", fields }
  } catch {
    return undefined
  }
}
