import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { globSync, statSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { findChromium, findFirefox, findWebkit, webnnShellAbsent } from "../../bridge-server/browsers.ts"
import { ensureExtension } from "../../scripts/build-extension.ts"
import { ensureDashboard } from "../../scripts/packages/pages.ts"
import type { StartEvent } from "../../scripts/start/events.ts"
import { freePort } from "../../scripts/start/web-driver.ts"
import { watchProcesses } from "../support/processes.ts"

// Every browser there is, one after the other: what is claimed is that each is right, not how fast a busy machine is.
vi.setConfig({ testTimeout: 240_000 })

const root = path.resolve(import.meta.dirname, "../..")
let dataDir: string
const running: ChildProcess[] = []
beforeEach(async () => {
  // A space in the path, as users have.
  dataDir = await mkdtemp(path.join(tmpdir(), "ipfa start "))
})
afterEach(async () => {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill("SIGKILL")
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
})

function start(args: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(
    process.execPath,
    ["scripts/start.ts", "--json", "--headless", "--port", "0", "--data", dataDir, ...args],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      // A group of its own, which a terminal's Ctrl-C is sent to.
      detached: true,
    },
  )
  running.push(child)
  const events: StartEvent[] = []
  const processes = watchProcesses(child)
  let stderr = ""
  child.stderr?.on("data", (text) => {
    stderr += text
  })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  lines.on("line", (line) => {
    events.push(JSON.parse(line))
    processes.look()
  })
  const until = (name: StartEvent["event"]) =>
    new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => JSON.parse(line).event === name && resolve())
      lines.on("close", () => reject(new Error(`ended before ${name}:\n${stderr}`)))
    })
  return {
    child,
    events,
    until,
    // All that it said has come then; when it exits it may still be on its way.
    exit: once(child, "close").then(([code]) => code as number | null),
    stderr: () => stderr,
    ...processes,
  }
}

const results = (events: StartEvent[]) => events.filter((e) => e.event === "result")

/** Where a person installed them. */
const webkitIsHere = typeof findWebkit(true) === "object"
const firefoxIsHere = findFirefox() !== undefined
const webnnIsHere = webnnShellAbsent() === undefined

const word = expect.stringMatching(/./)
const number = expect.any(Number)
/** What its process is called. */
const chromium = expect.stringMatching(/chrom|edge/)

test("--once gives right answers from every browser that is there and from native, says why the rest is absent, and leaves no process", async () => {
  const { events, exit, started, left } = start(["--once"])
  expect(await exit).toBe(0)
  const host = /^(http|ws):\/\/127\.0\.0\.1:\d+$/
  const tokenFile = path.join(dataDir, "token")
  expect(events[0]).toEqual({
    event: "ready",
    http: expect.stringMatching(host),
    ws: expect.stringMatching(host),
    tokenFile,
  })
  expect(events.at(-1)).toEqual({ event: "done", ok: true })
  const devices = results(events).map((r) => `${r.browser} ${r.backend} ${r.ok}`)
  expect(devices.sort()).toEqual([
    "chromium wasm true",
    "chromium webgpu true",
    "chromium wgsl true",
    ...(firefoxIsHere ? ["firefox wasm true", "firefox webgpu true", "firefox wgsl true"] : []),
    "native native-cpu true",
    ...(webkitIsHere ? ["webkit wasm true"] : []),
    ...(webnnIsHere
      ? [
          "webnn-shell wasm true",
          "webnn-shell webnn:cpu true",
          "webnn-shell webnn:gpu true",
          "webnn-shell webnn:npu true",
        ]
      : []),
  ])
  for (const r of results(events)) {
    const measured = { loadMs: number, firstMs: number, p50Ms: number, n: number, ok: true }
    expect(r).toEqual({
      event: "result",
      agent: word,
      browser: word,
      backend: word,
      adapter: word,
      model: "digits",
      ...measured,
    })
    expect(Math.min(r.loadMs as number, r.firstMs as number, r.p50Ms as number, r.n)).toBeGreaterThan(0)
  }
  const absent = events.filter((e) => e.event === "absent")
  for (const a of absent)
    expect(a).toEqual({
      event: "absent",
      agent: word,
      browser: expect.stringMatching(/^(chromium|firefox|webkit|webnn-shell|native)$/),
      backend: word,
      reason: expect.stringMatching(/.{10}/),
    })
  expect(new Set(absent.map((a) => a.browser)).size).toBe(5)
  expect(events).toHaveLength(1 + devices.length + absent.length + 1)
  expect(started()).toEqual(
    expect.arrayContaining(webkitIsHere ? ["WebKitWebDriver", "MiniBrowser", "Xvfb"] : [chromium]),
  )
  await expect.poll(left).toEqual([])
})

test("a browser that is there and does not start is absent with the reason, and the start has failed; what was built is not built again", async () => {
  const CHROMIUM = path.join(dataDir, "chromium")
  await writeFile(CHROMIUM, "#!/bin/sh\nexit 1\n", { mode: 0o755 })
  const folders = [await ensureExtension(), await ensureDashboard()]
  const written = () =>
    folders.flatMap((cwd) => globSync("**", { cwd }).map((file) => [file, statSync(path.join(cwd, file)).mtimeMs]))
  const before = written()
  expect(before.length).toBeGreaterThan(folders.length)
  const { events, exit, stderr } = start(["--once", "--browsers", "chromium"], { CHROMIUM })
  expect(await exit).toBe(1)
  expect(written()).toEqual(before)
  expect(stderr()).not.toMatch(/Build|Built|Install/)
  expect(events).toContainEqual({
    event: "absent",
    agent: "chromium",
    browser: "chromium",
    backend: "*",
    reason: expect.stringMatching(/^it could not be started and joined: ./),
  })
  expect(results(events)).toMatchObject([{ browser: "native", ok: true }])
  expect(events.at(-1)).toEqual({ event: "done", ok: false })
})

test("a Chromium that is a snap and does not start gives way to Playwright's, where that is there", async () => {
  const [bin, browsers] = [path.join(dataDir, "bin"), path.join(dataDir, "browsers/chromium-99/chrome-linux")]
  for (const folder of [bin, browsers]) await mkdir(folder, { recursive: true })
  await writeFile(path.join(bin, "chromium"), "#!/bin/sh\n# /snap/bin/chromium\nexit 1\n", { mode: 0o755 })
  const real = `#!/bin/sh\nexec "${findChromium()}" "$@"\n`
  await writeFile(path.join(browsers, "chrome"), real, { mode: 0o755 })
  const { events, exit, stderr } = start(["--once", "--browsers", "chromium"], {
    CHROMIUM: undefined,
    PATH: `${bin}:${process.env.PATH}`,
    PLAYWRIGHT_BROWSERS_PATH: path.dirname(path.dirname(browsers)),
  })
  expect(await exit).toBe(0)
  expect(stderr()).toContain(`${path.join(bin, "chromium")} is a snap, which can't read hidden folders of your home`)
  expect(results(events).map((r) => r.browser)).toContain("chromium")
})

test("it stays up on the port it is told until it is interrupted, then ends all it started; the token is for its owner alone", async () => {
  const port = await freePort()
  const browser = webkitIsHere ? "webkit" : "chromium"
  const { child, events, until, exit, started, left } = start(["--browsers", browser, "--port", `${port}`])
  await until("done")
  const ready = events[0] as Extract<StartEvent, { event: "ready" }>
  expect(ready).toMatchObject({ http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}` })
  expect((await fetch(`${ready.http}/healthz`)).status).toBe(200)
  expect((await stat(ready.tokenFile)).mode & 0o777).toBe(0o600)
  const second = start(["--browsers", "none", "--once"])
  expect(await second.exit).toBe(1)
  expect(second.stderr()).toContain("IPFA_STORE_LOCKED")
  expect(second.events).toEqual([{ event: "done", ok: false }])
  expect(started()).toContainEqual(webkitIsHere ? "Xvfb" : chromium)
  process.kill(-(child.pid as number), "SIGINT")
  expect(await exit).toBe(0)
  await expect.poll(left).toEqual([])
  await expect(fetch(`${ready.http}/healthz`)).rejects.toThrow()
  await expect(readFile(path.join(dataDir, "bridge.json"))).rejects.toThrow(/ENOENT/)
})

test("told to end while it measures, it ends at once and leaves no process", async () => {
  const { child, events, until, exit, started, left } = start(["--browsers", "none"])
  await until("ready")
  // Its native process is up, or about to be.
  await expect.poll(() => started().length).toBeGreaterThan(1)
  child.kill("SIGTERM")
  expect(await exit).toBe(1)
  expect(events.at(-1)).toMatchObject({ event: "done" })
  await expect.poll(left).toEqual([])
})

test("interrupted while a browser is being opened, it ends that one too", async () => {
  const { child, exit, started, left } = start(["--browsers", "chromium"])
  await expect.poll(started).toContainEqual(chromium)
  process.kill(-(child.pid as number), "SIGINT")
  expect(await exit).toBe(1)
  await expect.poll(left).toEqual([])
})

test("a browser that does not end is ended by a second Ctrl-C, with all the rest", async () => {
  const browsers = webkitIsHere ? "chromium,webkit" : "chromium"
  const { child, until, exit, left, look, stderr } = start(["--browsers", browsers])
  await until("done")
  look()
  // As if they hung: they answer nothing, and no signal but that which ends them.
  for (const [pid, { name }] of left()) if (/chrom|edge|WebKitWebDriver/.test(name)) process.kill(pid, "SIGSTOP")
  const ctrlC = () => process.kill(-(child.pid as number), "SIGINT")
  ctrlC()
  await expect.poll(stderr).toMatch(/Stopping …\n$/)
  ctrlC()
  expect(await exit).toBe(130)
  await expect.poll(left).toEqual([])
})
