import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { findBridge } from "../../bridge-server/data-folder.ts"
import { startBridge } from "../../bridge-server/server.ts"
import { AccelerateError, type Tensor } from "../../protocol/index.ts"
import { bridgeProcess, identity, nativeIsThere, productModel, raw, silent, testBridge } from "../support/bridge.ts"

/** Of a product of matrices that takes its time. */
const SIDE = 1024

let dir: string

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "ipfa lifecycle "))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )

function childrenOf(pid: number): number[] {
  return execFileSync("pgrep", ["-P", String(pid)])
    .toString()
    .trim()
    .split("\n")
    .map(Number)
}

/** Running: a process that ended and whose parent has not asked for its exit code yet is not. */
function isAlive(pid: number): boolean {
  try {
    return (
      execFileSync("ps", ["-o", "stat=", "-p", String(pid)])
        .toString()
        .trim()[0] !== "Z"
    )
  } catch {
    return false
  }
}

const serve = (...args: string[]) => bridgeProcess(dir, ...args)

test("one bridge-server has a data folder; a second is refused, and the first lives on", async () => {
  const t = await testBridge({ dataDir: dir, native: false })
  expect(await code(startBridge({ dataDir: dir, native: false, log: silent }))).toBe("IPFA_STORE_LOCKED")
  expect((await t.http("GET", "/v1/status")).status).toBe(200)
  await t.close()
  expect(await code(testBridge({ dataDir: dir, native: false }).then((again) => again.close()))).toBe("resolved")
})

test("a killed bridge-server's folder is free at once, its children end, and the token stays the same", async () => {
  const first = await serve()
  const token = readFileSync(first.tokenFile, "utf8")
  const status = await raw(first.http, "GET", "/v1/status", undefined, { authorization: `Bearer ${token.trim()}` })
  expect(status.status).toBe(200)
  const children = childrenOf(first.child.pid!)
  expect(children.length).toBeGreaterThan(0)
  first.child.kill("SIGKILL")
  await first.exited
  const t = await testBridge({ dataDir: dir, native: false })
  expect(readFileSync(t.bridge.tokenFile, "utf8")).toBe(token)
  await expect.poll(() => children.filter(isAlive)).toEqual([])
  await t.close()
})

test("where it is found and what opens it: bridge.json and token, for their owner's eyes alone", async () => {
  const t = await testBridge({ dataDir: dir, native: false })
  const found = findBridge(dir)
  expect(found).toMatchObject({ http: t.bridge.http, ws: t.bridge.ws, tokenFile: t.bridge.tokenFile, pid: process.pid })
  expect(found.token).toHaveLength(43)
  for (const name of ["token", "bridge.json"]) expect(statSync(path.join(dir, name)).mode & 0o777).toBe(0o600)
  await t.close()
  expect(() => findBridge(dir)).toThrow(/can't be reached/)
})

test("a caller that comes back after a restart resubmits under its key, and gets the right answer", async () => {
  const first = await testBridge({ dataDir: dir })
  await nativeIsThere(first.bridge)
  const port = Number(new URL(first.bridge.http).port)
  const file = path.join(dir, "slow.onnx")
  writeFileSync(file, productModel(SIDE, 60))
  const slow = pathToFileURL(file).href
  const a = await first.client()
  const open = await a.call("session.open", { model: slow })
  const feeds = { x: identity(SIDE) }
  const lost = code(a.call("session.run", { sessionId: open.sessionId, feeds }, { key: "k" }))
  await expect.poll(() => first.bridge.router.parts.slots.running, { interval: 5 }).toBe(1)
  await first.bridge.close()
  expect(await lost).toBe("IPFA_PROTOCOL_CLOSED")
  expect(a.isClosed).toBe(true)

  const second = await testBridge({ dataDir: dir, port })
  expect(second.bridge.http).toBe(first.bridge.http)
  const b = await second.client()
  // No wait for the native process: the bridge waits for it itself.
  const { sessionId } = await b.call("session.open", { model: slow })
  const { outputs } = await b.call("session.run", { sessionId, feeds }, { key: "k" })
  const { data } = outputs.y as Tensor<"float32">
  expect(data.every((value, i) => value === (i % (SIDE + 1) === 0 ? 1 : 0))).toBe(true)
  await second.close()
})

test("SIGTERM ends it and its children, with exit code 0 and a free folder", async () => {
  const { child, exited, http, tokenFile } = await serve()
  const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`
  await expect
    .poll(async () => (await raw(http, "GET", "/v2/health/ready", undefined, { authorization })).status)
    .toBe(200)
  const children = childrenOf(child.pid!)
  expect(children.length).toBeGreaterThan(0)
  child.kill("SIGTERM")
  expect(await exited).toBe(0)
  expect(children.filter(isAlive)).toEqual([])
  await expect(raw(http, "GET", "/healthz")).rejects.toThrow("ECONNREFUSED")
})

test("a busy port is said in words", async () => {
  const t = await testBridge({ dataDir: dir, native: false })
  const port = Number(new URL(t.bridge.http).port)
  const other = mkdtempSync(path.join(tmpdir(), "ipfa lifecycle "))
  const refused = await startBridge({ dataDir: other, native: false, port, log: silent }).catch((e) => e)
  expect(refused).toMatchObject({ code: "IPFA_BRIDGE_PORT", message: expect.stringContaining(`Port ${port}`) })
  // And it left nothing locked.
  const u = await testBridge({ dataDir: other, native: false })
  await u.close()
  rmSync(other, { recursive: true, force: true })
  await t.close()
})

test("beyond this machine only with TLS or the flag that says it is insecure", async () => {
  expect(await code(startBridge({ dataDir: dir, host: "0.0.0.0", native: false, log: silent }))).toBe(
    "IPFA_BRIDGE_EXPOSED",
  )
  const t = await testBridge({ dataDir: dir, host: "0.0.0.0", insecureRemote: true, native: false })
  expect((await raw(t.bridge.http, "GET", "/healthz")).status).toBe(200)
  await t.close()
})
