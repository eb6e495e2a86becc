import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, describe, expect, test, vi } from "vitest"
import { WebSocketServer } from "ws"
import { sharedMemoryFolder } from "../../bridge-server/shared-memory.ts"
import {
  fail,
  Peer,
  SHARED_MEMORY_HEADER,
  SUBPROTOCOL,
  type Tensor,
  type WebSocketLike,
  webSocketPort,
} from "../../protocol/index.ts"
import { SharedFolder } from "../../protocol/transports/shared-folder.ts"
import { dial as dialBridge } from "../../sdk/bridge-socket.ts"
import { connect } from "../../sdk/index-node.ts"
import { adderModel } from "../support/adder.ts"
import { bridgeProcess, dial, nativeIsThere, type TestBridge, testBridge } from "../support/bridge.ts"

/** Large tensors between a Node program, the bridge-server and its native process, all of one user and machine. */

const N = 300_000
const memoryOf = (dataDir: string) => sharedMemoryFolder(dataDir) as string
const lying = (dir: string) =>
  existsSync(dir) ? readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()) : []

const open: TestBridge[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const t of open.splice(0)) await t.close()
})

async function started(): Promise<TestBridge & { model: string }> {
  const t = await testBridge()
  open.push(t)
  const file = path.join(t.dir, "adder.onnx")
  writeFileSync(file, adderModel(1.5))
  await nativeIsThere(t.bridge)
  return { ...t, model: pathToFileURL(file).href }
}

const ramp = (offset: number): Tensor & { data: Float32Array } => ({
  dtype: "float32",
  shape: [N],
  data: Float32Array.from({ length: N }, (_, i) => i + offset),
})

/** Runs on numbers of its own, and says whether each is the sum. */
async function adds(accelerator: Awaited<ReturnType<typeof connect>>, model: string, offset = 0): Promise<boolean> {
  const session = await accelerator.load(model, { device: "native-cpu" })
  const { outputs } = await session.run({ x: ramp(offset) })
  const y = outputs.y?.data as Float32Array
  return y.length === N && y.every((value, i) => value === i + offset + 1.5)
}

describe("a Node program of the same user", () => {
  test("has its large tensors carried in memory, all the way and back, and nothing is left there", async () => {
    const put = vi.spyOn(SharedFolder.prototype, "put")
    const { bridge, dir, model } = await started()
    const before = readdirSync(memoryOf(dir))
    await using accelerator = await connect({ dataDir: dir })
    const own = readdirSync(memoryOf(dir)).filter((name) => !before.includes(name))
    expect(own).toHaveLength(1)
    expect(await adds(accelerator, model)).toBe(true)
    const laid = put.mock.results.filter(({ value }) => value !== undefined).length
    // The caller's to the bridge-server, its own to the native process; the native process's is not seen here; then the answer to the caller.
    expect(laid).toBe(3)
    expect(lying(memoryOf(dir))).toEqual([])
    expect(statSync(memoryOf(dir)).mode & 0o777).toBe(0o700)
    await accelerator.close()
    await vi.waitFor(() => expect(readdirSync(memoryOf(dir))).not.toContain(own[0]))
    await bridge.close()
    expect(existsSync(memoryOf(dir))).toBe(false)
  })

  test("may have many runs at once there, and each its own answer", async () => {
    const put = vi.spyOn(SharedFolder.prototype, "put")
    const { dir, model } = await started()
    await using accelerator = await connect({ dataDir: dir })
    const right = await Promise.all(Array.from({ length: 24 }, (_, i) => adds(accelerator, model, i)))
    expect(right).toEqual(right.map(() => true))
    expect(put.mock.results.filter(({ value }) => value !== undefined).length).toBeGreaterThan(24)
    expect(lying(memoryOf(dir))).toEqual([])
  })

  test("goes on over the socket where somebody tidies the memory away", async () => {
    const { dir, model } = await started()
    await using accelerator = await connect({ dataDir: dir })
    expect(await adds(accelerator, model)).toBe(true)
    rmSync(memoryOf(dir), { recursive: true })
    expect(await adds(accelerator, model, 2)).toBe(true)
  })
})

test("a program writes nowhere else, whatever folder a bridge-server names", async () => {
  const parent = mkdtempSync(path.join(tmpdir(), "ipfa named "))
  const elsewhere = (SharedFolder.make(parent, true) as SharedFolder).dir
  const listener = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => SUBPROTOCOL })
  await once(listener, "listening")
  listener.on("headers", (headers) => headers.push(`${SHARED_MEMORY_HEADER}: ${elsewhere}`))
  const seen: string[][] = []
  listener.on("connection", (socket) => {
    new Peer(webSocketPort(socket as unknown as WebSocketLike), {
      role: "bridge",
      handlers: {
        "session.run": () => {
          seen.push(readdirSync(elsewhere))
          throw fail("IPFA_SESSION_UNKNOWN")
        },
      },
    })
  })
  const at = `127.0.0.1:${(listener.address() as AddressInfo).port}`
  const peer = await dialBridge(
    { http: `http://${at}`, ws: `ws://${at}`, token: "token" },
    new AbortController().signal,
  )
  await expect(peer.call("session.run", { sessionId: "s", feeds: { x: ramp(0) } })).rejects.toThrow()
  expect(seen).toEqual([[]])
  peer.close()
  listener.close()
  rmSync(parent, { recursive: true })
})

describe("the memory", () => {
  test("is offered to nobody who is not this user, or does not ask", async () => {
    const t = await testBridge({ native: false })
    open.push(t)
    const { bridge, dir } = t
    const headers: Record<string, string>[] = [
      {},
      { [SHARED_MEMORY_HEADER]: "12345678" },
      { [SHARED_MEMORY_HEADER]: "" },
    ]
    for (const asked of headers) {
      const peer = await dial(`${bridge.ws}/client`, { token: bridge.token, headers: asked })
      expect(readdirSync(memoryOf(dir))).toEqual([])
      peer.close()
    }
    const asked = { [SHARED_MEMORY_HEADER]: String(process.getuid?.()) }
    const peer = await dial(`${bridge.ws}/client`, { token: bridge.token, headers: asked })
    expect(readdirSync(memoryOf(dir))).toHaveLength(1)
    peer.close()
    await vi.waitFor(() => expect(readdirSync(memoryOf(dir))).toEqual([]))
  })

  test("of a bridge-server that was killed is taken away by the next one on its data folder", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "ipfa killed "))
    const { child, exited } = await bridgeProcess(dir)
    const left = path.join(memoryOf(dir), "left")
    writeFileSync(left, "")
    child.kill("SIGKILL")
    await exited
    expect(existsSync(left)).toBe(true)
    const next = await bridgeProcess(dir)
    expect(existsSync(left)).toBe(false)
    next.child.kill("SIGTERM")
    await next.exited
    expect(existsSync(memoryOf(dir))).toBe(false)
    rmSync(dir, { recursive: true })
  })

  test("is not used where its name leads elsewhere", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "ipfa led "))
    const elsewhere = path.join(dir, "elsewhere")
    mkdirSync(elsewhere)
    symlinkSync(elsewhere, memoryOf(dir))
    const t = await testBridge({ dataDir: dir, native: false })
    expect(readdirSync(elsewhere)).toEqual([])
    expect(statSync(memoryOf(dir)).mode & 0o777).toBe(0o700)
    await t.close()
    expect(existsSync(elsewhere)).toBe(true)
    rmSync(dir, { recursive: true })
  })
})
