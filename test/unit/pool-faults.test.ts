import { afterEach, expect, test, vi } from "vitest"
import { AccelerateError, fail } from "../../protocol/index.ts"
import fc from "../property.ts"
import { adderHost, adderModel } from "../support/adder.ts"
import { type Client, testPool, value } from "../support/pool.ts"

afterEach(() => vi.useRealTimers())

const host = fc.nat(2)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      session: fc.nat(),
      x: fc.nat(9),
      cancel: fc.nat(3),
      keep: fc.boolean(),
      key: fc.nat(5),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("open" as const), client: fc.nat(2), model: fc.nat(3), forced: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), session: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("kill", "lose", "hold", "letGo", "vanish", "return" as const), host }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom("cancelOne", "disconnect", "revoke", "mayTune" as const),
      which: fc.nat(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 1, 50, 3_000, 60_000, 130_000) }),
  },
)

/** What a job may fail with when devices fail, callers leave and memory is short; anything else is a bug of the pool. */
const honest = new Set([
  "IPFA_JOB_CANCELLED",
  "IPFA_JOB_DEADLINE",
  "IPFA_JOB_LOST",
  "IPFA_DEVICE_LOST",
  "IPFA_DEVICE_NONE",
  "IPFA_DEVICE_MEMORY",
  "IPFA_SESSION_UNKNOWN",
  "IPFA_PROTOCOL_CLOSED",
  "IPFA_GRANT_REVOKED",
  "IPFA_QUEUE_FULL",
])

test("whatever fails, every call settles, every answer is right, and nothing is left behind", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] })
      const hosts = [adderHost("webgpu"), adderHost("wasm"), adderHost("native-cpu")]
      const found = hosts.map(({ devices }) => devices)
      for (const h of hosts) h.memoryBytes = 1000
      // So that workers are ended when nobody has a session there for a minute.
      for (const h of hosts) h.heapBytes = 2 ** 30
      // Room for three of the models at once.
      let mayTune = true
      const limits = { openMs: 20_000, runMs: 60_000, stuckMs: 5_000, tuneIdleMs: 1_000 }
      const t = testPool(hosts, { budgetBytes: 4000, limits, mayTune: () => mayTune })
      const models = [0, 1, 2, 3].map((i) => t.publish(`${i}`, adderModel(10 * i)))
      // Digests are computed on real threads, which no clock here drives: once, before anything fails.
      const first = t.connect({ origin: "https://first.test" })
      for (const model of models) await first.open(model)
      first.close()
      const connect = (i: number) => {
        const right = new AbortController()
        const limits = { concurrentJobs: i + 1 }
        return { client: t.connect({ origin: `https://${i}.test`, revoked: right.signal, limits }), right }
      }
      const clients = [0, 1, 2].map(connect)
      const sessions: { client: Client; id: string; bias: number }[] = []
      const calls: Promise<unknown>[] = []
      const aborts: AbortController[] = []
      const faults: unknown[] = []
      let unsettled = 0
      const watch = (call: Promise<unknown>) => {
        unsettled++
        const settled = call.then(
          () => unsettled--,
          (error) => {
            unsettled--
            if (!(error instanceof AccelerateError) || !honest.has(error.code)) faults.push(error)
          },
        )
        calls.push(settled)
      }
      const at = <T>(list: readonly T[], i: number) => list[i % list.length]
      for (const s of steps) {
        if (s.do === "open") {
          const { client } = clients[s.client]!
          const device = ["webgpu", "wasm", "native-cpu"][s.forced]
          watch(
            client.open(models[s.model]!, { device }).then(({ sessionId, device: { id } }) => {
              if (device && id !== device) faults.push(`${device} was forced, ${id} served`)
              sessions.push({ client, id: sessionId, bias: 10 * s.model })
            }),
          )
        } else if (s.do === "run") {
          const session = at(sessions, s.session)
          if (!session) continue
          const abort = new AbortController()
          aborts.push(abort)
          const deadlineMs = s.cancel === 1 ? 2_000 : undefined
          const key = s.key === 0 ? `${session.bias} ${s.x}` : undefined
          const run = session.client.run(session.id, s.x, { signal: abort.signal, deadlineMs, key, keep: s.keep })
          watch(
            run.then((result) => {
              if (!s.keep && value(result) !== s.x + session.bias)
                faults.push(`${s.x} + ${session.bias} is not ${value(result)}`)
              if (result.reruns > 1) faults.push("rerun twice")
            }),
          )
        } else if (s.do === "close") {
          const session = at(sessions, s.session)
          if (session) watch(session.client.peer.call("session.close", { sessionId: session.id }))
        } else if (s.do === "wait") await vi.advanceTimersByTimeAsync(s.ms)
        else if (s.do === "mayTune") mayTune = !mayTune
        else if (s.do === "cancelOne") at(aborts, s.which)?.abort()
        else if (s.do === "disconnect" || s.do === "revoke") {
          const i = s.which % 3
          if (s.do === "disconnect") clients[i]!.client.close()
          else clients[i]!.right.abort(fail("IPFA_GRANT_REVOKED"))
          clients[i] = connect(i)
        } else if (s.do === "vanish") hosts[s.host]!.devices = []
        else if (s.do === "return") hosts[s.host]!.devices = found[s.host]!
        else if (s.do === "kill" || s.do === "lose" || s.do === "hold" || s.do === "letGo") hosts[s.host]![s.do]()
      }
      // No more faults: all that is under way ends within its limits.
      for (const [i, h] of hosts.entries()) {
        h.letGo()
        h.devices = found[i]!
      }
      await vi.advanceTimersByTimeAsync(400_000)
      expect(faults).toEqual([])
      expect(unsettled).toBe(0)
      await Promise.all(calls)
      for (const { client } of clients) client.close()
      await vi.advanceTimersByTimeAsync(1000)
      const status = t.pool.status({ origin: "owner" })
      expect(status.sessions).toEqual([])
      expect(status.jobs).toMatchObject({ running: 0, waiting: 0 })
      const { devices } = await t.pool.hardware()
      expect(devices.map(({ state }) => state)).toEqual(devices.map(() => "ready"))
      for (const h of hosts) expect([...h.kept]).toEqual([])
      expect(hosts.reduce((sum, h) => sum + h.loaded.size, 0)).toBeLessThanOrEqual(4)
      // And it serves on.
      const { client } = connect(9)
      const { sessionId } = await client.open(models[1]!)
      expect(value(await client.run(sessionId, 1))).toBe(11)
      t.close()
      vi.useRealTimers()
    }),
    { numRuns: Number(process.env.IPFA_FAULT_RUNS ?? 60) },
  )
})
