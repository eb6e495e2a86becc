import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, test } from "vitest"
import { buildInputs, targets } from "../../scripts/build-extension.ts"
import { repoRoot } from "../../scripts/sources.ts"
import { watchProcesses } from "../support/processes.ts"
import { unzip } from "../support/zip.ts"

const output = path.join(repoRoot, ".output")
/** A script of `npm run`, in a process group of its own, which a terminal's Ctrl-C is sent to. */
const script = (name: string, ...args: string[]) =>
  spawn(process.execPath, [path.join(repoRoot, "scripts", `${name}.ts`), ...args], { stdio: "ignore", detached: true })

const { version } = JSON.parse(readFileSync(path.join(repoRoot, "package.json"), "utf8"))

test.each(targets)(
  "npm run zip makes the archive of %s that goes to a store: the build, and nothing else",
  async (target) => {
    const [browser] = target.split("-")
    const name = `ipfs-accelerate-${version}-${browser}.zip`
    const archives = () => globSync(`*-${browser}.zip`, { cwd: output })
    for (const old of archives()) rmSync(path.join(output, old))
    expect(await once(script("zip", target), "exit")).toEqual([0, null])
    expect(archives()).toEqual([name])
    const files = unzip(readFileSync(path.join(output, name)))
    const built = path.join(output, target)
    const names = globSync("**/*", { cwd: built, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(built, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
    expect([...files.keys()].sort()).toEqual(names.sort())
    for (const [file, bytes] of files) expect(bytes.equals(readFileSync(path.join(built, file))), file).toBe(true)
    expect(JSON.parse(String(files.get("manifest.json")))).toMatchObject({ name: "ipfs-accelerate", version })
    // What is needed to run it: no source maps, no sources, nothing of a development build.
    expect([...files.keys()].filter((file) => /\.(map|tsx?|zip|stamp|lock)$|(^|\/)\./.test(file))).toEqual([])
    for (const [file, bytes] of files)
      if (/\.m?js$/.test(file)) expect(bytes.includes("sourceMappingURL=data:"), file).toBe(false)
    if (browser !== "firefox") return
    // Mozilla's reviewers build it themselves: with all that a build reads, but for Chromium's own entries.
    const sources = [...unzip(readFileSync(path.join(output, name.replace(browser, "sources")))).keys()]
    expect([".npmrc", ...buildInputs()].filter((file) => !sources.includes(file))).toEqual([
      "extension/entrypoints/background.ts",
      "extension/entrypoints/offscreen/index.html",
    ])
    expect(
      sources.filter((file) => /(^|\/)(node_modules|dist|\.[^/]*)\/|^(bench|docs|examples|test)\//.test(file)),
    ).toEqual([])
  },
  120_000,
)

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

test("npm run bench that is ended ends the benchmark, its browser, and what it wrote meanwhile", async () => {
  const TMPDIR = mkdtempSync(path.join(tmpdir(), "ipfa bench ended "))
  const args = ["scripts/bench.ts", "--quick", "kernels"]
  const child = spawn(process.execPath, args, { cwd: repoRoot, stdio: "ignore", env: { ...process.env, TMPDIR } })
  const { started, left } = watchProcesses(child)
  const ended = once(child, "exit")
  await expect.poll(started, { timeout: 60_000 }).toContainEqual(expect.stringMatching(/chrom/))
  child.kill("SIGTERM")
  expect(await ended).toEqual([1, null])
  await expect.poll(left, { timeout: 10_000 }).toEqual([])
  expect(readdirSync(TMPDIR)).toEqual([])
  rmSync(TMPDIR, { recursive: true })
}, 120_000)

test("npm test that is ended ends vitest, its workers, their browsers, and what it wrote meanwhile", async () => {
  const TMPDIR = mkdtempSync(path.join(tmpdir(), "ipfa test ended "))
  const args = ["scripts/test.ts", "test/conformance/kernels-browser.test.ts"]
  const child = spawn(process.execPath, args, { cwd: repoRoot, stdio: "ignore", env: { ...process.env, TMPDIR } })
  const { look, left } = watchProcesses(child)
  const reports = () => readdirSync(TMPDIR).filter((name) => name.startsWith("ipfa-test-"))
  const ended = once(child, "exit")
  await expect.poll(reports, { timeout: 100_000 }).toHaveLength(1)
  // One that was asked for its version before is gone.
  const running = () => {
    look()
    return left().map(([, { name }]) => name)
  }
  await expect.poll(running, { timeout: 60_000 }).toContainEqual(expect.stringMatching(/chrom|edge/))
  child.kill("SIGTERM")
  expect(await ended).toEqual([1, null])
  await expect.poll(left, { timeout: 10_000 }).toEqual([])
  expect(reports()).toEqual([])
  rmSync(TMPDIR, { recursive: true })
}, 180_000)

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
