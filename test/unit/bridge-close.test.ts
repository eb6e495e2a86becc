import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, test } from "vitest"
import { findBridge } from "../../bridge-server/data-folder.ts"
import { createLog } from "../../bridge-server/log.ts"
import { startBridge } from "../../bridge-server/server.ts"
import { Evidence } from "../../bridge-server/storage/index.ts"

test("a bridge-server whose last measurements can't be written leaves its data folder free, with no word that it runs there", async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "ipfa close "))
  const fullDisk = async (file: string) => {
    const evidence = await Evidence.open(file, { software: "test" })
    evidence.flush = () => Promise.reject(new Error("no space left on device"))
    return evidence
  }
  const options = { dataDir, native: false, log: createLog("silent") }
  try {
    const bridge = await startBridge({ ...options, evidence: fullDisk })
    expect(findBridge(dataDir)).toMatchObject({ http: bridge.http, pid: process.pid })
    await expect(bridge.close()).rejects.toThrow("no space left")
    expect(() => findBridge(dataDir)).toThrow(expect.objectContaining({ code: "IPFA_BRIDGE_UNREACHABLE" }))
    await (await startBridge(options)).close()
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})
