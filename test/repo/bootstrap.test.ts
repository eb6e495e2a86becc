import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import {
  chownSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest"
import { repoRoot } from "../../scripts/sources.ts"

/** An ordinary user, where these tests run as root and such a one can reach the Node that they run on. */
const NOBODY = 65_534
const nobody = { uid: NOBODY, gid: NOBODY }
const isRoot = process.getuid?.() === 0 && spawnSync(process.execPath, ["--version"], nobody).status === 0

/**
 * The real bootstrap and the real npm, in a checkout whose one dependency is a folder of its own: the Node that the tests run on. What is left out
 * is the download of the rest.
 */
let checkout: string
beforeAll(() => {
  checkout = path.join(mkdtempSync(path.join(tmpdir(), "ipfa bootstrap ")), "a checkout")
  const bin = path.join(checkout, "vendored", "bin")
  mkdirSync(bin, { recursive: true })
  symlinkSync(process.execPath, path.join(bin, "node"))
  const write = (file: string, content: string) => writeFileSync(path.join(checkout, file), content)
  write("vendored/package.json", JSON.stringify({ name: "node", version: process.versions.node }))
  const { start } = JSON.parse(readFileSync(path.join(repoRoot, "package.json"), "utf8")).scripts
  const manifest = { private: true, type: "module", scripts: { start }, devDependencies: { node: "file:vendored" } }
  write("package.json", JSON.stringify(manifest))
  cpSync(path.join(repoRoot, ".npmrc"), path.join(checkout, ".npmrc"))
  write("package-lock.json", lock(1))
  mkdirSync(path.join(checkout, "scripts"))
  cpSync(path.join(repoRoot, "scripts", "bootstrap.mjs"), path.join(checkout, "scripts", "bootstrap.mjs"))
  write(
    "scripts/start.ts",
    `process.exitCode = 3
    if (process.argv[2] === "--stay") {
      const staying = setInterval(() => {}, 1000)
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
        process.on(signal, () => {
          console.log(signal)
          clearInterval(staying)
        })
    }
    console.log(JSON.stringify([process.argv.slice(2), process.cwd()] as const))`,
  )
  if (isRoot)
    for (const entry of ["..", "", ...globSync("**/*", { cwd: checkout })])
      if (!entry.endsWith("bin/node")) chownSync(path.join(checkout, entry), NOBODY, NOBODY)
})
afterAll(() => rmSync(path.dirname(checkout), { recursive: true, force: true }))

const lock = (attempt: number) =>
  JSON.stringify({
    name: `checkout-${attempt}`,
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { devDependencies: { node: "file:vendored" } },
      "node_modules/node": { resolved: "vendored", link: true },
      vendored: { name: "node", version: process.versions.node },
    },
  })

/** Not in the checkout: bootstrap has to find that by itself. */
const start = (...args: string[]) =>
  run(tmpdir(), process.execPath, [path.join(checkout, "scripts", "bootstrap.mjs"), "start", ...args])

function run(cwd: string, command: string, args: readonly string[]) {
  // Of the npm that these tests may run under.
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"))
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: {
      ...Object.fromEntries(own),
      HOME: path.dirname(checkout),
      npm_config_cache: path.join(checkout, "cache"),
      npm_config_offline: "true",
    },
    ...(isRoot && nobody),
  })
  return { status, stdout, isInstalling: stderr.includes("Installing dependencies"), stderr }
}

const said = (...args: string[]) => `${JSON.stringify([args, checkout])}\n`

test("from a path with spaces, as an ordinary user: installs, runs the command on its own Node, and passes on how it ended", () => {
  const { status, stdout, isInstalling, stderr } = start("--once", "two words")
  expect(stderr).toContain("Installing dependencies")
  expect({ status, stdout, isInstalling }).toEqual({
    status: 3,
    stdout: said("--once", "two words"),
    isInstalling: true,
  })
  if (isRoot) expect(statSync(path.join(checkout, "node_modules")).uid).toBe(NOBODY)
})

test("a second start installs nothing", () => {
  expect(start()).toMatchObject({ status: 3, stdout: said(), isInstalling: false })
})

test("a lockfile that changed is installed again, once", () => {
  writeFileSync(path.join(checkout, "package-lock.json"), lock(2))
  expect(start()).toMatchObject({ status: 3, isInstalling: true })
  expect(start()).toMatchObject({ status: 3, isInstalling: false })
})

test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)("%s ends the command in its own time, once", async (signal) => {
  const child = spawn(process.execPath, [path.join(checkout, "scripts", "bootstrap.mjs"), "start", "--stay"], {
    stdio: ["ignore", "pipe", "inherit"],
    // A group of its own, which a terminal's Ctrl-C is sent to.
    detached: true,
    ...(isRoot && nobody),
  })
  let text = ""
  const begun = new Promise<void>((resolve) =>
    child.stdout.setEncoding("utf8").on("data", (more) => {
      text += more
      resolve()
    }),
  )
  await begun
  const pid = child.pid as number
  onTestFailed(() => {
    if (child.exitCode === null) process.kill(-pid, "SIGKILL")
  })
  process.kill(signal === "SIGINT" ? -pid : pid, signal)
  const [status] = await once(child, "close")
  expect({ status, text }).toEqual({ status: 3, text: `${said("--stay")}${signal}\n` })
})

test("`npm start -- --json` has on its standard output what the command says and nothing of npm's", () => {
  expect(run(checkout, "npm", ["start", "--", "--json"])).toEqual({
    status: 3,
    stdout: said("--json"),
    stderr: "",
    isInstalling: false,
  })
})

test("where npm can't install, what it says of that is on standard error", () => {
  const { packages, ...rest } = JSON.parse(lock(3))
  const missing = { version: "1.0.0", resolved: "http://127.0.0.1:9/missing.tgz" }
  const root = { devDependencies: { ...packages[""].devDependencies, missing: "1.0.0" } }
  const file = path.join(checkout, "package.json")
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...root }))
  writeFileSync(
    path.join(checkout, "package-lock.json"),
    JSON.stringify({ ...rest, packages: { ...packages, "": root, "node_modules/missing": missing } }),
  )
  const { status, stdout, stderr } = run(checkout, "npm", ["start", "--", "--json"])
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" })
  expect(stderr).toMatch(/npm error.*127\.0\.0\.1:9\/missing\.tgz.*Dependencies could not be installed/s)
})
