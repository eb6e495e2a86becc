import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { StartEvent } from "../../scripts/start/events.ts"
import { findWebkit } from "../../scripts/start/webkit.ts"

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

function start(...args: string[]) {
  const child = spawn(
    process.execPath,
    ["scripts/start.ts", "--json", "--headless", "--port", "0", "--data", dataDir, ...args],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    },
  )
  running.push(child)
  const events: StartEvent[] = []
  let stderr = ""
  child.stderr?.on("data", (text) => {
    stderr += text
  })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  lines.on("line", (line) => events.push(JSON.parse(line)))
  const until = (name: StartEvent["event"]) =>
    new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => JSON.parse(line).event === name && resolve())
      lines.on("close", () => reject(new Error(`ended before ${name}:\n${stderr}`)))
    })
  return {
    child,
    events,
    until,
    exit: once(child, "exit").then(([code]) => code as number | null),
    stderr: () => stderr,
  }
}

const results = (events: StartEvent[]) => events.filter((e) => e.event === "result")

/** WebKitGTK is there where a person installed it. */
const webkitIsHere = typeof findWebkit() === "object"

test("--once gives right answers from every browser that is there and from native, and says why the rest is absent", async () => {
  const { events, exit } = start("--once")
  expect(await exit).toBe(0)
  expect(events[0]).toMatchObject({ event: "ready", http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) })
  expect(events.at(-1)).toEqual({ event: "done", ok: true })
  const devices = results(events).map((r) => `${r.browser} ${r.backend} ${r.ok}`)
  expect(devices.sort()).toEqual([
    "chromium wasm true",
    "chromium webgpu true",
    "chromium wgsl true",
    "firefox wasm true",
    "firefox webgpu true",
    "firefox wgsl true",
    "native native-cpu true",
    ...(webkitIsHere ? ["webkit wasm true"] : []),
    "webnn-shell wasm true",
    "webnn-shell webnn:cpu true",
    "webnn-shell webnn:gpu true",
    "webnn-shell webnn:npu true",
  ])
  for (const r of results(events)) expect(r.p50Ms).toBeGreaterThan(0)
  const absent = events.filter((e) => e.event === "absent")
  expect(absent.map((a) => a.browser)).toEqual(
    expect.arrayContaining(["firefox", "webkit", "webnn-shell", "chromium", "native"]),
  )
  for (const { reason } of absent) expect(reason.length).toBeGreaterThan(10)
})

test("it stays up until it is interrupted, then ends all it started; the token is for its owner alone", async () => {
  const { child, events, until, exit } = start("--browsers", "none")
  await until("done")
  const ready = events[0] as Extract<StartEvent, { event: "ready" }>
  expect((await fetch(`${ready.http}/healthz`)).status).toBe(200)
  expect((await stat(ready.tokenFile)).mode & 0o777).toBe(0o600)
  const second = start("--browsers", "none", "--once")
  expect(await second.exit).toBe(1)
  expect(second.stderr()).toContain("IPFA_STORE_LOCKED")
  expect(second.events).toEqual([{ event: "done", ok: false }])
  child.kill("SIGINT")
  expect(await exit).toBe(0)
  await expect(fetch(`${ready.http}/healthz`)).rejects.toThrow()
  await expect(readFile(path.join(dataDir, "bridge.json"))).rejects.toThrow(/ENOENT/)
})
