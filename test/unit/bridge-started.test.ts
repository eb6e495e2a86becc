import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { plannedService, servicePort } from "../../bridge-server/cli/service.ts"
import { awaitStart } from "../../bridge-server/cli/started.ts"
import { createLog, LogFile } from "../../bridge-server/log.ts"
import { fail } from "../../protocol/index.ts"
import { testBridge } from "../support/bridge.ts"

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa started "))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true, force: true })
})

const limitMs = 300
async function logged(error: unknown): Promise<void> {
  const file = new LogFile(path.join(dir, "logs"))
  createLog("info", file).fatal({ err: error }, "bridge-server could not start")
  await file.close()
}

test("a bridge-server has started once it has shown that it is ours; one that was there before has not", async () => {
  const starts = awaitStart(dir, { before: undefined, since: Date.now(), limitMs: 30_000 })
  const { bridge, close } = await testBridge({ dataDir: dir, native: false })
  try {
    expect(await starts).toBe(bridge.http)
    const again = awaitStart(dir, { before: process.pid, since: Date.now(), limitMs })
    await expect(again).rejects.toMatchObject({ code: "IPFA_BRIDGE_SERVICE" })
  } finally {
    await close()
  }
})

test("what listens in its place, and does not know its token, is not taken for it", async () => {
  const other = createServer((_, response) => response.end("{}"))
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
  try {
    const http = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const tokenFile = path.join(dir, "token")
    writeFileSync(tokenFile, "its token")
    writeFileSync(path.join(dir, "bridge.json"), JSON.stringify({ http, tokenFile, pid: 1 }))
    const starts = awaitStart(dir, { before: undefined, since: Date.now(), limitMs })
    await expect(starts).rejects.toMatchObject({ code: "IPFA_BRIDGE_SERVICE" })
  } finally {
    other.close()
  }
})

test("what has not started is told with the last that it logged, of this start alone", async () => {
  const message = () => awaitStart(dir, { before: undefined, since, limitMs }).catch((error: Error) => error.message)
  let since = Date.now()
  expect(await message()).toContain("It has logged nothing.")
  await logged(fail("IPFA_BRIDGE_PORT"))
  expect(await message()).toContain("IPFA_BRIDGE_PORT: The port is in use. Choose another with --port")
  since = Date.now() + 1
  expect(await message()).toContain("It has logged nothing.")
})

test.skipIf(process.platform !== "linux")(
  "doctor looks at the port that the service of its data folder is told, not at another's",
  () => {
    vi.stubEnv("XDG_CONFIG_HOME", dir)
    expect(servicePort(dir)).toBeUndefined()
    const install = (...options: string[]) => {
      const { file, content } = plannedService(dir, options)!
      mkdirSync(path.dirname(file), { recursive: true })
      writeFileSync(file, content)
    }
    install("--log-level", "warn", "--port=8791")
    expect(servicePort(dir)).toBe(8791)
    install()
    expect(servicePort(dir)).toBe(8790)
    expect(servicePort(path.join(dir, "other"))).toBeUndefined()
  },
)
