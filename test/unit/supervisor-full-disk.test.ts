import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { BridgeLink } from "../../engine/agent/bridge-link.ts"
import { Surroundings } from "../../engine/agent/surroundings.ts"
import { Gate } from "../../extension/gate/gate.ts"
import { type GrantStore, memoryGrants } from "../../extension/gate/grant-store.ts"
import { Prompts } from "../../extension/gate/prompts.ts"
import { SiteSwitches } from "../../extension/gate/site-switches.ts"
import { eraseAll } from "../../extension/supervisor/erase.ts"
import { JobLog } from "../../extension/supervisor/job-log.ts"
import { Limits } from "../../extension/supervisor/limits.ts"
import { Owner, type OwnerParts } from "../../extension/supervisor/owner.ts"
import { Pages } from "../../extension/supervisor/pages.ts"
import { PreferenceKeeper } from "../../extension/supervisor/preferences.ts"
import { PromptPages } from "../../extension/supervisor/prompt-pages.ts"
import { memoryPorts, Peer, type Snapshot } from "../../protocol/index.ts"
import { type AdderHost, adderHost, adderModel, floats } from "../support/adder.ts"
import { memoryLibrary, refusal, type TestPool, testPool } from "../support/pool.ts"
import { fullDisk, memorySettings } from "../support/settings.ts"
import { someBytes } from "../support/store-cases.ts"

const A = "https://a.example"
const BRIDGE = { url: "ws://127.0.0.1:9/agent", token: "t" }
const LARGE = "https://models.example/large"

let wasm: AdderHost
let t: TestPool
let settings: ReturnType<typeof memorySettings>
let grants: GrantStore
let gate: Gate
let models: OwnerParts["models"]
let pages: Pages
let person: Peer
/** The last that the person's screens were told. */
let seen: Snapshot | undefined

beforeEach(async () => {
  seen = undefined
  wasm = adderHost("wasm")
  t = testPool([wasm])
  const { pool } = t
  settings = memorySettings()
  grants = memoryGrants()
  models = memoryLibrary(new Map([[LARGE, someBytes(2 ** 21)]]))
  const [preferences, sites] = [await PreferenceKeeper.open(settings), await SiteSwitches.open(settings)]
  const prompts: Prompts = new Prompts({ show: async (id) => prompts.answer(id, "always"), close: () => undefined })
  const onChange = () => owner.changed()
  gate = await Gate.open({
    store: grants,
    prompts,
    browserSession: "s",
    uploaded: async () => false,
    bars: ({ origin }) => sites.isOff(origin),
    onChange,
  })
  await settings.set("bridge", BRIDGE)
  const clock = { after: () => () => undefined }
  const agent = { agent: "agent-under-test", incarnation: 1, browser: "chromium", version: "0.0.0" } as const
  const bridge = new BridgeLink({ settings, pool, clock, ...agent, onChange, onPaired: () => undefined })
  const limits = new Limits({ pool, models, gate, bridge, preferences, surroundings: new Surroundings({}) })
  const log = { all: async () => [], write: async () => undefined, clear: async () => undefined }
  const owner: Owner = new Owner({
    gate,
    prompts: new PromptPages(prompts),
    pool,
    bridge,
    jobs: await JobLog.open(log),
    // Of IndexedDB, and asked nothing here.
    benchmarks: undefined as unknown as OwnerParts["benchmarks"],
    preferences,
    sites,
    models,
    limits,
    unerased: [],
    erase: () => eraseAll(gate, bridge),
  })
  pages = new Pages(gate, pool, () => undefined)
  await limits.obey()
  const [here, there] = memoryPorts()
  owner.accept(there)
  person = new Peer(here, { role: "owner" })
  const onEvent = (snapshot: Snapshot) => {
    seen = snapshot
  }
  person.call("owner.watch", {}, { onEvent }).catch(() => undefined)
  await expect.poll(() => seen?.bridge).toMatchObject({ url: BRIDGE.url })
})
afterEach(() => {
  person.close()
  t.close()
  vi.unstubAllGlobals()
})

/** A granted page of A's with a job that runs, and how that ends. */
async function working(): Promise<{ ended: Promise<string> }> {
  const [here, there] = memoryPorts()
  pages.accept(there, { origin: A, isPrivate: false })
  const page = new Peer(here, { role: "page" })
  await page.call("grant.request", { capabilities: ["infer"] })
  const { sessionId } = await page.call("session.open", { model: t.publish("one", adderModel(1)) })
  wasm.hold()
  const ended = refusal(page.call("session.run", { sessionId, feeds: { x: floats(1) } }))
  await wasm.begun(1)
  return { ended }
}

test("on a full disk a pause pauses, its screens show it, and the person is told that it is not kept", async () => {
  const { ended } = await working()
  settings.fault = fullDisk()
  expect(await refusal(person.call("owner.prefer", { paused: true }))).toBe("IPFA_STORE_QUOTA")
  expect(await ended).toBe("IPFA_JOB_PAUSED")
  await expect.poll(() => seen).toMatchObject({ paused: "person", preferences: { paused: true } })
})

test("on a full disk less room for models makes room", async () => {
  const { read } = await models.acquire(LARGE, { owner: A })
  await read()
  settings.fault = fullDisk()
  expect(await refusal(person.call("owner.prefer", { storeBytes: 2 ** 20 }))).toBe("IPFA_STORE_QUOTA")
  expect(await models.list()).toEqual({ models: [], usedBytes: 0, quotaBytes: 2 ** 20 })
})

test("on a full disk a site that is switched off loses what runs, and its switch shows it", async () => {
  const { ended } = await working()
  settings.fault = fullDisk()
  expect(await refusal(person.call("site.switch", { origin: A, on: false }))).toBe("IPFA_STORE_QUOTA")
  expect(await ended).toBe("IPFA_GRANT_REVOKED")
  await expect.poll(() => seen?.blocked).toEqual([A])
})

test("what is taken back and can't be deleted on the disk holds all the same, and the screens show it", async () => {
  const { ended } = await working()
  grants.delete = () => Promise.reject(fullDisk())
  settings.fault = fullDisk()
  expect(await refusal(person.call("grant.revoke", { origin: A }))).toBe("IPFA_STORE_QUOTA")
  expect(await ended).toBe("IPFA_GRANT_REVOKED")
  expect(await refusal(person.call("bridge.forget", {}))).toBe("IPFA_STORE_QUOTA")
  await expect.poll(() => [seen?.grants, seen?.bridge]).toEqual([[], { state: "none" }])
})

test("on a full disk everything is deleted all the same: what can't be written of that goes with the rest", async () => {
  const kept = new Map<string, string>()
  vi.stubGlobal("sessionStorage", { setItem: (key: string, value: string) => kept.set(key, value) })
  const reload = vi.fn()
  vi.stubGlobal("location", { reload })
  const { ended } = await working()
  grants.delete = () => Promise.reject(fullDisk())
  settings.fault = fullDisk()
  expect(await person.call("owner.erase", {})).toEqual({})
  expect(await ended).toBe("IPFA_GRANT_REVOKED")
  await expect.poll(() => reload.mock.calls.length).toBe(1)
  // By which the next start knows.
  expect([...kept.values()]).toEqual(["0"])
})
