import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import type { Bridge } from "../../bridge-server/server.ts"
import { startBridge } from "../../bridge-server/server.ts"
import { PROTOCOL_VERSION } from "../../protocol/index.ts"
import { connect } from "../../sdk/connect.ts"
import { adderHost, adderModel } from "../support/adder.ts"
import { joinAgent, silent } from "../support/bridge.ts"
import { refusal, testPool } from "../support/pool.ts"
import { type Previous, previousVersion } from "../support/previous/index.ts"

type Version = "this" | "the previous"
type Ends = Pick<Previous, "connect" | "startBridge" | "adderHost" | "testPool" | "joinAgent">

let ends: Record<Version, Ends>
let previous: Previous
beforeAll(async () => {
  previous = await previousVersion()
  ends = { this: { connect, startBridge, adderHost, testPool, joinAgent }, "the previous": previous }
})

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function bridgeOf(version: Version): Promise<{ bridge: Bridge; model: string }> {
  const dataDir = mkdtempSync(path.join(tmpdir(), "ipfa previous "))
  stops.push(() => rmSync(dataDir, { recursive: true }))
  const model = path.join(dataDir, "model.onnx")
  writeFileSync(model, adderModel(10))
  const log = version === "this" ? silent : previous.createLog("silent")
  const bridge = await ends[version].startBridge({ dataDir, native: false, log })
  stops.push(() => bridge.close())
  return { bridge, model: pathToFileURL(model).href }
}

async function agentOf(version: Version, bridge: Bridge) {
  const host = ends[version].adderHost("wasm")
  const { pool, close } = ends[version].testPool([host])
  stops.push(close)
  const { peer } = await ends[version].joinAgent(bridge, pool, "laptop")
  stops.push(() => peer.close())
  return host
}

async function clientOf(version: Version, { ws: url, token }: Bridge) {
  const client = await ends[version].connect({ url, token })
  stops.push(() => client.close())
  return client
}

test("what was kept of the previous version speaks this protocol or the one before", () => {
  expect([PROTOCOL_VERSION, PROTOCOL_VERSION - 1]).toContain(previous.PROTOCOL_VERSION)
})

describe.each<{ client: Version; bridge: Version; agent: Version }>([
  { client: "the previous", bridge: "this", agent: "this" },
  { client: "this", bridge: "this", agent: "the previous" },
  { client: "this", bridge: "the previous", agent: "this" },
  { client: "the previous", bridge: "this", agent: "the previous" },
  { client: "this", bridge: "the previous", agent: "the previous" },
])("$client version's client, $bridge version's bridge-server, $agent version's agent", (versions) => {
  const x = { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) } as const

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
