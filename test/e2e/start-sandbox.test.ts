import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, test, vi } from "vitest"
import { findChromium } from "../../bridge-server/browsers.ts"
import { ensureExtension } from "../../scripts/build-extension.ts"
import { openChromium } from "../../scripts/start/open-chromium.ts"

test.skipIf(process.platform === "win32")(
  "a Chromium whose sandbox can't start is opened without, and the terminal says so in plain words",
  async () => {
    const home = await mkdtemp(path.join(tmpdir(), "ipfa sandbox "))
    const binary = path.join(home, "chromium")
    const script = `case "$*" in *--no-sandbox*) exec "${findChromium()}" "$@";; esac\necho "No usable sandbox!" >&2\nexit 1`
    await writeFile(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    try {
      const extension = await ensureExtension()
      const options = { binary, extension, profile: path.join(home, "profile"), headless: true }
      const context = await openChromium(options, { sandbox: true })
      expect(context.pages()).toHaveLength(1)
      await context.close()
      expect(stderr.mock.calls.join("")).toMatch(
        /^Chromium could not start in its sandbox, so this one runs without: /m,
      )
    } finally {
      stderr.mockRestore()
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    }
  },
)
