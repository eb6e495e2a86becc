import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest"
import { WebSocket } from "ws"
import type { Bridge } from "../../bridge-server/server.ts"
import type { BridgeLinkParts } from "../../engine/agent/bridge-link.ts"
import type { Settings, SettingsStore } from "../../engine/agent/settings.ts"
import { LOST_EVENT } from "../../extension/messages.ts"
import { EXTENSION_ID, PROTOCOL_VERSION } from "../../protocol/index.ts"
import type { IpfsAccelerate } from "../../sdk/types.ts"
import { adderModel } from "../support/adder.ts"
import { silent } from "../support/bridge.ts"
import { refusal } from "../support/pool.ts"
import { type Parts, previousVersion, thisVersion } from "../support/previous/index.ts"
import { connectHost } from "./native-browser.ts"

type Version = "this" | "the previous"

let previous: Parts
let ends: Record<Version, Parts>
beforeAll(async () => {
  previous = await previousVersion()
  ends = { this: thisVersion, "the previous": previous }
})

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
  vi.unstubAllGlobals()
})

async function bridgeOf(version: Version): Promise<{ bridge: Bridge; model: string; dataDir: string }> {
  const dataDir = mkdtempSync(path.join(tmpdir(), "ipfa previous "))
  stops.push(() => rmSync(dataDir, { recursive: true }))
  const model = path.join(dataDir, "model.onnx")
  writeFileSync(model, adderModel(10))
  const log = version === "this" ? silent : previous.createLog("silent")
  const bridge = await ends[version].startBridge({ dataDir, native: false, log })
  stops.push(() => bridge.close())
  return { bridge, model: pathToFileURL(model).href, dataDir }
}

/** The global WebSocket as it is in a page of that origin, which the browser says to whom it calls; `closedOff`: it reaches nobody. */
function beIn(origin: string, { closedOff = false } = {}): void {
  vi.stubGlobal("location", { origin })
  vi.stubGlobal(
    "WebSocket",
    class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(closedOff ? "ws://127.0.0.1:1" : url, protocols, { origin, perMessageDeflate: false })
      }
    },
  )
}

/** A browser's membership in a fleet, with a pool whose device is in memory. */
function linkOf(version: Version, connectHost?: BridgeLinkParts["connectHost"]) {
  const { BridgeLink, adderHost, testPool } = ends[version]
  const host = adderHost("wasm")
  const { pool, close } = testPool([host])
  const held: Partial<Settings> = {}
  const settings: SettingsStore = {
    get: async (key) => held[key],
    async set(key, value) {
      held[key] = value
    },
    async delete(key) {
      delete held[key]
    },
  }
  const clock = {
    after(ms: number, callback: () => void) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
  }
  const about = { agent: "laptop", incarnation: 1, browser: "chromium", version: "0.0.0" } as const
  const told = { onChange() {}, onPaired() {} }
  const link = new BridgeLink({ settings, pool, clock, ...about, ...told, ...(connectHost && { connectHost }) })
  stops.push(close, () => link.pause())
  return { link, host }
}

const connected = (link: { state: unknown }, more: object = {}) =>
  vi.waitFor(() => expect(link.state).toMatchObject({ state: "connected", ...more }), 20_000)

/** A browser that shows the bridge's worker page, paired by code. */
async function agentOf(version: Version, bridge: Bridge) {
  beIn(bridge.http)
  const { link, host } = linkOf(version)
  await link.pair(new URL(bridge.http).host, bridge.pairingCode().code, AbortSignal.timeout(20_000))
  await connected(link)
  return host
}

async function clientOf(version: Version, { ws: url, token }: Bridge) {
  const client = await ends[version].connect({ url, token })
  stops.push(() => client.close())
  return client
}

const x = { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) } as const

test("what was kept of the previous version speaks this protocol or the one before", () => {
  expect([PROTOCOL_VERSION, PROTOCOL_VERSION - 1]).toContain(previous.PROTOCOL_VERSION)
})

describe.each<{ client: Version; bridge: Version; agent: Version }>([
  { client: "the previous", bridge: "this", agent: "this" },
  { client: "this", bridge: "this", agent: "the previous" },
  { client: "this", bridge: "the previous", agent: "this" },
  { client: "the previous", bridge: "this", agent: "the previous" },
  { client: "this", bridge: "the previous", agent: "the previous" },
])("$client version's client, $bridge version's bridge-server, $agent version's worker page", (versions) => {
  test("a model is loaded, runs, keeps, benchmarks and is given back", async () => {
    const { bridge, model } = await bridgeOf(versions.bridge)
    const host = await agentOf(versions.agent, bridge)
    const client = await clientOf(versions.client, bridge)
    const { devices } = await client.hardware()
    expect(devices).toMatchObject([{ id: "wasm", agent: "laptop", browser: "chromium" }])
    const session = await client.load(model)
    const { outputs, device, agent } = await session.run({ x })
    expect(outputs).toMatchObject({ y: { dtype: "float32", shape: [3], data: Float32Array.of(11, 12, 13) } })
    expect({ device, agent }).toEqual({ device: "wasm", agent: "laptop" })
    const kept = await session.run({ x }, { keep: ["y"] })
    const again = await session.run({ x: kept.outputs.y })
    expect(again.outputs).toMatchObject({ y: { data: Float32Array.of(21, 22, 23) } })
    const { rows } = await client.benchmark({ model, feeds: { x }, samples: 3, warmup: 1 })
    expect(rows).toMatchObject([{ n: 3 }])
    expect((await client.status()).jobs.failed).toBe(0)
    await session.dispose()
    expect(host.runs).toBeGreaterThanOrEqual(6)
  })

  test("a job that is cancelled ends on the device's queue, and errors keep their codes", async () => {
    const { bridge, model } = await bridgeOf(versions.bridge)
    const host = await agentOf(versions.agent, bridge)
    const client = await clientOf(versions.client, bridge)
    expect(await refusal(client.load("file:///nowhere/to/be/found.onnx"))).toBe("IPFA_MODEL_NOT_FOUND")
    expect(await refusal(client.load(model, { device: "webnn" }))).toBe("IPFA_DEVICE_ABSENT")
    const session = await client.load(model)
    host.hold()
    const controller = new AbortController()
    const run = session.run({ x }, { signal: controller.signal })
    const code = refusal(run)
    await host.begun(1)
    controller.abort()
    expect(await code).toBe("IPFA_JOB_CANCELLED")
    host.letGo()
    const { outputs } = await session.run({ x })
    expect(outputs).toMatchObject({ y: { data: Float32Array.of(11, 12, 13) } })
  })
})

describe.each<{ extension: Version; host: Version; bridge: Version }>([
  { extension: "the previous", host: "this", bridge: "this" },
  { extension: "this", host: "the previous", bridge: "this" },
  { extension: "this", host: "this", bridge: "the previous" },
  { extension: "this", host: "the previous", bridge: "the previous" },
])("$extension version's extension, $host version's native host, $bridge version's bridge-server", (versions) => {
  test("the browser joins and computes, also where it can open no connection and the host carries it", async () => {
    const { bridge, model, dataDir } = await bridgeOf(versions.bridge)
    const origin = `chrome-extension://${EXTENSION_ID}`
    const { link } = linkOf(versions.extension, () => {
      const args = ["--bridge", "none", "--data", dataDir, "--allow", EXTENSION_ID, `${origin}/`]
      const child = spawn(process.execPath, [ends[versions.host].nativeHost, ...args], {
        stdio: ["pipe", "pipe", "inherit"],
      })
      stops.push(() => child.kill("SIGKILL"))
      return connectHost(child)
    })
    const client = await clientOf("this", bridge)
    for (const carried of [false, true]) {
      beIn(origin, { closedOff: carried })
      link.find()
      await connected(link, { byHost: true, carried })
      const session = await client.load(model, { agent: "laptop" })
      const { outputs, agent } = await session.run({ x })
      expect(outputs).toMatchObject({ y: { data: Float32Array.of(11, 12, 13) } })
      expect(agent).toBe("laptop")
      await session.dispose()
      link.pause()
      await expect.poll(() => bridge.fleet.get("laptop")).toBeUndefined()
    }
  })
})

describe.each<{ page: Version; extension: Version }>([
  { page: "the previous", extension: "this" },
  { page: "this", extension: "the previous" },
])("$page version's script in a page, $extension version's supervisor in the extension", (versions) => {
  const origin = "https://page.test"

  /** A page of `origin`, whose content script hands its port to the supervisor. */
  async function open() {
    const { adderHost, testPool, Gate, Prompts, memoryGrants, messagePort, servePage } = ends[versions.extension]
    const host = adderHost("wasm")
    const { pool, publish, close } = testPool([host])
    const prompts = new Prompts({ show: async (id) => void prompts.answer(id, "session"), close() {} })
    const options = { store: memoryGrants(), prompts, browserSession: "this", uploaded: async () => false }
    const gate = await Gate.open(options)
    const document = new EventTarget()
    vi.stubGlobal("document", document)
    vi.stubGlobal("window", {
      postMessage(_notice: object, _target: string, [port]: MessagePort[]) {
        if (port) servePage(gate, pool, messagePort(port), origin)
      },
    })
    stops.push(close, () => document.dispatchEvent(new Event(LOST_EVENT)))
    const { remoteMethods, pool: peer } = ends[versions.page]
    return { api: remoteMethods({ peer }) as IpfsAccelerate, gate, host, model: publish("one", adderModel(10)) }
  }

  test("what was granted is loaded, runs, keeps and benchmarks", async () => {
    const { api, model } = await open()
    expect(await refusal(api.load(model))).toBe("IPFA_GRANT_REQUIRED")
    const wanted = { capabilities: ["infer", "benchmark"] as const, models: [model], reason: "to add" }
    expect(await api.enable({ ...wanted, capabilities: [...wanted.capabilities] })).toMatchObject({ origin })
    const { devices } = await api.hardware()
    expect(devices).toMatchObject([{ id: "wasm" }])
    const session = await api.load(model)
    const kept = await session.run({ x }, { keep: ["y"] })
    const { outputs, device } = await session.run({ x: kept.outputs.y })
    expect(outputs).toMatchObject({ y: { dtype: "float32", shape: [3], data: Float32Array.of(21, 22, 23) } })
    expect(device).toBe("wasm")
    expect((await api.benchmark({ model, feeds: { x }, samples: 3, warmup: 1 })).rows).toMatchObject([{ n: 3 }])
    expect((await api.status()).jobs.failed).toBe(0)
    await session.dispose()
  })

  test("a job that is cancelled, and one whose grant is revoked, end with their codes", async () => {
    const { api, gate, host, model } = await open()
    await api.enable({ capabilities: ["infer"], models: [model] })
    const session = await api.load(model)
    host.hold()
    const controller = new AbortController()
    const cancelled = refusal(session.run({ x }, { signal: controller.signal }))
    await host.begun(1)
    controller.abort()
    expect(await cancelled).toBe("IPFA_JOB_CANCELLED")
    host.letGo()
    host.hold()
    const revoked = refusal(session.run({ x }))
    await host.begun(2)
    await gate.revoke(origin)
    expect(await revoked).toBe("IPFA_GRANT_REVOKED")
    host.letGo()
    expect(await refusal(api.status())).toBe("IPFA_GRANT_REQUIRED")
  })
})
