import { writeFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { pathToFileURL } from "node:url"
import { expect, type MockInstance, test, vi } from "vitest"
import { Evidence } from "../../bridge-server/storage/index.ts"
import { digitImage, nativeIsThere, productModel, testBridge } from "../support/bridge.ts"

const REST_MS = 100

test("some time after its last job a bridge-server gives back the memory that it has freed, and not while a job runs", async () => {
  let gaveBack!: MockInstance<Evidence["giveBack"]>
  const t = await testBridge({
    restMs: REST_MS,
    evidence: async (file) => {
      const evidence = await Evidence.open(file, { software: "test" })
      gaveBack = vi.spyOn(evidence, "giveBack")
      return evidence
    },
  })
  try {
    await nativeIsThere(t.bridge)
    const times = () => gaveBack.mock.calls.length
    const file = path.join(t.dir, "slow.onnx")
    writeFileSync(file, productModel(1024, 200))
    const peer = await t.client()
    const slow = await peer.call("session.open", { model: pathToFileURL(file).href })
    const quick = await peer.call("session.open", { model: "digits" })
    await expect.poll(times, { timeout: 5000 }).toBe(1)
    await delay(2 * REST_MS)
    expect(times()).toBe(1)

    await peer.call("session.run", { sessionId: quick.sessionId, feeds: { image: digitImage(0) } })
    const start = performance.now()
    const x = { dtype: "float32" as const, shape: [1024, 1024], data: new Float32Array(1024 * 1024) }
    await peer.call("session.run", { sessionId: slow.sessionId, feeds: { x } })
    expect(performance.now() - start).toBeGreaterThan(2 * REST_MS)
    expect(times()).toBe(1)
    await expect.poll(times, { timeout: 5000 }).toBe(2)
    await Promise.all(gaveBack.mock.results.map(({ value }) => value))
  } finally {
    await t.close()
  }
})
