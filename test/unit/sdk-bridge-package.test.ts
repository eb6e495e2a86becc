import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, renameSync, symlinkSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import { ensurePackage } from "../../scripts/build-packages.ts"
import { connect } from "../../sdk/connect.ts"
import { numbers, tensor } from "../../sdk/tensor.ts"
import { manifest, packagesImported } from "../support/packed.ts"

const repository = join(import.meta.dirname, "../..")
const run = promisify(execFile)
const { samples } = JSON.parse(readFileSync(join(repository, "models/digits/samples.json"), "utf8"))

let dir: string
let packed: string[]
/** The command, as npm links it. */
let bin: string
beforeAll(async () => {
  await ensurePackage("bridge-server")
  dir = await mkdtemp(join(tmpdir(), "ipfa bridge package "))
  const cwd = join(repository, "bridge-server")
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", dir], { cwd })
  const [{ filename, files }] = JSON.parse(stdout)
  packed = files.map((file: { path: string }) => file.path)
  await run("tar", ["-xzf", filename], { cwd: dir })
  const modules = join(dir, "node_modules")
  const folder = join(modules, "ipfs-accelerate-bridge")
  mkdirSync(join(modules, ".bin"), { recursive: true })
  renameSync(join(dir, "package"), folder)
  // Its dependencies are large and their installation is npm's business: these are the workspace's, and none but those it names.
  const { dependencies, bin: bins } = manifest(folder)
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(repository, "node_modules", name), join(modules, name))
  }
  bin = join(modules, ".bin", "ipfs-accelerate")
  symlinkSync(join(folder, bins["ipfs-accelerate"] as string), bin)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

test("the packed bridge-server holds its three entries and the model that ships, and no sources", () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      "dist/main.js",
      "dist/child.js",
      "dist/native-host.js",
      "dist/LICENSE",
      "dist/worker/index.html",
      "models/digits/digits.onnx",
      "README.md",
    ]),
  )
  expect(packed.filter((file) => file.endsWith(".ts"))).toEqual([])
})

test("what it imports is what it depends on, and its README names nothing outside of it", async () => {
  const folder = join(dir, "node_modules/ipfs-accelerate-bridge")
  expect(await packagesImported(join(folder, "dist"))).toEqual(Object.keys(manifest(folder).dependencies).sort())
  expect(readFileSync(join(folder, "README.md"), "utf8")).not.toMatch(/\]\((?!https:)/)
})

test("it serves the model that ships from its own native process", async () => {
  const dataDir = join(dir, "data")
  const child = spawn(bin, ["serve", "--data", dataDir, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  })
  try {
    let text = ""
    for await (const chunk of child.stdout) {
      text += chunk
      if (text.includes('"ready"')) break
    }
    const { http } = JSON.parse(text)
    const shell = await (await fetch(`${http}/worker`)).text()
    const [script] = /\/worker\/main-\w+\.js/.exec(shell) ?? []
    expect((await fetch(`${http}${script}`)).headers.get("content-type")).toContain("javascript")
    await using api = await connect({ dataDir })
    const session = await api.load("digits")
    const { outputs } = await session.run({ image: tensor("float32", [1, 1, 8, 8], samples[4].image) })
    const scores = numbers(outputs.logits!)
    expect(scores.indexOf(Math.max(...scores))).toBe(samples[4].label)
    expect(session.device.backend).toBe("native-cpu")
  } finally {
    child.kill()
    await once(child, "exit")
  }
})

test("what it installs as a native host starts", async () => {
  const env = { ...process.env, HOME: join(dir, "home"), IPFA_DATA: join(dir, "data") }
  const install = ["install-native-host", "--browser", "chromium", "--json"]
  const { launcher } = JSON.parse((await run(bin, install, { env })).stdout)
  expect(readFileSync(launcher, "utf8")).toContain(join(dir, "node_modules/ipfs-accelerate-bridge/dist/native-host.js"))
  await run(launcher, ["--check"])
})
