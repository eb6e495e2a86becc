/** `npm run dev`: the extension in a browser of its own, rebuilt and reloaded as files change (WXT). */
import { spawn } from "node:child_process"
import path from "node:path"
import { ensureChromium } from "./browsers.ts"
import { repoRoot } from "./sources.ts"

const binary = await ensureChromium()
if (!binary) process.exit(1)
const wxt = path.join(repoRoot, "node_modules", "wxt", "bin", "wxt.mjs")
const child = spawn(process.execPath, [wxt, ...process.argv.slice(2)], {
  cwd: repoRoot,
  stdio: "inherit",
  env: { ...process.env, CHROMIUM: binary },
})
child.on("exit", (code) => process.exit(code ?? 1))
