import { spawnSync } from "node:child_process"
import {
  chownSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
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
  write("package.json", JSON.stringify({ private: true, type: "module", devDependencies: { node: "file:vendored" } }))
  write("package-lock.json", lock(1))
  mkdirSync(path.join(checkout, "scripts"))
  cpSync(path.join(repoRoot, "scripts", "bootstrap.mjs"), path.join(checkout, "scripts", "bootstrap.mjs"))
  write(
    "scripts/start.ts",
    "console.log(JSON.stringify([process.argv.slice(2), process.cwd()] as const)); process.exitCode = 3",
  )
  if (isRoot)
    for (const entry of ["..", "", ...globSync("**/*", { cwd: checkout })])
      if (!entry.endsWith("bin/node")) chownSync(path.join(checkout, entry), NOBODY, NOBODY)
})
afterAll(() => rmSync(path.dirname(checkout), { recursive: true, force: true }))

const lock = (lockfileVersion: number) =>
  JSON.stringify({
    name: `checkout-${lockfileVersion}`,
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { devDependencies: { node: "file:vendored" } },
      "node_modules/node": { resolved: "vendored", link: true },
      vendored: { name: "node", version: process.versions.node },
    },
  })

function start(...args: string[]) {
  const home = path.dirname(checkout)
  const { npm_execpath: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(checkout, "scripts", "bootstrap.mjs"), "start", ...args],
    {
      // Not the checkout: it has to find that by itself.
      cwd: tmpdir(),
      encoding: "utf8",
      env: { ...env, HOME: home, npm_config_cache: path.join(checkout, "cache"), npm_config_offline: "true" },
      ...(isRoot && nobody),
    },
  )
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
