import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { locked } from "../../scripts/build-lock.ts"

const child = fileURLToPath(new URL("../support/lock-child.ts", import.meta.url))
let dir: string
let started: ChildProcess[]

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa-lock-"))
  started = []
})
afterEach(async () => {
  for (const process of started) {
    if (process.exitCode !== null || process.signalCode !== null) continue
    process.kill("SIGKILL")
    await once(process, "exit")
  }
  rmSync(dir, { recursive: true, force: true })
})

function contend(...args: string[]): ChildProcess & { stdout: NonNullable<ChildProcess["stdout"]> } {
  const files = [path.join(dir, "chrome.lock"), path.join(dir, "log")]
  const contender = spawn(process.execPath, [child, ...files, ...args], { stdio: ["ignore", "pipe", "inherit"] })
  started.push(contender)
  return contender
}

const log = () => readFileSync(path.join(dir, "log"), "utf8").trim().split("\n")

test("what a killed build locked is taken over, by one at a time, and nothing of it stays", async () => {
  const killed = contend("hold")
  await once(killed.stdout, "data")
  const waiting = [contend(), contend()]
  const ended = waiting.map((contender) => once(contender, "exit"))
  killed.kill("SIGKILL")
  expect((await Promise.all(ended)).map(([code]) => code)).toEqual([0, 0])
  const [first, ...turns] = log()
  expect(first).toBe(`in ${killed.pid}`)
  expect(turns).toHaveLength(4)
  for (let turn = 0; turn < 4; turn += 2) expect(turns[turn + 1]).toBe(turns[turn]?.replace("in", "out"))
  expect(readdirSync(dir)).toEqual(["log"])
})

test("what a living process has locked is waited for", async () => {
  const lock = path.join(dir, "chrome.lock")
  mkdirSync(lock)
  writeFileSync(path.join(lock, "pid"), String(process.ppid))
  const taken = locked(lock, () => "taken")
  expect(await Promise.race([taken, "not yet"])).toBe("not yet")
  expect(readdirSync(dir)).toEqual(["chrome.lock"])
  rmSync(lock, { recursive: true })
  expect(await taken).toBe("taken")
})
