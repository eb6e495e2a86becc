import { expect, test } from "vitest"
import { identify } from "../../engine/agent/identity.ts"
import { fullDisk, memorySettings } from "../support/settings.ts"

test("an agent keeps its id, and counts how often it was started", async () => {
  const store = memorySettings()
  const first = await identify(store, "chromium")
  expect(first).toEqual({ agent: expect.stringMatching(/^chromium-[0-9a-f]{8}$/), incarnation: 1 })
  expect(await identify(store, "chromium")).toEqual({ ...first, incarnation: 2 })
})

test("a full disk does not keep it from starting, and it is the same agent still", async () => {
  const store = memorySettings()
  const { agent } = await identify(store, "chromium")
  store.fault = fullDisk()
  expect(await identify(store, "chromium")).toEqual({ agent, incarnation: 2 })
})

test("what else stands in the way does", async () => {
  const store = memorySettings()
  store.fault = new Error("broken")
  await expect(identify(store, "chromium")).rejects.toThrow("broken")
})
