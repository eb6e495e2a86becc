import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, symlinkSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import { ensurePackage } from "../../scripts/build-packages.ts"
import { connect } from "../../sdk/connect.ts"
import { numbers, tensor } from "../../sdk/tensor.ts"

const repository = join(import.meta.dirname, "../..")
const run = promisify(execFile)
const { samples } = JSON.parse(readFileSync(join(repository, "models/digits/samples.json"), "utf8"))

let dir: string
let packed: string[]
let main: string
beforeAll(async () => {
  await ensurePackage("bridge-server")
  dir = await mkdtemp(join(tmpdir(), "ipfa bridge package "))
  const cwd = join(repository, "bridge-server")
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", dir], { cwd })
  const [{ filename, files }] = JSON.parse(stdout)
  packed = files.map((file: { path: string }) => file.path)
  await run("tar", ["-xzf", filename], { cwd: dir })
  // Its dependencies are large and their installation is npm's business; these are the workspace's.
  symlinkSync(join(repository, "node_modules"), join(dir, "node_modules"))
  main = join(dir, "package/dist/main.js")
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

test("it serves the model that ships from its own native process", async () => {
  const dataDir = join(dir, "data")
  const child = spawn(process.execPath, [main, "serve", "--data", dataDir, "--port", "0", "--json"], {
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
  const { launcher } = JSON.parse((await run(process.execPath, [main, ...install], { env })).stdout)
  expect(readFileSync(launcher, "utf8")).toContain(join(dir, "package/dist/native-host.js"))
  await run(launcher, ["--check"])
})
