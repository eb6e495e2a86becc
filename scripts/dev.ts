/** `npm run dev`: the extension in a Chromium with a profile of its own, rebuilt and reloaded as files change (WXT). Ctrl-C ends both. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, rmSync } from "node:fs"
import path from "node:path"
import { ensureChromium } from "./browsers.ts"
import { repoRoot } from "./sources.ts"
import { openChromium } from "./start/open-chromium.ts"

const binary = await ensureChromium()
if (!binary) process.exit(1)
const output = path.join(repoRoot, ".output")
const extension = path.join(output, "chrome-mv3-dev")
const manifest = path.join(extension, "manifest.json")
rmSync(manifest, { force: true })
const wxt = spawn(
  process.execPath,
  [path.join(repoRoot, "node_modules", "wxt", "bin", "wxt.mjs"), ...process.argv.slice(2)],
  {
    cwd: repoRoot,
    // WXT ends with its standard input, and this one never ends.
    stdio: ["pipe", "inherit", "inherit"],
  },
)
const ended = once(wxt, "exit")
const built = new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    if (!existsSync(manifest)) return
    clearInterval(timer)
    resolve()
  }, 200)
})
await Promise.race([built, ended])
if (wxt.exitCode === null) {
  const display = process.platform !== "linux" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)
  const profile = path.join(repoRoot, ".cache", "dev-profile")
  const context = await openChromium({ binary, extension, profile, headless: !display })
  context.on("close", () => wxt.kill())
  await ended
  await context.close().catch(() => {})
}
process.exit(wxt.exitCode ?? 1)
