import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { type ServicePlan, type ServiceRequest, servicePlan } from "../../bridge-server/service/plan.ts"
import { installedService, installService, uninstallService } from "../../bridge-server/service/run.ts"
import { windowsWord } from "../../bridge-server/service/windows.ts"

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa service "))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true, force: true })
})

const awkward = `a "b" 'c' 100% $HOME \\ <d> & e`
const request = (platform: NodeJS.Platform, more: Partial<ServiceRequest> = {}): ServiceRequest => ({
  platform,
  env: {},
  home: "/home/ada",
  uid: 501,
  user: "STUDIO\\ada",
  words: [process.execPath, "/opt/main.js", "serve", "--data", `/data/${awkward}`],
  dataDir: "/data",
  ...more,
})
const plan = (platform: NodeJS.Platform, more?: Partial<ServiceRequest>) =>
  servicePlan(request(platform, more)) as ServicePlan

describe("Linux: a systemd user unit", () => {
  test("lies where systemd looks for this user's, and is started now and at each login", () => {
    const { file, start, stop } = plan("linux")
    expect(file).toBe("/home/ada/.config/systemd/user/ipfs-accelerate.service")
    expect(plan("linux", { env: { XDG_CONFIG_HOME: "/conf" } }).file).toBe("/conf/systemd/user/ipfs-accelerate.service")
    expect(start.at(-1)).toEqual(["systemctl", "--user", "enable", "--now", "ipfs-accelerate.service"])
    expect(stop[0]).toEqual(["systemctl", "--user", "disable", "--now", "ipfs-accelerate.service"])
  })

  test("is given up where it ends at each start, and started all the same when it is installed again", () => {
    const { content, stop } = plan("linux")
    const at = (key: string) => Number(new RegExp(`^${key}=(\\d+)$`, "m").exec(String(content))?.[1])
    const [burst, within, apart] = [at("StartLimitBurst"), at("StartLimitIntervalSec"), at("RestartSec")]
    // So many starts, that far apart and each a few seconds long, fit into the time in which they are counted.
    expect(burst * (apart + 5)).toBeLessThan(within)
    expect(String(content).indexOf("StartLimitBurst")).toBeLessThan(String(content).indexOf("[Service]"))
    expect(stop.at(-1)).toEqual(["systemctl", "--user", "reset-failed", "ipfs-accelerate.service"])
  })

  test("quotes what systemd would read otherwise", () => {
    const [, command] = /^ExecStart=(.*)$/m.exec(String(plan("linux").content)) ?? []
    expect(command).toMatch(/ "serve" "--data" "\/data\/a \\"b\\" 'c' 100%% \$\$HOME \\\\ <d> & e"$/)
  })

  const verify = (content: string) => {
    const file = path.join(dir, "ipfs-accelerate.service")
    writeFileSync(file, content)
    const env = { ...process.env, XDG_RUNTIME_DIR: dir }
    return spawnSync("systemd-analyze", ["verify", "--user", file], { encoding: "utf8", env })
  }
  test.skipIf(spawnSync("systemd-analyze", ["--version"]).status !== 0)(
    "is found right by systemd-analyze verify, which finds a wrong one wrong (skipped where there is none)",
    () => {
      const content = String(plan("linux").content)
      expect(verify(content)).toMatchObject({ status: 0, stdout: "", stderr: "" })
      expect(verify(content.replace("on-failure", "sometimes")).stderr).toContain("Failed to parse")
    },
  )
})

describe("macOS: a launch agent", () => {
  test("names each word of the command by itself, and starts it again when it fails", () => {
    const { file, content, start, stop } = plan("darwin")
    expect(file).toBe("/home/ada/Library/LaunchAgents/ipfs-accelerate.plist")
    const words = [...String(content).matchAll(/^ {6}<string>(.*)<\/string>$/gm)].map(([, word]) => word)
    expect(words.slice(1)).toEqual([
      "/opt/main.js",
      "serve",
      "--data",
      "/data/a &quot;b&quot; 'c' 100% $HOME \\ &lt;d&gt; &amp; e",
    ])
    expect(String(content)).toMatch(/<key>KeepAlive<\/key>\s*<dict>\s*<key>SuccessfulExit<\/key>\s*<false\/>/)
    expect([start, stop]).toEqual([
      [["launchctl", "bootstrap", "gui/501", file]],
      [["launchctl", "bootout", "gui/501/ipfs-accelerate"]],
    ])
  })

  test("is started once a minute at most where it ends at each start, which launchd never gives up", () => {
    const text = String(plan("darwin").content)
    expect(text).toMatch(/^ {4}<key>ThrottleInterval<\/key>\n {4}<integer>60<\/integer>$/m)
    // Of the agent, not of what it is kept alive for.
    expect(text.indexOf("ThrottleInterval")).toBeGreaterThan(text.indexOf("</dict>"))
  })
})

describe("Windows: a scheduled task", () => {
  test("is UTF-16 with its mark, runs as this user, on battery too, and has no end", () => {
    const { file, content, start } = plan("win32", { dataDir: "C:\\data", env: { SystemRoot: "D:\\Windows" } })
    expect(file).toBe("C:\\data\\service.xml")
    expect([...(content as Buffer).subarray(0, 2)]).toEqual([0xff, 0xfe])
    const text = (content as Buffer).toString("utf16le")
    expect(text).toContain("<UserId>STUDIO\\ada</UserId>")
    expect(text).toContain("<Command>D:\\Windows\\System32\\conhost.exe</Command>")
    expect(text).toContain("<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>")
    expect(text).toContain("<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>")
    expect(start[0]).toEqual(["schtasks", "/Create", "/TN", "ipfs-accelerate", "/XML", file, "/F"])
  })

  test.each([
    ["C:\\node.exe", "C:\\node.exe"],
    ["C:\\Program Files\\node.exe", '"C:\\Program Files\\node.exe"'],
    ["ends in \\", '"ends in \\\\"'],
    ['says "hi"', '"says \\"hi\\""'],
    ['back\\"slash', '"back\\\\\\"slash"'],
    ["", '""'],
  ])("%j is quoted as Windows reads it", (word, quoted) => {
    expect(windowsWord(word)).toBe(quoted)
  })
})

test.each(["linux", "darwin", "win32"] as const)(
  "on %s the words of the command are read from the file as they were written there",
  (platform) => {
    const words = [
      "/usr/bin/node",
      "C:\\dir\\",
      "serve",
      "--data",
      awkward,
      'a \\"',
      "ends in \\\\",
      "$$%%",
      "&amp;",
      "--port=1",
      "",
    ]
    const { content, wordsIn } = plan(platform, { words })
    expect(wordsIn(Buffer.from(content as Buffer))).toEqual(words)
  },
)

test("a system without a known way has none", () => {
  expect(servicePlan(request("aix"))).toBeUndefined()
})

describe.skipIf(process.platform === "win32")("installing (not on Windows, whose programs are no scripts)", () => {
  /** Stands in for a service manager, which a test must not change: notes what it is told, and refuses where it is told to. */
  const manager = (refuses = "nothing") => {
    const bin = path.join(dir, "bin")
    mkdirSync(bin, { recursive: true })
    const script = `#!/bin/sh\necho "$@" >> "${dir}/told"\ncase "$*" in *${refuses}*) echo "Failed to connect to bus" >&2; exit 1;; esac\n`
    writeFileSync(path.join(bin, "systemctl"), script)
    chmodSync(path.join(bin, "systemctl"), 0o755)
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`)
  }
  const told = () => {
    const lines = readFileSync(path.join(dir, "told"), "utf8").trim().split("\n")
    rmSync(path.join(dir, "told"))
    return lines.map((line) => line.replace("--user ", "").replace(" ipfs-accelerate.service", ""))
  }
  const mine = (word: string) => plan("linux", { env: { XDG_CONFIG_HOME: dir }, words: ["/bin/true", word] })

  test("writes the file and starts it; again, it replaces what was there; uninstalling leaves nothing", async () => {
    manager()
    await installService(mine("one"))
    expect(told()).toEqual(["daemon-reload", "enable --now"])
    await installService(mine("two"))
    expect(told()).toEqual(["disable --now", "reset-failed", "daemon-reload", "enable --now"])
    const { file } = mine("two")
    expect(readFileSync(file, "utf8")).toContain('"two"')
    expect(await uninstallService(mine("two"))).toBe(true)
    expect(told()).toEqual(["disable --now", "reset-failed", "daemon-reload"])
    expect(existsSync(file)).toBe(false)
    expect(await uninstallService(mine("two"))).toBe(false)
  })

  test("what is installed is known by its data folder and the options it was given; a file that names none is of none", async () => {
    manager()
    const words = ["/usr/bin/node", "/opt/main.js", "serve", "--data", awkward, "--port", "8791"]
    const its = plan("linux", { env: { XDG_CONFIG_HOME: dir }, words })
    expect(installedService(its)).toBeUndefined()
    await installService(its)
    expect(installedService(its)).toEqual({ dataDir: awkward, options: ["--port", "8791"] })
    writeFileSync(its.file, "[Service]\nExecStart=something else\n")
    expect(installedService(its)).toEqual({ dataDir: undefined, options: [] })
  })

  test("where the system refuses, it says what was refused, and all is as before", async () => {
    manager("enable")
    await expect(installService(mine("one"))).rejects.toMatchObject({
      code: "IPFA_BRIDGE_SERVICE",
      message: "systemctl --user enable --now ipfs-accelerate.service failed: Failed to connect to bus",
    })
    const { file } = mine("one")
    expect(existsSync(file)).toBe(false)
    manager()
    await installService(mine("one"))
    manager("enable")
    await expect(installService(mine("two"))).rejects.toMatchObject({ code: "IPFA_BRIDGE_SERVICE" })
    expect(readFileSync(file, "utf8")).toContain('"one"')
  })

  test("a system without a service manager is told as such", async () => {
    vi.stubEnv("PATH", path.join(dir, "empty"))
    await expect(installService(mine("one"))).rejects.toMatchObject({
      code: "IPFA_BRIDGE_SERVICE",
      message: expect.stringContaining("ENOENT"),
    })
    expect(existsSync(mine("one").file)).toBe(false)
  })
})
