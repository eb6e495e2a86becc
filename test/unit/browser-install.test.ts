import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { repoRoot } from "../../scripts/sources.ts"

/** A machine without browsers: nothing on the PATH but what a test puts there, and no way to Playwright's. */
let home: string
let bin: string
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "ipfa install "))
  bin = path.join(home, "bin")
  mkdirSync(bin)
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const log = () => path.join(home, "ran")
const ran = () => (existsSync(log()) ? readFileSync(log(), "utf8").trimEnd().split("\n") : [])

/** Programs that write down how they are called, under the name of the first. */
function programs(names: readonly string[], then = "exit 1"): void {
  for (const name of names)
    writeFileSync(path.join(bin, name), `#!/bin/sh\necho "$0 $@" >> "${log()}"\n${then}\n`, { mode: 0o755 })
}

function ensure(call: string) {
  const code = `import * as browsers from ${JSON.stringify(path.join(repoRoot, "scripts/browsers.ts"))}
    process.stdout.write(String(await browsers.${call}))`
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: bin, HOME: home, PLAYWRIGHT_DOWNLOAD_HOST: "http://127.0.0.1:9" },
  })
  return { found: stdout, stderr }
}

describe.skipIf(process.platform !== "linux")("on a Linux without a browser", () => {
  test("Playwright's installer is tried, then the distribution's, and where neither can, plain instructions say what would", () => {
    programs(["apt-get", "sudo"])
    const { found, stderr } = ensure("ensureChromium()")
    expect(found).toBe("undefined")
    expect(stderr).toMatch(/^\$ .*playwright-core\/cli.js install chromium\n.*apt-get install -y .*chromium\n/s)
    expect(ran()).toHaveLength(2)
    expect(ran()[1]).toMatch(/ install -y --no-install-recommends chromium$/)
    expect(stderr).toMatch(/\nNo browser was found that can be driven with the extension\. Any of these gives one:\n/)
    for (const way of [
      "npx playwright-core install chromium",
      "apt-get install chromium",
      "CHROMIUM=/path/to/chromium",
    ])
      expect(stderr).toContain(way)
  })

  test("what the distribution's package manager installs is found and used", () => {
    programs(["apt-get", "sudo"], `: > "${bin}/chromium" && /bin/chmod 755 "${bin}/chromium"`)
    expect(ensure("ensureChromium()").found).toBe(path.join(bin, "chromium"))
  })

  test("a Chromium that lacks a system library is not taken: the distribution's is tried, and where it can't be had, it is said which is missing", () => {
    const lacking = () =>
      programs(["chromium"], 'echo "$0: error while loading shared libraries: libnss3.so: cannot open" >&2; exit 127')
    lacking()
    const { found, stderr } = ensure("ensureChromium()")
    expect(found).toBe("undefined")
    expect(stderr).toMatch(/chromium can't start: this system lacks libnss3\.so\.\n(?!\$).*install-deps chromium/s)
    programs(["apt-get", "sudo"], `printf '#!/bin/sh' > "${bin}/chromium"`)
    expect(ensure("ensureChromium()").found).toBe(path.join(bin, "chromium"))
  })

  test("Firefox is tried once: a start after one where it could not be had goes on without, until its package is there", () => {
    programs(["apt-get", "sudo"])
    const call = `ensureFirefox(${JSON.stringify(path.join(home, "cache/remembered"))})`
    expect(ensure(call).found).toBe("undefined")
    expect(ran()[1]).toMatch(/ install -y --no-install-recommends firefox-esr mesa-vulkan-drivers$/)
    expect(ensure(call)).toEqual({ found: "undefined", stderr: "" })
    expect(ran()).toHaveLength(2)
    programs(["firefox"])
    expect(ensure(call).found).toBe(path.join(bin, "firefox"))
  })

  test("npm test goes on without Firefox: it says how to get it, and skips the tests that need it", () => {
    const remembered = path.join(repoRoot, ".cache/firefox-not-installed")
    const wasThere = existsSync(remembered)
    programs(["chromium"], "exit 0")
    try {
      const args = ["scripts/test.ts", "test/attacks/firefox.test.ts", "test/unit/float16.test.ts"]
      const options = { cwd: repoRoot, env: { PATH: bin, HOME: home }, encoding: "utf8" } as const
      const { status, stdout, stderr } = spawnSync(process.execPath, args, options)
      expect(stderr).toMatch(/^Tests in Firefox are skipped: no Firefox was found: install it \(.*firefox-esr/m)
      expect(stdout).toMatch(/\n[1-9]\d* passed, 0 failed, 5 skipped\n$/)
      expect(status).toBe(0)
    } finally {
      if (!wasThere) rmSync(remembered, { force: true })
    }
  })
})
