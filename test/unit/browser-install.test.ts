import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { findProgram } from "../../bridge-server/browsers.ts"
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

function ensure(call: string, env: Record<string, string> = {}) {
  const code = `import * as browsers from ${JSON.stringify(path.join(repoRoot, "scripts/browsers.ts"))}
    process.stdout.write(String(await browsers.${call}))`
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: bin, HOME: home, PLAYWRIGHT_DOWNLOAD_HOST: "http://127.0.0.1:9", ...env },
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

  const WEBKIT_ABSENT = "WebKitGTK's driver is not installed: apt-get install webkit2gtk-driver xvfb (Debian, Ubuntu)"

  test("WebKitGTK is tried once, with the Xvfb that it needs without a display, and used as soon as both are there", () => {
    const call = (headless: boolean) =>
      `ensureWebkit(${headless}, ${JSON.stringify(path.join(home, "cache/remembered"))}).then(JSON.stringify)`
    const found = (headless: boolean) => JSON.parse(ensure(call(headless), { MINIBROWSER: "/any" }).found)
    programs(["apt-get", "sudo"])
    const first = ensure(call(true))
    expect(JSON.parse(first.found)).toBe(WEBKIT_ABSENT)
    expect(first.stderr).toContain("\nwebkit2gtk-driver and xvfb not installed: apt-get could not, as it says above.\n")
    expect(ran()[1]).toMatch(/ install -y --no-install-recommends webkit2gtk-driver xvfb$/)
    expect(ensure(call(true))).toEqual({ found: first.found, stderr: "" })
    expect(ran()).toHaveLength(2)
    programs(["WebKitWebDriver"])
    const driver = path.join(bin, "WebKitWebDriver")
    expect(found(true)).toBe(
      "WebKitGTK has no headless mode, and Xvfb is not installed: apt-get install xvfb (Debian, Ubuntu)",
    )
    expect(found(false)).toEqual({ driver, browser: "/any" })
    rmSync(path.join(home, "cache"), { recursive: true })
    programs(["apt-get", "sudo"], `: > "${bin}/Xvfb" && /bin/chmod 755 "${bin}/Xvfb"`)
    expect(found(true)).toEqual({ driver, browser: "/any", xvfb: path.join(bin, "Xvfb") })
    expect(existsSync(path.join(home, "cache"))).toBe(false)
  })

  test("where there is no apt-get, that is said", () => {
    const { found, stderr } = ensure(`ensureWebkit(true, ${JSON.stringify(path.join(home, "remembered"))})`)
    expect(found).toBe(WEBKIT_ABSENT)
    expect(stderr).toBe(
      `webkit2gtk-driver and xvfb not installed: there is no apt-get here, which Debian and Ubuntu have.
This is tried once: remove ${path.join(home, "remembered")} to have it tried again.
`,
    )
  })

  const script = findProgram("script")

  /** What Node says with these arguments on a terminal (util-linux's `script`), where each of its questions is answered so. */
  async function asked(args: string[], answer: (type: (keys: string) => void, said: string) => void): Promise<string> {
    const command = [process.execPath, ...args].map((word) => `"${word}"`).join(" ")
    const env = { PATH: bin, HOME: home, SHELL: "/bin/sh" }
    const terminal = spawn(script as string, ["-qec", command, "/dev/null"], { cwd: repoRoot, env })
    let said = ""
    terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (text.includes("[Y/n]")) answer((keys) => terminal.stdin.write(keys), said)
    })
    await once(terminal, "close")
    return said.replaceAll("\r", "")
  }

  test.skipIf(!script)(
    "at a question, Ctrl-C is the signal that it is elsewhere, and none waits for an answer",
    async () => {
      const file = path.join(home, "ask.mjs")
      const code = `import { ensureChromium } from ${JSON.stringify(path.join(repoRoot, "scripts/browsers.ts"))}
      const stop = new AbortController()
      for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => { console.log(signal); stop.abort() })
      console.log("process", process.pid)
      console.log("found", await ensureChromium(stop.signal).catch((error) => error.name))`
      writeFileSync(file, code)
      const ctrlC = await asked([file], (type) => type("\x03"))
      expect(ctrlC).toMatch(/180 MB\)\? \[Y\/n\].*SIGINT\n+found AbortError\n$/s)
      const pid = (said: string) => Number(/^process (\d+)/m.exec(said)?.[1])
      const ended = await asked([file], (_, said) => process.kill(pid(said), "SIGTERM"))
      expect(ended).toMatch(/\[Y\/n\].*SIGTERM\n+found AbortError\n$/s)
      expect(await asked([file], (type) => type("n\r"))).toMatch(/\nfound undefined\n$/)
      expect(ran()).toEqual([])
    },
  )

  test.skipIf(!script)(
    "Ctrl-C at a question of npm start ends it: no browser is said to have failed, and none is asked for after it",
    async () => {
      const options = ["--headless", "--port", "0", "--data", path.join(home, "data"), "--browsers", "chromium,webkit"]
      const said = await asked(["scripts/start.ts", ...options], (type) => type("\x03"))
      expect(said).toMatch(/180 MB\)\? \[Y\/n\].*Stopping …\n+$/s)
      expect(said.match(/Opening|\[Y\/n\]|could not be started/g)).toEqual(["Opening", "[Y/n]"])
    },
  )

  test("an installation that Ctrl-C ended is no answer: the next start tries again", () => {
    programs(["apt-get", "sudo"], "kill -INT $$")
    const call = `ensureWebkit(true, ${JSON.stringify(path.join(home, "remembered"))})`
    expect(ensure(call).stderr).toMatch(/^Error: .* was interrupted$/m)
    expect(ran()).toHaveLength(1)
    ensure(call)
    expect(ran()).toHaveLength(2)
  })

  /** A script of the repository on this machine without browsers. What is remembered of the real one is as before afterwards. */
  function runScript(...args: string[]) {
    const remembered = ["firefox", "webkit"].map((name) => path.join(repoRoot, `.cache/${name}-not-installed`))
    const there = remembered.filter(existsSync).map((file) => [file, readFileSync(file)] as const)
    for (const file of remembered) rmSync(file, { force: true })
    try {
      return spawnSync(process.execPath, args, { cwd: repoRoot, env: { PATH: bin, HOME: home }, encoding: "utf8" })
    } finally {
      for (const file of remembered) rmSync(file, { force: true })
      for (const [file, text] of there) writeFileSync(file, text)
    }
  }
  /** `npm test`, where a program that can't do anything passes for Chromium. */
  function npmTest(...args: string[]) {
    programs(["chromium"], "exit 0")
    return runScript("scripts/test.ts", ...args)
  }

  test("npm start tries to install what --browsers names and nothing else, and goes on without what can't be had, with the reason", () => {
    programs(["apt-get", "sudo"])
    const start = (browsers: string) => {
      const options = ["--json", "--once", "--headless", "--port", "0", "--data", path.join(home, "data")]
      const { stdout } = runScript("scripts/start.ts", ...options, "--browsers", browsers)
      return stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
    }
    expect(start("none").at(-1)).toEqual({ event: "done", ok: true })
    expect(ran()).toEqual([])
    const events = start("webkit")
    expect(ran()).toHaveLength(2)
    expect(ran()[1]).toMatch(/ install -y --no-install-recommends webkit2gtk-driver xvfb$/)
    const absent = { event: "absent", agent: "webkit", browser: "webkit", backend: "*", reason: WEBKIT_ABSENT }
    expect(events).toContainEqual(absent)
    expect(events.at(-1)).toEqual({ event: "done", ok: true })
  })

  test("npm test goes on without Firefox: it says how to get it, and skips the tests that need it", () => {
    const { status, stdout, stderr } = npmTest("test/attacks/firefox.test.ts", "test/unit/float16.test.ts")
    expect(stderr).toMatch(/^Tests in Firefox are skipped: no Firefox was found: install it \(.*firefox-esr/m)
    expect(stdout).toMatch(/\n[1-9]\d* passed, 0 failed, 5 skipped\n$/)
    expect(status).toBe(0)
  })

  test("npm test that fails by an error outside of a test says so on its last line", () => {
    const late = `test("passes", () => new Promise((resolve) => setTimeout(resolve, 50)))
      setTimeout(() => { throw new Error("late") })`
    writeFileSync(path.join(home, "late.test.js"), late)
    const { status, stdout } = npmTest(`--root=${home}`, "--globals")
    expect(stdout).toMatch(
      /\n1 passed, 0 failed, 0 skipped; it failed all the same, outside of any test, as said above\n$/,
    )
    expect(status).toBe(1)
  })

  test("npm test goes on without WebKitGTK that it can't install: it says how to get it, and skips the test that needs it, with the reason", () => {
    programs(["apt-get", "sudo"])
    const named = ["-t", "WebKitGTK joins", "--reporter=verbose"]
    const { status, stdout, stderr } = npmTest("test/e2e/worker-page.test.ts", ...named)
    expect(ran()).toContainEqual(expect.stringMatching(/ install -y --no-install-recommends webkit2gtk-driver xvfb$/))
    expect(stderr).toContain(`\nTests in WebKitGTK are skipped: ${WEBKIT_ABSENT}\n`)
    expect(stdout).toMatch(
      /↓.*WebKitGTK joins and computes native's numbers \(WebKitGTK's driver is not installed: apt-get /,
    )
    expect(stdout).toMatch(/\n0 passed, 0 failed, \d+ skipped\n$/)
    expect(status).toBe(0)
  })
})
