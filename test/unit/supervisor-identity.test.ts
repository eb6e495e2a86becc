import { expect, test } from "vitest"
import type { SettingsStore } from "../../engine/agent/settings.ts"
import { identify } from "../../extension/supervisor/identity.ts"

/** A store of settings, and with what its writing fails now. */
function settings() {
  const held = new Map<string, unknown>()
  const disk: { fault?: Error } = {}
  const store = {
    get: async (key) => held.get(key),
    async set(key, value) {
      if (disk.fault) throw disk.fault
      held.set(key, value)
    },
    delete: async (key) => void held.delete(key),
  } as SettingsStore
  return { store, disk }
}

test("an agent keeps its id, and counts how often it was started", async () => {
  const { store } = settings()
  const first = await identify(store, "chromium")
  expect(first).toEqual({ agent: expect.stringMatching(/^chromium-[0-9a-f]{8}$/), incarnation: 1 })
  expect(await identify(store, "chromium")).toEqual({ ...first, incarnation: 2 })
})

test("a full disk does not keep it from starting, and it is the same agent still", async () => {
  const { store, disk } = settings()
  const { agent } = await identify(store, "chromium")
  disk.fault = new DOMException("full disk", "QuotaExceededError")
  expect(await identify(store, "chromium")).toEqual({ agent, incarnation: 2 })
})

test("what else stands in the way does", async () => {
  const { store, disk } = settings()
  disk.fault = new Error("broken")
  await expect(identify(store, "chromium")).rejects.toThrow("broken")
})
