/** `npm run check`: format, lint, types, import rules, generated files up to date, repository tests. Runs all and names each that failed. */
import { spawnSync } from "node:child_process"
import path from "node:path"
import { arePicturesOld } from "./screen-sources.ts"
import { repoRoot } from "./sources.ts"

const bin = (name: string) => path.join(repoRoot, "node_modules", ".bin", name)
const checks: [title: string, command: string, args: string[]][] = [
  ["format and lint", bin("biome"), ["ci", "--reporter=summary", "."]],
  ["types", bin("tsc"), ["-p", "."]],
  ["import rules", process.execPath, ["scripts/imports.ts"]],
  ["generated files", process.execPath, ["scripts/generate.ts", "--check"]],
  ["repository tests", bin("vitest"), ["run", "test/repo"]],
]

const failed = checks.filter(([title, command, args]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: repoRoot, encoding: "utf8", maxBuffer: 2 ** 26 })
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${title}`)
  if (status !== 0) console.log(`${stdout}${stderr}`)
  return status !== 0
})
// No failure: not every change of a word is worth forty new pictures.
if (arePicturesOld()) console.log("note   the screens changed after their pictures in docs/screens: npm run screens")
process.exit(failed.length === 0 ? 0 : 1)
