/** `npm run zip [-- browser …]`: the archives that go to the stores, into .output. */
import { spawnSync } from "node:child_process"
import path from "node:path"
import { targets } from "./build-extension.ts"
import { repoRoot } from "./sources.ts"

const wanted = process.argv.slice(2)
for (const target of targets.filter((t) => wanted.length === 0 || wanted.includes(t))) {
  const [browser, mv] = target.split("-mv") as [string, string]
  const wxt = path.join(repoRoot, "node_modules", "wxt", "bin", "wxt.mjs")
  const { status } = spawnSync(process.execPath, [wxt, "zip", "-b", browser, `--mv${mv}`], {
    cwd: repoRoot,
    stdio: "inherit",
  })
  if (status !== 0) process.exit(status ?? 1)
}
