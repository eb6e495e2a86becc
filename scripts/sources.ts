import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import path from "node:path"

export const repoRoot = path.dirname(import.meta.dirname)

/** The repository's files, tracked or new but not ignored, as repository paths. */
export function listFiles(): string[] {
  const out = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: repoRoot,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  })
  return out
    .split("\0")
    .filter((file) => file !== "" && existsSync(path.join(repoRoot, file)))
    .sort()
}

/** Those of them with one of `endings`; generated ones are left out. */
export function listSources(endings: readonly string[]): string[] {
  return listFiles().filter((file) => endings.some((e) => file.endsWith(e)) && !file.includes("/generated/"))
}

/** Prints the faults of a check and exits with 1 where there are any. */
export function reportAndExit(check: string, faults: readonly string[]): never {
  for (const fault of faults) console.error(`${check}: ${fault}`)
  if (faults.length === 0) console.error(`${check}: ok`)
  process.exit(faults.length === 0 ? 0 : 1)
}
