import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { checkBrowsers, checkWebnn } from "../../bridge-server/cli/check-browsers.ts"
import { checkGpus, checkPort, type Finding } from "../../bridge-server/cli/checks.ts"
import { repoRoot } from "../../scripts/sources.ts"

/** The machine as doctor sees it: nothing on the PATH but what a test puts there, and a home of its own. */
let home: string
let bin: string
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "ipfa doctor "))
  bin = path.join(home, "bin")
  mkdirSync(bin)
  vi.stubEnv("PATH", bin)
  vi.stubEnv("HOME", home)
  for (const name of ["CHROMIUM", "FIREFOX", "PLAYWRIGHT_BROWSERS_PATH", "XDG_CACHE_HOME"]) vi.stubEnv(name, undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true, force: true })
})

function program(file: string, script = ""): string {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return file
}
const finding = (name: string, findings: readonly Finding[]) => findings.find((f) => f.name === name)
const browser = (name: string, drivers = ["lvp_icd.x86_64.json"]) => finding(name, checkBrowsers(drivers))

describe.skipIf(process.platform !== "linux")("on Linux, doctor", () => {
  test("finds no browser where there is none, and says how to get each", () => {
    for (const { name, ok, fix } of checkBrowsers()) expect([name, ok, fix]).toEqual([name, false, expect.any(String)])
  })

  test("finds the browsers on the PATH, and those that $CHROMIUM and $FIREFOX name before them", () => {
    const [chromium, firefox] = [program(path.join(bin, "chromium")), program(path.join(bin, "firefox-esr"))]
    expect(browser("chromium")).toMatchObject({ ok: true, detail: `${chromium}: WebGPU and WASM` })
    expect(browser("firefox")).toMatchObject({ ok: true, detail: `${firefox}: WebGPU and WASM` })
    vi.stubEnv("CHROMIUM", program(path.join(home, "my chromium")))
    vi.stubEnv("FIREFOX", path.join(home, "gone"))
    expect(browser("chromium")).toMatchObject({ ok: true, detail: expect.stringContaining("my chromium") })
    const detail = `FIREFOX names ${path.join(home, "gone")}, which is not there or not executable.`
    expect(browser("firefox")).toMatchObject({ ok: false, detail })
  })

  test("promises no WebGPU in Firefox where no Vulkan driver is registered; Chromium brings its own", () => {
    const [chromium, firefox] = [program(path.join(bin, "chromium")), program(path.join(bin, "firefox"))]
    const detail = `${firefox}: WASM; for WebGPU it needs a Vulkan driver, and none is registered`
    expect(browser("firefox", [])).toMatchObject({ ok: true, detail })
    expect(browser("chromium", [])).toMatchObject({ ok: true, detail: `${chromium}: WebGPU and WASM` })
  })

  test("finds the Chromium that Playwright installs, where Playwright says it is", () => {
    const ask = 'import { chromium } from "playwright-core"; process.stdout.write(chromium.executablePath())'
    const file = execFileSync(process.execPath, ["--input-type=module", "-e", ask], { cwd: repoRoot, encoding: "utf8" })
    expect(file.startsWith(home)).toBe(true)
    program(file.replace(/chromium-\d+/, "chromium-99"))
    program(file)
    expect(browser("chromium")).toMatchObject({ ok: true, detail: `${file}: WebGPU and WASM` })
  })

  test("says which system library a browser lacks to start", () => {
    const file = program(
      path.join(bin, "chromium"),
      'echo "$0: error while loading shared libraries: libnss3.so: no" >&2; exit 127',
    )
    expect(browser("chromium")).toMatchObject({
      ok: false,
      detail: `${file} can't start: this system lacks libnss3.so`,
    })
  })

  test("does not take a driver for CUDA: onnxruntime-node's files for it are not in its npm package", async () => {
    const cuda = async () => finding("cuda", await checkGpus())
    expect(await cuda()).toMatchObject({ ok: false, detail: expect.stringContaining("no nvidia-smi") })
    program(path.join(bin, "nvidia-smi"), 'echo "A card, 999.9, 1 MiB"')
    expect(await cuda()).toMatchObject({
      ok: false,
      detail: "A card, 999.9, 1 MiB; onnxruntime-node's CUDA files are not installed",
      fix: expect.stringMatching(/node \/.*\/onnxruntime-node\/script\/install --onnxruntime-node-install$/),
    })
  })

  test("says that the Chromium shell with WebNN is for Linux on x64", () => {
    const arch = Object.getOwnPropertyDescriptor(process, "arch") as PropertyDescriptor
    try {
      Object.defineProperty(process, "arch", { ...arch, value: "x64" })
      expect(checkWebnn()).toMatchObject({ ok: true })
      Object.defineProperty(process, "arch", { ...arch, value: "arm64" })
      expect(checkWebnn()).toMatchObject({ ok: false, detail: expect.stringContaining("for Linux on x64") })
    } finally {
      Object.defineProperty(process, "arch", arch)
    }
  })
})

test("the port is no fault where the bridge-server on this data folder has it, and one where another program has", async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const ended = spawnSync(process.execPath, ["--version"]).pid
  const says = async (at: number, pid: number) => {
    const address = {
      http: `http://127.0.0.1:${at}`,
      ws: `ws://127.0.0.1:${at}`,
      tokenFile: path.join(home, "token"),
      pid,
    }
    writeFileSync(path.join(home, "bridge.json"), JSON.stringify(address))
    return checkPort(port, home)
  }
  try {
    writeFileSync(path.join(home, "token"), "secret")
    const other = { name: "port", ok: false, fix: expect.stringContaining("--port") }
    expect(await checkPort(port, home)).toMatchObject(other)
    expect(await says(port, ended)).toMatchObject(other)
    expect(await says(port + 1, process.pid)).toMatchObject(other)
    expect(await says(port, process.pid)).toEqual({
      name: "port",
      ok: true,
      detail: `${port}, used by the bridge-server that runs (process ${process.pid})`,
    })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
  expect(await checkPort(port, home)).toMatchObject({ ok: true, detail: `${port} is free` })
})
