import { execFile, execFileSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ensurePackage } from "../../scripts/build-packages.ts"
import { repoRoot } from "../../scripts/sources.ts"
import { swiftshaderManifest } from "../kernels/software-gpu.ts"
import { type TestBridge, testBridge } from "../support/bridge.ts"

const run = promisify(execFile)
const SEVEN = 7

/** What a user's shell has: not the Node of the checkout that npm puts first here, and before all others one that is older, where there is one. */
function usersPath(): string {
  const dirs = (process.env.PATH ?? "").split(path.delimiter).filter((dir) => !dir.includes("node_modules"))
  const older = dirs.find((dir) => {
    const node = path.join(dir, "node")
    return existsSync(node) && Number.parseInt(execFileSync(node, ["-p", "process.versions.node"]).toString(), 10) < 24
  })
  return [...(older ? [older] : []), ...dirs].join(path.delimiter)
}

describe("what README.md and examples/ tell a user to type, beside a running bridge", () => {
  let t: TestBridge
  const sh = (script: string, args: string[] = []) =>
    run(script, args, {
      cwd: repoRoot,
      env: {
        ...process.env,
        PATH: usersPath(),
        IPFA_DATA: t.dir,
        TOKEN_FILE: path.join(t.dir, "token"),
        BRIDGE: t.bridge.http,
        DIR: t.dir,
      },
    })
  const digitOf = (answer: string): number => {
    const { data } = JSON.parse(answer).outputs[0]
    return data.indexOf(Math.max(...data))
  }

  beforeAll(async () => {
    await ensurePackage("sdk")
    t = await testBridge()
  })
  afterAll(() => t?.close())

  test("examples/curl.sh reads its seven", async () => {
    expect(digitOf((await sh("sh", ["examples/curl.sh"])).stdout)).toBe(SEVEN)
  })

  test("examples/node.mjs reads its seven, and names the device and the time", async () => {
    expect((await sh("node", ["examples/node.mjs"])).stdout).toMatch(/^7, by \S+ \(.+\) in \d+\.\d\d ms\n$/)
  })

  test.each(["bridge.md", "native-host.md"])("the command that docs/%s names finds the bridge-server", async (doc) => {
    const text = readFileSync(path.join(repoRoot, "docs", doc), "utf8")
    const command = /In this repository the command is `(.+?)`/.exec(text)?.[1]
    const { stdout } = await sh("sh", ["-c", `${command} status --json`])
    expect(JSON.parse(stdout)).toMatchObject({ http: t.bridge.http })
  })

  // Dawn finds a graphics card by itself; where there is none, the tests' stand-in is named to it.
  const withGpu = (example: string) => {
    const driver = swiftshaderManifest()
    const env = driver && { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: path.dirname(driver) }
    return run(process.execPath, [`examples/${example}`], { cwd: repoRoot, env: { ...process.env, ...env } })
  }

  test("examples/matmul.mjs multiplies two matrices on a GPU, in ten lines", async () => {
    expect((await withGpu("matmul.mjs")).stdout).toBe("[ 2, 2 ] Float32Array(4) [ 4, 5, 10, 11 ]\n")
    const lines = readFileSync(path.join(repoRoot, "examples", "matmul.mjs"), "utf8").split("\n")
    expect(lines.filter((line) => line && !line.startsWith("//"))).toHaveLength(10)
  })

  test("examples/mlp.mjs builds a network that computes exclusive or", async () => {
    expect((await withGpu("mlp.mjs")).stdout).toBe("Float32Array(4) [ 0, 1, 1, 0 ]\n")
  })

  test("the README's curl line gives an answer", async () => {
    const line = /^curl .*$/m.exec(readFileSync(path.join(repoRoot, "README.md"), "utf8"))?.[0]
    const script = readFileSync(path.join(repoRoot, "examples", "curl.sh"), "utf8")
    const body = /--json '([^']*)'/.exec(script)?.[1]
    writeFileSync(path.join(t.dir, "request.json"), body as string)
    const { stdout } = await sh("sh", ["-c", `cd "$DIR" && ${line}`])
    expect(digitOf(stdout)).toBe(SEVEN)
  })
})
