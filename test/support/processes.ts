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
