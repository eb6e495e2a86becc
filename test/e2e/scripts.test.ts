import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, globSync, rmSync, statSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { repoRoot } from "../../scripts/sources.ts"
import { watchProcesses } from "../support/processes.ts"

const output = path.join(repoRoot, ".output")
/** A script of `npm run`, in a process group of its own, which a terminal's Ctrl-C is sent to. */
const script = (name: string, ...args: string[]) =>
  spawn(process.execPath, [path.join(repoRoot, "scripts", `${name}.ts`), ...args], { stdio: "ignore", detached: true })

test("npm run zip makes the archive that goes to a store, with the build in it", async () => {
  const archives = () => globSync("*-chrome.zip", { cwd: output })
  for (const old of archives()) rmSync(path.join(output, old))
  expect(await once(script("zip", "chrome-mv3"), "exit")).toEqual([0, null])
  expect(archives()).toEqual([expect.stringMatching(/^ipfs-accelerate-\d+\.\d+\.\d+-chrome\.zip$/)])
}, 120_000)

test("npm run bench -- --quick measures, says what came out, and leaves bench/results as it is", async () => {
  const results = () =>
    globSync("bench/results/*", { cwd: repoRoot }).map((file) => [file, statSync(path.join(repoRoot, file)).mtimeMs])
  const before = results()
  // Shorter than a quick run is by itself: two samples of each case.
  const args = ["scripts/bench.ts", "--quick", "--budget", "1", "transports"]
  const child = spawn(process.execPath, args, { cwd: repoRoot, stdio: ["ignore", "pipe", "ignore"] })
  let said = ""
  child.stdout.setEncoding("utf8").on("data", (text) => {
    said += text
  })
  expect(await once(child, "close")).toEqual([0, null])
  expect(said).toMatch(/\nbenchmark +case +subject +baseline +ratio +interval +n\n/)
  expect(said).toMatch(/\ntransports +round trip, 1 KiB, WebSocket +[\d.]+ ms +[\d.]+ ms +[\d.]+ /)
  expect(results()).toEqual(before)
}, 120_000)

test("npm run dev builds the extension, opens a browser with it, and ends both when interrupted", async () => {
  const manifest = path.join(output, "chrome-mv3-dev", "manifest.json")
  rmSync(manifest, { force: true })
  const child = script("dev")
  const { look, left } = watchProcesses(child)
  const ended = once(child, "exit")
  try {
    await expect.poll(() => existsSync(manifest), { timeout: 100_000 }).toBe(true)
    // Another was asked for its version before, and is gone.
    const running = () => {
      look()
      return left().map(([, { name }]) => name)
    }
    await expect.poll(running, { timeout: 100_000 }).toContainEqual(expect.stringMatching(/chrom|edge/))
  } finally {
    process.kill(-(child.pid as number), "SIGINT")
  }
  await ended
  await expect.poll(left).toEqual([])
}, 120_000)
