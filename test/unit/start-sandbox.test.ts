import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { openChromium } from "../../scripts/start/open-chromium.ts"

let home: string
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "ipfa sandbox "))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** How often each kind of start was tried of a Chromium that starts in no way: `sandbox` or `none`. */
async function tried(sandbox: boolean): Promise<string[]> {
  const [binary, log] = [path.join(home, "chromium"), path.join(home, "log")]
  const script = `case "$*" in *--no-sandbox*) echo none;; *) echo sandbox;; esac >> "${log}"\nexit 1`
  writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const options = { binary, extension: home, profile: path.join(home, "profile"), headless: true }
  await expect(openChromium(options, { sandbox })).rejects.toThrow(/closed|failed/)
  return readFileSync(log, "utf8").trimEnd().split("\n")
}

test.skipIf(process.platform === "win32")(
  "Chromium is started in its sandbox, and once more without where it did not start so; where there can be none, without at once",
  async () => {
    expect(await tried(true)).toEqual(["sandbox", "none"])
    rmSync(path.join(home, "log"))
    expect(await tried(false)).toEqual(["none"])
  },
)
