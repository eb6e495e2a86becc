import { setImmediate } from "node:timers/promises"
import { afterEach, expect, test } from "vitest"
import { adderHost, adderModel } from "../support/adder.ts"
import { type Client, keptId, type TestPool, testPool, value } from "../support/pool.ts"

let t: TestPool | undefined
afterEach(() => t?.close())

/** What may be said of memory that others need; each call ends with its answer or one of these. */
const short = new Set(["IPFA_DEVICE_NONE", "IPFA_DEVICE_MEMORY", "IPFA_SESSION_KEPT"])

function randomOf(seed: number) {
  let state = seed * 7919
  return (below: number) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % below
  }
}

test.each([1, 2, 3, 4])(
  "four origins that want more memory than there is: every call ends, every answer is right, nothing is left (seed %i)",
  async (seed) => {
    const random = randomOf(seed)
    const hosts = [adderHost("webgpu"), adderHost("wasm")]
    // Each takes more than its file says, which is known once it is open.
    for (const host of hosts) host.memoryBytes = 800
    const pool = testPool(hosts, { budgetBytes: 2400 + 200 * seed })
    t = pool
    const models = Array.from({ length: 6 }, (_, i) => pool.publish(`${i}`, adderModel(i + 1, 200 * (i + 1))))
    const refused: string[] = []
    const given: boolean[] = []
    const tried = async <T>(work: Promise<T>): Promise<T | undefined> => {
      try {
        return await work
      } catch (error) {
        refused.push((error as { code: string }).code)
        return undefined
      }
    }
    const runs = async (page: Client, sessionId: string, bias: number, x: number) => {
      const keep = random(3) > 0
      const result = await tried(page.run(sessionId, x, { keep }))
      if (!result) return
      if (!keep) return void given.push(value(result) === x + bias)
      const again = await tried(page.run(sessionId, keptId(result)))
      if (again) given.push(value(again) === x + 2 * bias)
    }
    const works = async (page: Client) => {
      for (let i = 0; i < 25; i++) {
        // As between messages of a real channel.
        await setImmediate()
        const bias = random(models.length) + 1
        const opened = await tried(page.open(models[bias - 1]!))
        if (!opened) continue
        const { sessionId } = opened
        for (let turn = 0; turn < 4; turn++) await Promise.all([0, 1, 2].map((x) => runs(page, sessionId, bias, x)))
        if (random(4) === 0) await page.peer.call("session.close", { sessionId })
      }
      page.close()
    }
    await Promise.all(["a", "b", "c", "d"].map((name) => works(pool.connect({ origin: `https://${name}.test` }))))
    expect(given.length).toBeGreaterThan(100)
    expect(given).not.toContain(false)
    expect(refused.filter((code) => !short.has(code))).toEqual([])
    await expect.poll(() => pool.pool.status({ origin: "owner" }).sessions).toEqual([])
    await expect.poll(() => hosts.map(({ kept }) => kept.size)).toEqual([0, 0])
  },
)
