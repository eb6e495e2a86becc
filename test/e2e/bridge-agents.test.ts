import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest"
import { createLog, LogFile } from "../../bridge-server/log.ts"
import { Evidence } from "../../bridge-server/storage/index.ts"
import type { Pool } from "../../engine/pool/pool.ts"
import { AccelerateError, type Peer, type Tensor } from "../../protocol/index.ts"
import { type AdderHost, adderHost, adderModel, floats } from "../support/adder.ts"
import { connectAgent, dial, fleetWill, joinAgent, type TestBridge, testBridge } from "../support/bridge.ts"
import { testPool } from "../support/pool.ts"

let t: TestBridge
let host: AdderHost
let pool: Pool

beforeEach(async () => {
  t = await testBridge({ native: false })
  host = adderHost("webgpu")
  pool = testPool([host]).pool
})
afterEach(async () => {
  pool.close()
  await t.close()
})

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error) => (error instanceof AccelerateError ? error.code : String(error)),
  )
const y = (outputs: Record<string, unknown>) => [...((outputs.y as Tensor).data as Float32Array)]

/** A model that the bridge has and no agent does. */
async function upload(bytes: Uint8Array): Promise<string> {
  const peer = await t.client()
  const { reference } = await peer.call("model.put", { uploadId: "m", offset: 0, total: bytes.byteLength, bytes })
  return reference!
}

test("a paired agent joins with its token, is given the model's bytes once, and serves", async () => {
  await joinAgent(t.bridge, pool, "laptop")
  const model = await upload(adderModel(5))
  const [a, b] = await Promise.all([t.client(), t.client()])
  const sessions = await Promise.all([a, b].map((peer) => peer.call("session.open", { model })))
  expect(sessions[0]!.device).toMatchObject({ id: "webgpu", agent: "laptop", browser: "chromium" })
  const result = await a.call("session.run", { sessionId: sessions[0]!.sessionId, feeds: { x: floats(1, 2) } })
  expect(result).toMatchObject({ device: "webgpu", agent: "laptop" })
  expect(y(result.outputs)).toEqual([6, 7])
  expect(
    y((await b.call("session.run", { sessionId: sessions[1]!.sessionId, feeds: { x: floats(3) } })).outputs),
  ).toEqual([8])
  expect(host.opens).toBe(1)
})

test("a code is good once, a token from its own origin only", async () => {
  const { token, origin } = await joinAgent(t.bridge, pool, "laptop")
  const { code: used } = t.bridge.pairingCode()
  const first = await dial(`${t.bridge.ws}/agent`, { origin })
  await first.call("agent.pair", { code: used.toLowerCase(), agent: "tablet" })
  expect(await code(first.call("agent.pair", { code: used, agent: "phone" }))).toBe("IPFA_BRIDGE_PAIRING")
  const other = "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba"
  const protocols = ["ipfa.v1", `ipfa.token.${token}`]
  await expect(dial(`${t.bridge.ws}/agent`, { origin: other, protocols })).rejects.toThrow("401")
  await expect(dial(`${t.bridge.ws}/agent`, { protocols })).rejects.toThrow("401")
  ;(await dial(`${t.bridge.ws}/agent`, { origin, protocols })).close()
  first.close()
})

test("who an agent is, its token says, whatever it calls itself", async () => {
  const { token, origin, peer } = await joinAgent(t.bridge, pool, "laptop")
  peer.close()
  await fleetWill(t.bridge, (b) => !b.fleet.get("laptop"))
  const liar = await dial(`${t.bridge.ws}/agent`, { origin, protocols: ["ipfa.v1", `ipfa.token.${token}`] })
  const hardware = await pool.hardware()
  const joined = await liar.call("agent.join", {
    agent: "native",
    browser: "chromium",
    version: "1",
    incarnation: 9,
    hardware,
  })
  expect(joined.agent).toBe("laptop")
  expect(t.bridge.fleet.get("native")).toBeUndefined()
  liar.close()
})

test("an agent whose device has a name that no device has is refused, and the others serve", async () => {
  const { token, origin, peer } = await joinAgent(t.bridge, pool, "tablet")
  peer.close()
  await joinAgent(t.bridge, pool, "laptop")
  const evil = await dial(`${t.bridge.ws}/agent`, { origin, protocols: ["ipfa.v1", `ipfa.token.${token}`] })
  const { devices, absent } = await pool.hardware()
  const hardware = { devices: devices.map((d) => ({ ...d, id: "a/b" })), absent }
  const join = evil.call("agent.join", { agent: "tablet", browser: "chromium", version: "1", incarnation: 2, hardware })
  expect(await code(join)).toBe("IPFA_INPUT_INVALID")
  const client = await t.client()
  expect(await client.call("session.open", { model: await upload(adderModel(1)) })).toMatchObject({
    device: { agent: "laptop" },
  })
  evil.close()
})

test("a paired agent can't pass for the bridge's own native process", async () => {
  const { token, origin, peer } = await joinAgent(t.bridge, pool, "laptop")
  peer.close()
  const liar = await dial(`${t.bridge.ws}/agent`, { origin, protocols: ["ipfa.v1", `ipfa.token.${token}`] })
  const hardware = await pool.hardware()
  const join = liar.call("agent.join", { agent: "laptop", browser: "native", version: "1", incarnation: 9, hardware })
  expect(await code(join)).toBe("IPFA_INPUT_INVALID")
  liar.close()
})

test("an agent that comes back replaces its earlier life, and a late message of that one does not replace it", async () => {
  const { token, origin, peer } = await joinAgent(t.bridge, pool, "laptop", 1)
  const again = await connectAgent(t.bridge, pool, "laptop", { token, origin, incarnation: 2 })
  await peer.closed
  expect(t.bridge.fleet.get("laptop")?.incarnation).toBe(2)
  await expect(connectAgent(t.bridge, pool, "laptop", { token, origin, incarnation: 1 })).rejects.toMatchObject({
    code: "IPFA_AGENT_UNKNOWN",
  })
  expect(again.peer.isClosed).toBe(false)
})

test("an agent that falls silent is dropped after five seconds, and its job runs elsewhere, visibly", async () => {
  const spare = adderHost("webgpu")
  const { pool: sparePool } = testPool([spare])
  const model = await upload(adderModel(1))
  const first = await joinAgent(t.bridge, pool, "laptop")
  const peer = await t.client()
  const { sessionId } = await peer.call("session.open", { model })
  await joinAgent(t.bridge, sparePool, "desktop")
  host.hold()
  const run = peer.call("session.run", { sessionId, feeds: { x: floats(1) } })
  await host.begun(1)
  const member = t.bridge.fleet.get("laptop")
  first.silence()
  const result = await run
  const silentMs = performance.now() - (member?.seenAt as number)
  expect(silentMs).toBeGreaterThan(5000)
  expect(silentMs).toBeLessThan(8000)
  expect(y(result.outputs)).toEqual([2])
  expect(result).toMatchObject({ agent: "desktop", reruns: 1, fellBackFrom: { agent: "laptop", id: "webgpu" } })
  expect(await code(first.peer.call("agent.beat", { running: 0, waiting: 0 }))).toBe("IPFA_PROTOCOL_CLOSED")
  host.letGo()
  sparePool.close()
})

test("an agent that left in mid-run and comes back is waited for by who can run nowhere else, and by nobody whom it would not serve", async () => {
  const { token, origin, peer: agent } = await joinAgent(t.bridge, pool, "laptop")
  const model = await upload(adderModel(1))
  const caller = await t.client()
  const { sessionId } = await caller.call("session.open", { model, device: "webgpu" })
  host.hold()
  const run = caller.call("session.run", { sessionId, feeds: { x: floats(1) } })
  await host.begun(1)
  agent.close()
  await fleetWill(t.bridge, (b) => !b.fleet.get("laptop"))
  const opened = caller.call("session.open", { model, device: "webgpu" })
  expect(await code(caller.call("session.open", { model, device: "webnn" }))).toBe("IPFA_DEVICE_ABSENT")
  await connectAgent(t.bridge, pool, "laptop", { token, origin, incarnation: 2 })
  host.letGo()
  expect(await run).toMatchObject({ agent: "laptop", reruns: 1 })
  expect((await opened).device).toMatchObject({ agent: "laptop" })
})

test("S17: an agent whose token is taken back is gone within a second, what ran there ends, and it can't come back", async () => {
  const { token, origin, peer } = await joinAgent(t.bridge, pool, "laptop")
  const caller = await t.client()
  const { sessionId } = await caller.call("session.open", { model: await upload(adderModel(4)) })
  host.hold()
  const run = code(caller.call("session.run", { sessionId, feeds: { x: floats(1) } }))
  await host.begun(1)
  const start = performance.now()
  expect((await t.http("DELETE", "/v1/agents/laptop")).json).toEqual({ revoked: true })
  expect([(await peer.closed)?.code, await run]).toEqual(["IPFA_BRIDGE_TOKEN", "IPFA_JOB_LOST"])
  expect(performance.now() - start).toBeLessThan(1000)
  await expect(connectAgent(t.bridge, pool, "laptop", { token, origin, incarnation: 2 })).rejects.toThrow("401")
  host.letGo()
})

test("an agent that is paired anew has one token: the earlier one opens nothing", async () => {
  const first = await joinAgent(t.bridge, pool, "laptop")
  const second = await joinAgent(t.bridge, pool, "laptop", 2)
  expect((await first.peer.closed)?.code).toBe("IPFA_BRIDGE_TOKEN")
  const { token, origin } = first
  await expect(connectAgent(t.bridge, pool, "laptop", { token, origin, incarnation: 3 })).rejects.toThrow("401")
  expect(second.peer.isClosed).toBe(false)
})

test("an agent's token is on disk as its hash only", async () => {
  const { token } = await joinAgent(t.bridge, pool, "laptop")
  const { readFileSync, statSync } = await import("node:fs")
  const file = `${t.dir}/agents.json`
  expect(readFileSync(file, "utf8")).not.toContain(token)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test("a device that can't take the model is passed over, and the answer says so", async () => {
  const first = adderHost("wasm")
  const { pool: firstPool } = testPool([first])
  await joinAgent(t.bridge, pool, "laptop")
  await joinAgent(t.bridge, firstPool, "desktop")
  const model = await upload(adderModel(2))
  // A model so small goes to a CPU before any GPU.
  first.refuse = new AccelerateError("IPFA_DEVICE_UNSUPPORTED", { message: "no such operator there" })
  const peer = await t.client()
  const session = await peer.call("session.open", { model })
  expect(session).toMatchObject({
    device: { agent: "laptop" },
    fellBackFrom: { agent: "desktop", id: "wasm", backend: "wasm", reason: "no such operator there" },
  })
  expect(await code(peer.call("session.open", { model, agent: "desktop" }))).toBe("IPFA_DEVICE_NONE")
  firstPool.close()
})

test("over HTTP a deadline holds also while a job waits for its model to open or for a place on the device", async () => {
  await joinAgent(t.bridge, pool, "laptop")
  const model = await upload(adderModel(7))
  const infer = (parameters: object) =>
    t.http("POST", `/v2/models/${encodeURIComponent(model)}/infer`, {
      inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }],
      parameters,
    })
  const late = async () => {
    const start = performance.now()
    const { status, code } = await infer({ deadline_ms: 50 })
    expect([status, code]).toEqual([504, "IPFA_JOB_DEADLINE"])
    expect(performance.now() - start).toBeLessThan(1000)
  }
  host.hold("open")
  await late()
  host.letGo()
  host.hold()
  const stuck = [infer({}), infer({})]
  await host.begun(1)
  await expect.poll(async () => (await t.http("GET", "/v1/status")).json.jobs.running).toBe(2)
  await late()
  host.letGo()
  expect((await Promise.all(stuck)).map((r) => r.status)).toEqual([200, 200])
})

test("over HTTP no device is 503 and more jobs than may wait are 429, each with the seconds after which to ask again", async () => {
  const model = await upload(adderModel(7))
  const infer = async () => {
    const { status, headers } = await t.http("POST", `/v2/models/${encodeURIComponent(model)}/infer`, {
      inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }],
    })
    return [status, headers["retry-after"]]
  }
  expect(await infer()).toEqual([503, "2"])
  await joinAgent(t.bridge, pool, "laptop")
  expect(await infer()).toEqual([200, undefined])
  host.hold()
  // Two are at the device, and 512 wait for it.
  const refused: unknown[] = []
  const jobs = Array.from({ length: 2 + 512 + 6 }, async () => {
    const answer = await infer()
    if (answer[0] !== 200) refused.push(answer)
  })
  await expect.poll(() => refused.length).toBe(6)
  host.letGo()
  await Promise.all(jobs)
  expect(refused).toEqual(Array(6).fill([429, "1"]))
})

test("a device that was measured with the model comes before one that was not", async () => {
  const unmeasured = adderHost("wasm")
  const { pool: otherPool } = testPool([unmeasured])
  await joinAgent(t.bridge, pool, "laptop")
  await joinAgent(t.bridge, otherPool, "desktop")
  const model = await upload(adderModel(3))
  const peer = await t.client()
  const forced = await peer.call("session.open", { model, agent: "laptop" })
  for (let i = 0; i < 3; i++) await peer.call("session.run", { sessionId: forced.sessionId, feeds: { x: floats(1) } })
  const session = await peer.call("session.open", { model })
  expect([session.device.agent, session.fellBackFrom]).toEqual(["laptop", undefined])
  expect(unmeasured.opens).toBe(0)
  otherPool.close()
})

test("a forced agent is the one of that name, not another of that browser; without one of that name, any of that browser", async () => {
  // As it may have been paired by an earlier version: browsers' names can't be had any more.
  t.bridge.fleet.expect("chromium", [])
  await joinAgent(t.bridge, pool, "laptop")
  const model = await upload(adderModel(1))
  const peer = await t.client()
  const open = (agent: string) => peer.call("session.open", { model, agent })
  expect(await code(open("chromium"))).toBe("IPFA_AGENT_UNKNOWN")
  const request = { model, agent: "chromium", feeds: { x: floats(1) }, samples: 1 }
  expect(await code(peer.call("benchmark.run", request))).toBe("IPFA_AGENT_UNKNOWN")
  t.bridge.fleet.unexpect("chromium")
  expect((await open("chromium")).device).toMatchObject({ agent: "laptop", browser: "chromium" })
  expect((await peer.call("benchmark.run", request)).rows).toMatchObject([{ device: { agent: "laptop" } }])
})

test("an agent's measurements are counted once, however often it hands them over", async () => {
  await t.close()
  t = await testBridge({ native: false, evidence: (file) => Evidence.open(file, { software: "test" }) })
  const first = await joinAgent(t.bridge, pool, "laptop")
  const ran = {
    at: Date.now(),
    kind: "run",
    device: "webgpu",
    backend: "webgpu",
    adapter: "",
    ms: 1,
    ok: true,
  } as const
  const measurements = [{ ...ran, model: "0".repeat(64) }]
  const record = (peer: Peer<{ origin: string }>, batch: number) => peer.call("agent.record", { measurements, batch })
  expect([await record(first.peer, 1), await record(first.peer, 1)]).toEqual([{ stored: 1 }, { stored: 0 }])
  first.peer.close()
  // The answer was lost with the connection.
  const again = await connectAgent(t.bridge, pool, "laptop", { ...first, incarnation: 1 })
  expect([await record(again.peer, 1), await record(again.peer, 2)]).toEqual([{ stored: 0 }, { stored: 1 }])
  expect((await t.http("GET", "/v1/benchmarks")).json.runs).toMatchObject([{ agent: "laptop", n: 2 }])
})

test("over HTTP too a job under a key goes on when its client is gone, and answers who asks again; one without a key ends", async () => {
  await joinAgent(t.bridge, pool, "laptop")
  const url = `${t.bridge.http}/v2/models/${encodeURIComponent(await upload(adderModel(1)))}/infer`
  const infer = (headers: Record<string, string>, signal?: AbortSignal) =>
    fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${t.bridge.token}`, "content-type": "application/json", ...headers },
      body: JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }] }),
      ...(signal && { signal }),
    })
  const jobs = async () => (await t.http("GET", "/v1/status")).json.jobs
  host.hold()
  const client = new AbortController()
  const gone = [infer({ "idempotency-key": "k" }, client.signal), infer({}, client.signal)].map((p) =>
    p.catch(() => "gone"),
  )
  await expect.poll(async () => (await jobs()).running).toBe(2)
  client.abort()
  expect(await Promise.all(gone)).toEqual(["gone", "gone"])
  await expect.poll(jobs).toMatchObject({ running: 1, failed: 1 })
  const again = infer({ "idempotency-key": "k" })
  host.letGo()
  expect((await (await again).json()).outputs[0].data).toEqual([2])
  expect(await jobs()).toMatchObject({ done: 1, failed: 1 })
})

test("a call's trace is beside its job in the log, done or failed, and goes with it to the agent that runs it", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "ipfa log "))
  const file = new LogFile(dir)
  const logged = await testBridge({ native: false, log: createLog("debug", file) })
  onTestFinished(async () => {
    await logged.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const heard: (string | undefined)[] = []
  const listening: Pool = {
    ...pool,
    serve(caller) {
      const { handlers, dispose } = pool.serve(caller)
      const run: (typeof handlers)["session.run"] = (params, call) => {
        heard.push(call.trace)
        return handlers["session.run"]!(params, call)
      }
      return { handlers: { ...handlers, "session.run": run }, dispose }
    },
  }
  await joinAgent(logged.bridge, listening, "laptop")
  const peer = await logged.client()
  const bytes = adderModel(5)
  const { reference } = await peer.call("model.put", { uploadId: "m", offset: 0, total: bytes.byteLength, bytes })
  const { sessionId } = await peer.call("session.open", { model: reference! })
  const run = (feed: string, trace?: string) =>
    code(peer.call("session.run", { sessionId, feeds: { [feed]: floats(1) } }, { trace }))
  const codes = [await run("x", "order 66"), await run("x"), await run("nothing of it", "order 67")]
  expect(codes).toEqual(["resolved", "resolved", "IPFA_INPUT_SHAPE"])
  await file.close()
  const lines = readFileSync(file.path, "utf8").trim().split("\n")
  const jobs = lines.map((line) => JSON.parse(line)).filter(({ msg }) => /^job (done|failed)$/.test(msg))
  expect(jobs.map(({ msg, device, trace, error }) => [msg, device, trace, error])).toEqual([
    ["job done", "laptop/webgpu", "order 66", undefined],
    ["job done", "laptop/webgpu", undefined, undefined],
    ["job failed", "laptop/webgpu", "order 67", "IPFA_INPUT_SHAPE"],
  ])
  expect(heard).toEqual(["order 66", undefined, "order 67"])
})
