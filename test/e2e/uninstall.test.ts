import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { files } from "../../bridge-server/files.ts"
import { servicePlan } from "../../bridge-server/service/plan.ts"
import { sharedMemoryFolder } from "../../bridge-server/shared-memory.ts"
import { type HostHome, hostHome } from "../support/native-host.ts"

let user: HostHome
beforeEach(() => {
  user = hostHome()
})
const served: ChildProcess[] = []
afterEach(() => {
  for (const child of served.splice(0)) child.kill("SIGKILL")
  user.remove()
})

/** A bridge-server that this user started, once it is up; the code it ends with. */
async function serve() {
  const args = [fileURLToPath(files.cli), "serve", "--port", "0", "--json"]
  const child = spawn(process.execPath, args, { env: user.env, stdio: ["ignore", "pipe", "ignore"] })
  served.push(child)
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
  await new Promise((resolve) => child.stdout.once("data", resolve))
  return { exited }
}

test("uninstall ends the bridge-server and takes back the native host; the data goes when that is said, and nothing else does", async () => {
  const launcher = user.install("chromium")
  const { exited } = await serve()
  const first = await user.cli("uninstall")
  expect(first).toMatchObject({ service: false, bridge: true, data: { dir: user.dataDir, removed: false, others: [] } })
  expect(first.browsers.filter(({ state }: { state: string }) => state === "removed")).toMatchObject([
    { browser: "chromium" },
  ])
  expect(await exited).toBe(0)
  expect(existsSync(launcher)).toBe(false)
  expect(readdirSync(user.dataDir)).toContain("token")

  mkdirSync(path.join(user.dataDir, "models/blobs"), { recursive: true })
  const persons = ["a person's.part", "models/a person's.onnx"]
  for (const name of [...persons, "token.123.part", "agents.json.v0"]) writeFileSync(path.join(user.dataDir, name), "")
  const second = await user.cli("uninstall", "--yes")
  expect(second).toMatchObject({ bridge: false, data: { removed: true, others: expect.arrayContaining(persons) } })
  expect(second.data.bytes).toBeGreaterThan(0)
  expect(readdirSync(user.dataDir, { recursive: true }).sort()).toEqual([persons[0], "models", persons[1]])
})

test.skipIf(process.platform !== "linux")(
  "uninstall takes away what a killed bridge-server left in memory",
  async () => {
    const { exited } = await serve()
    const memory = sharedMemoryFolder(user.dataDir) as string
    writeFileSync(path.join(memory, "left"), "")
    served[0]!.kill("SIGKILL")
    await exited
    expect(existsSync(memory)).toBe(true)
    await user.cli("uninstall")
    expect(existsSync(memory)).toBe(false)
  },
)

test("uninstall leaves no folder where all that was in it was its own, and has nothing to do the second time", async () => {
  const { exited } = await serve()
  expect(await user.cli("uninstall", "--yes")).toMatchObject({ bridge: true, data: { removed: true, others: [] } })
  expect(await exited).toBe(0)
  expect(existsSync(user.dataDir)).toBe(false)
  expect(await user.cli("uninstall", "--yes")).toMatchObject({ bridge: false, data: { removed: false, bytes: 0 } })
})

test.skipIf(process.platform !== "linux")(
  "uninstall takes back what is of its data folder, and leaves and names the native host and the service of another",
  async () => {
    // Stands in for the service manager, which a test must not change.
    const bin = path.join(user.home, "bin")
    const told = path.join(user.home, "told")
    mkdirSync(bin)
    writeFileSync(path.join(bin, "systemctl"), `#!/bin/sh\necho "$@" >> "${told}"\n`)
    chmodSync(path.join(bin, "systemctl"), 0o755)
    user.env.PATH = `${bin}:${process.env.PATH}`
    const launcher = user.install("chromium")
    const words = [process.execPath, fileURLToPath(files.cli), "serve", "--data", user.dataDir]
    const request = { platform: "linux", home: user.home, env: {}, uid: 1, user: "ada", words, dataDir: user.dataDir }
    const plan = servicePlan(request as Parameters<typeof servicePlan>[0])!
    mkdirSync(path.dirname(plan.file), { recursive: true })
    writeFileSync(plan.file, plan.content)

    const other = path.join(user.home, "other")
    mkdirSync(other)
    writeFileSync(path.join(other, "token"), "")
    expect(await user.cli("uninstall", "--yes", "--data", other)).toMatchObject({
      service: false,
      data: { dir: other, removed: true },
      left: { service: user.dataDir, browsers: [{ browser: "chromium", launcher }] },
    })
    expect([existsSync(other), existsSync(launcher), existsSync(plan.file), existsSync(told)]).toEqual([
      false,
      true,
      true,
      false,
    ])

    const { service, browsers, left } = await user.cli("uninstall", "--yes")
    expect(service).toBe(true)
    expect(browsers).toContainEqual(expect.objectContaining({ browser: "chromium", state: "removed" }))
    expect(left).toEqual({ browsers: [] })
    expect([existsSync(launcher), existsSync(plan.file)]).toEqual([false, false])
    expect(readFileSync(told, "utf8")).toContain("disable --now ipfs-accelerate.service")
  },
)
