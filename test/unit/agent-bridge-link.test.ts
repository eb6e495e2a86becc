import { afterEach, expect, test, vi } from "vitest"
import { BridgeLink, type BridgeLinkParts } from "../../engine/agent/bridge-link.ts"
import type { Settings, SettingsStore } from "../../engine/agent/settings.ts"
import { type BridgeState, fail, type Handlers, type Measurement, nativePort, Peer } from "../../protocol/index.ts"
import { runtimePorts } from "../protocol/runtime-ports.ts"
import { adderHost, adderModel } from "../support/adder.ts"
import { fakeBridge } from "../support/fake-bridge.ts"
import { refusal, type TestPool, testPool } from "../support/pool.ts"

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const clock = {
  after(ms: number, callback: () => void) {
    // Ten times as fast: nobody waits here.
    const timer = setTimeout(callback, ms / 10)
    return () => clearTimeout(timer)
  },
}

function settingsWith(bridge: Settings["bridge"] | undefined): SettingsStore {
  const get = async (key: string) => (key === "bridge" ? bridge : undefined)
  return { get, set: async () => {}, delete: async () => {} } as SettingsStore
}

const measurement = (ms: number): Measurement => ({
  at: 1,
  kind: "run",
  device: "wasm",
  backend: "wasm",
  adapter: "",
  model: "0".repeat(64),
  ms,
  ok: true,
})

function pool(): TestPool {
  const t = testPool([adderHost("wasm")])
  ends.push(() => t.close())
  return t
}

async function upload(bridge: Peer, bytes: Uint8Array): Promise<string> {
  const part = { uploadId: crypto.randomUUID(), offset: 0, total: bytes.byteLength, bytes }
  return (await bridge.call("model.put", part)).reference as string
}

/** A bridge which answers with `handlers`. */
async function bridgeWith(handlers: Handlers<undefined> = {}, options?: Parameters<typeof fakeBridge>[2]) {
  const join: Handlers<undefined> = { "agent.join": ({ agent }) => ({ agent, heartbeatMs: 60_000 }) }
  const bridge = await fakeBridge("the-token", { ...join, ...handlers }, options)
  ends.push(bridge.close)
  return bridge
}

function linkWith(parts: Pick<BridgeLinkParts, "settings"> & Partial<BridgeLinkParts>): BridgeLink {
  const link = new BridgeLink({
    pool: pool().pool,
    clock,
    agent: "agent-under-test",
    incarnation: 1,
    browser: "chromium",
    version: "0.0.0",
    onChange() {},
    onPaired() {},
    ...parts,
  })
  ends.push(() => link.pause())
  return link
}

/** A browser that joined a bridge which answers with `handlers`. */
async function joined(handlers: Handlers<undefined> = {}, t: TestPool = pool()) {
  const bridge = await bridgeWith(handlers)
  const link = linkWith({ settings: settingsWith({ url: bridge.url, token: "the-token" }), pool: t.pool })
  await link.start()
  await vi.waitFor(() => expect(link.state).toMatchObject({ state: "connected" }), 3000)
  return { t, link, bridge: bridge.peers[0]! }
}

test("a bridge can have things computed, and neither list nor delete what the browser stores", async () => {
  const { t, bridge } = await joined()
  const page = t.connect()
  const { sessionId, model } = await page.open(t.publish("one", adderModel(1)))
  expect(await refusal(bridge.call("model.list", {}))).toBe("IPFA_GRANT_REQUIRED")
  expect(await refusal(bridge.call("model.delete", { sha256: model.sha256 }))).toBe("IPFA_GRANT_REQUIRED")
  const owner = await t.connect({ origin: "owner" }).peer.call("model.list", {})
  expect(owner.models.map(({ sha256 }) => sha256)).toEqual([model.sha256])

  const own = await bridge.call("session.open", { model: await upload(bridge, adderModel(1)) })
  const { sessions } = await bridge.call("status.get", {})
  expect(sessions.map((s) => [s.sessionId, s.leases])).toEqual([[own.sessionId, 1]])
  expect(sessionId).not.toBe(own.sessionId)
  expect((await bridge.call("hardware.report", {})).devices[0]!.usedBytes).toBeUndefined()
})

test("S9: a bridge can name what it uploaded itself, not what is here besides, and has nothing fetched from here", async () => {
  const { t, bridge } = await joined()
  const page = t.connect()
  const url = t.publish("one", adderModel(1))
  const { model } = await page.open(url)
  const uploaded = await page.upload(adderModel(2))
  const { bridge: other } = await joined({}, t)
  const theirs = await upload(other, adderModel(3))
  const ask = (name: string) =>
    bridge.call("session.open", { model: name }).catch(({ code, message, data }) => ({ code, message, data }))
  const absent = await ask(`sha256:${"0".repeat(64)}`)
  expect(absent).toMatchObject({ code: "IPFA_MODEL_NOT_FOUND" })
  for (const name of [`sha256:${model.sha256}`, uploaded, theirs]) expect(await ask(name)).toEqual(absent)
  expect(await ask(url)).toMatchObject({ code: "IPFA_GRANT_REQUIRED" })
  // The same bytes, brought by itself, are its own.
  expect(await ask(await upload(bridge, adderModel(3)))).toMatchObject({ model: { reference: theirs } })
})

test("measurements that the bridge refuses as wrong are dropped, and the next ones told", async () => {
  const told: number[] = []
  const { link } = await joined({
    "agent.record": ({ measurements }) => {
      told.push(measurements[0]!.ms)
      if (told.length === 1) throw fail("IPFA_INPUT_INVALID")
      return { stored: measurements.length }
    },
  })
  link.record(measurement(1))
  await vi.waitFor(() => expect(told).toEqual([1]), 2000)
  link.record(measurement(2))
  await vi.waitFor(() => expect(told).toEqual([1, 2]), 2000)
})

test("measurements whose answer did not come are told again as the batch that they were, before the next ones", async () => {
  const told: [batch: number | undefined, ...number[]][] = []
  const { link } = await joined({
    "agent.record": ({ measurements, batch }) => {
      told.push([batch, ...measurements.map(({ ms }) => ms)])
      if (told.length === 1) throw fail("IPFA_JOB_DEADLINE")
      return { stored: measurements.length }
    },
  })
  link.record(measurement(1))
  await vi.waitFor(() => expect(told).toEqual([[1, 1]]), 2000)
  link.record(measurement(2))
  await vi.waitFor(
    () =>
      expect(told.slice(1)).toEqual([
        [1, 1],
        [2, 2],
      ]),
    2000,
  )
})

test("the bridge is given ten seconds to take in a browser or its measurements", async () => {
  const deadlines: (number | undefined)[] = []
  const { link } = await joined({
    "agent.join": ({ agent }, { deadlineMs }) => {
      deadlines.push(deadlineMs)
      return { agent, heartbeatMs: 60_000 }
    },
    "agent.record": (_, { deadlineMs }) => {
      deadlines.push(deadlineMs)
      return { stored: 1 }
    },
  })
  link.record(measurement(1))
  await vi.waitFor(() => expect(deadlines).toEqual([10_000, 10_000]), 2000)
})

/** A browser that was paired with `bridge`, and what it told of why it is not joined. */
async function startedLink(bridge: { url: string }) {
  const faults: NonNullable<BridgeState["fault"]>[] = []
  const settings = settingsWith({ url: bridge.url, token: "the-token" })
  const link = linkWith({ settings, onChange: () => void (link.state.fault && faults.push(link.state.fault)) })
  await link.start()
  return { link, faults }
}

test("why a bridge is not spoken with is told as it is, to a browser that joins and to one that pairs", async () => {
  const bridge = await bridgeWith({}, { versions: [8, 9] })
  const { link, faults } = await startedLink(bridge)
  await vi.waitFor(() => expect(faults).not.toEqual([]), 3000)
  expect(faults[0]).toEqual({
    code: "IPFA_PROTOCOL_VERSION",
    message: expect.stringContaining("Update the older one"),
  })
  const pairing = link.pair(new URL(bridge.url).host, "ABCDEFGH", AbortSignal.timeout(3000))
  expect(await refusal(pairing)).toBe("IPFA_PROTOCOL_VERSION")
})

test("of a bridge that is gone without a word it is told that the connection ended", async () => {
  const bridge = await bridgeWith()
  const { link, faults } = await startedLink(bridge)
  await vi.waitFor(() => expect(link.state).toMatchObject({ state: "connected" }), 3000)
  bridge.peers[0]!.close()
  await vi.waitFor(() => expect(faults).not.toEqual([]), 3000)
  const { code, message } = fail("IPFA_PROTOCOL_CLOSED")
  expect(faults[0]).toEqual({ code, message })
})

test("a browser that is paused before it knows whether it is paired does not join", async () => {
  const bridge = await bridgeWith()
  const link = linkWith({ settings: settingsWith({ url: bridge.url, token: "the-token" }) })
  const started = link.start()
  link.pause()
  await started
  expect(link.state).toEqual({ state: "none" })
})

test("a browser that can't keep that it left the bridge has left it, and tells why it may come back", async () => {
  const bridge = await bridgeWith()
  const full = new DOMException("full disk", "QuotaExceededError")
  const settings = { ...settingsWith({ url: bridge.url, token: "the-token" }), set: () => Promise.reject(full) }
  const link = linkWith({ settings })
  await link.start()
  await vi.waitFor(() => expect(link.state).toMatchObject({ state: "connected" }), 3000)
  await expect(link.forget()).rejects.toBe(full)
  expect(link.state).toEqual({ state: "none" })
  await bridge.peers[0]!.closed
})

test("a browser that leaves the bridge while the bridge that its native host found is remembered has left", async () => {
  vi.stubGlobal("location", { origin: "chrome-extension://x" })
  ends.push(() => vi.unstubAllGlobals())
  const bridge = await bridgeWith()
  const [here, there] = runtimePorts("json")
  const host = new Peer(nativePort(there), {
    role: "host",
    handlers: { "host.pair": () => ({ url: bridge.url, token: "the-token" }) },
    caller: undefined,
  })
  ends.push(() => host.close())
  const remembering = Promise.withResolvers<void>()
  const remembered = Promise.withResolvers<void>()
  const set = async (_: string, value: unknown) => {
    if (value !== "host") return
    remembering.resolve()
    await remembered.promise
  }
  const link = linkWith({ settings: { ...settingsWith(undefined), set }, connectHost: () => here })
  await link.start()
  await remembering.promise
  await link.forget()
  remembered.resolve()
  await bridge.peers[0]!.closed
  expect(link.state).toEqual({ state: "none" })
})
