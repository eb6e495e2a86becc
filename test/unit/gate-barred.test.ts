import { beforeEach, expect, test } from "vitest"
import type { SettingsStore } from "../../engine/agent/settings.ts"
import { Gate } from "../../extension/gate/gate.ts"
import { type GrantStore, memoryGrants } from "../../extension/gate/grant-store.ts"
import { Prompts } from "../../extension/gate/prompts.ts"
import { SiteSwitches } from "../../extension/gate/site-switches.ts"
import { memorySettings } from "../support/settings.ts"

const A = "https://a.example"
const B = "https://b.example"
const infer = { grant: "infer" } as const
const request = { capabilities: ["infer" as const] }
const required = expect.objectContaining({ code: "IPFA_GRANT_REQUIRED" })
const denied = { code: "IPFA_GRANT_DENIED" }

let store: GrantStore
let settings: SettingsStore
let asked: number
let privateWindows: boolean
beforeEach(() => {
  store = memoryGrants()
  settings = memorySettings()
  asked = 0
  privateWindows = false
})

async function open(): Promise<{ gate: Gate; sites: SiteSwitches }> {
  const sites = await SiteSwitches.open(settings)
  const prompts: Prompts = new Prompts({
    show: async (id) => {
      asked++
      prompts.details(id)
      prompts.answer(id, "always")
    },
    close: () => {},
  })
  const gate = await Gate.open({
    store,
    prompts,
    browserSession: "s",
    uploaded: async () => false,
    bars: ({ origin, isPrivate }) => sites.isOff(origin) || (isPrivate && !privateWindows),
  })
  return { gate, sites }
}

test("a site that is switched off loses what runs, gets nothing and asks nobody; on again it has what it had", async () => {
  const { gate, sites } = await open()
  const [page, other] = [gate.enter(A), gate.enter(B)]
  await gate.request(page, request)
  await gate.request(other, request)
  const { revoked } = page.caller()
  await sites.set(A, false)
  gate.endBarred()
  expect(revoked.reason).toMatchObject({ code: "IPFA_GRANT_REVOKED" })
  expect(() => gate.authorise(infer, page)).toThrow(required)
  expect(() => gate.authorise(infer, other)).not.toThrow()
  await expect(gate.request(page, request)).rejects.toMatchObject(denied)
  expect(asked).toBe(2)
  await sites.set(A, true)
  expect(() => gate.authorise(infer, page)).not.toThrow()
  expect(page.caller().revoked.aborted).toBe(false)
})

test("a site stays switched off when the supervisor is started again", async () => {
  await (await open()).sites.set(A, false)
  const { gate, sites } = await open()
  expect(sites.off).toEqual([A])
  await expect(gate.request(gate.enter(A), request)).rejects.toMatchObject(denied)
})

test("a private window is refused as a person's no is, and asks nobody", async () => {
  const { gate } = await open()
  await gate.request(gate.enter(A), request)
  const page = gate.enter(A, true)
  expect(() => gate.authorise(infer, page)).toThrow(required)
  await expect(gate.request(page, request)).rejects.toMatchObject(denied)
  expect(asked).toBe(1)
})

test("where private windows are allowed, each page asks for itself, and nothing of it is kept", async () => {
  privateWindows = true
  const { gate } = await open()
  await gate.request(gate.enter(A), request)
  const page = gate.enter(A, true)
  expect(page.caller().isPrivate).toBe(true)
  // What the site holds elsewhere is not told there.
  expect(() => gate.authorise(infer, page)).toThrow(required)
  expect(await gate.request(page, request)).toMatchObject({ lifetime: "once" })
  expect(asked).toBe(2)
  expect(() => gate.authorise(infer, page)).not.toThrow()
  const visited = gate.enter(B, true)
  await gate.request(visited, request)
  expect((await store.all()).map(({ origin }) => origin)).toEqual([A])
  privateWindows = false
  gate.endBarred()
  expect(() => gate.authorise(infer, visited)).toThrow(required)
})
