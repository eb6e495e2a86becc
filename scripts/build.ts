/** `npm run build [-- target …]`: the extension for every browser into .output/<browser>-mv<2|3>, and the two npm packages into their dist folders. */
import { spawnSync } from "node:child_process"
import path from "node:path"
import { ensureExtension, type Target, targets } from "./build-extension.ts"
import { repoRoot } from "./sources.ts"

const wanted = process.argv.slice(2)
const unknown = wanted.find((target) => !targets.includes(target as Target))
if (unknown) {
  console.error(`${unknown} is none of ${targets.join(", ")}`)
  process.exit(1)
}
for (const target of wanted.length ? (wanted as Target[]) : targets) await ensureExtension(target)
if (wanted.length === 0) {
  const { status } = spawnSync(process.execPath, [path.join(repoRoot, "scripts", "build-packages.ts")], {
    cwd: repoRoot,
    stdio: "inherit",
  })
  process.exitCode = status ?? 1
}
