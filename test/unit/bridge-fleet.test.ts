import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { hostForms, networkOf, ownOrigins } from "../../bridge-server/access/addresses.ts"
import { presentedToken } from "../../bridge-server/access/token.ts"
import { type AgentSession, AgentSessions } from "../../bridge-server/fleet/agent-sessions.ts"
import { Aliases } from "../../bridge-server/fleet/aliases.ts"
import { Averages } from "../../bridge-server/fleet/averages.ts"
import { Leased } from "../../bridge-server/fleet/leased.ts"
import { type AgentPeer, Member } from "../../bridge-server/fleet/member.ts"
import { type BridgeModel, FleetModels } from "../../bridge-server/fleet/models.ts"
import type { Placed, Placement } from "../../bridge-server/fleet/placement.ts"
import { Slots } from "../../bridge-server/fleet/slots.ts"
import type { AcquiredModel, ModelSource } from "../../engine/model-source.ts"
import { fail, isExtensionOrigin, UPLOAD_PART_BYTES } from "../../protocol/index.ts"
import { Turns } from "../../scheduler/index.ts"

const never = new AbortController().signal

describe("slots", () => {
  const enter = (
    slots: Slots,
    device: object,
    origin: string,
    more: { priority?: number; signal?: AbortSignal; bytes?: number; parallel?: number } = {},
  ) => slots.enter(device, { origin, priority: 5, signal: never, cost: 1, ...more })

  test("two jobs at once on a device, and one more for each that leaves", async () => {
    const slots = new Slots()
    const device = {}
    const order: number[] = []
    const leave = await Promise.all([enter(slots, device, "a"), enter(slots, device, "a")])
    const waiting = [2, 3].map((i) =>
      enter(slots, device, "a").then((leave) => {
        order.push(i)
        return leave
      }),
    )
    expect([slots.running, slots.waiting, slots.load(device)]).toEqual([2, 2, 4])
    leave[0]!()
    leave[0]!()
    await waiting[0]
    expect([order, slots.running, slots.waiting]).toEqual([[2], 2, 1])
    leave[1]!()
    await waiting[1]
    expect(order).toEqual([2, 3])
  })

  test("twice what a device computes at the same time", async () => {
    const slots = new Slots()
    const device = {}
    const entering = Array.from({ length: 5 }, () => enter(slots, device, "a", { parallel: 2 }))
    const [leave] = await Promise.all(entering.slice(0, 4))
    expect([slots.running, slots.waiting]).toEqual([4, 1])
    leave!()
    await entering[4]
    expect([slots.running, slots.waiting]).toEqual([4, 0])
  })

  test.each([
    ["one at a time, to the first of them", 1, { long: 40, short: 0 }],
    ["two at a time, to both in equal parts", 2, { long: 20, short: 20 }],
  ])("the time of a device that computes %s is charged", async (_how, parallel, expected) => {
    vi.useFakeTimers({ toFake: ["performance"] })
    const ended = vi.spyOn(Turns.prototype, "ended")
    onTestFinished(() => {
      vi.useRealTimers()
      ended.mockRestore()
    })
    const slots = new Slots()
    const device = {}
    const charged = { long: 0, short: 0 }
    const come = async (origin: "long" | "short") => {
      const leave = await enter(slots, device, origin, { parallel })
      return () => {
        leave()
        charged[origin] += ended.mock.lastCall![1]
      }
    }
    const long = await come("long")
    for (let i = 0; i < 10; i++) {
      const short = await come("short")
      vi.advanceTimersByTime(4)
      short()
    }
    long()
    expect(charged).toEqual(expected)
  })

  test("devices don't wait for each other", async () => {
    const slots = new Slots()
    const [a, b] = [{}, {}]
    await Promise.all([enter(slots, a, "x"), enter(slots, a, "x")])
    void enter(slots, a, "x")
    await enter(slots, b, "x")
    expect([slots.running, slots.waiting]).toEqual([3, 1])
  })

  test("one with a long queue does not keep another waiting to its end", async () => {
    // Each job takes as long as the others, whatever the machine does meanwhile.
    vi.useFakeTimers({ toFake: ["performance"] })
    onTestFinished(() => void vi.useRealTimers())
    const slots = new Slots()
    const device = {}
    const leaves = await Promise.all([enter(slots, device, "greedy"), enter(slots, device, "greedy")])
    const order: string[] = []
    const wait = (origin: string) =>
      enter(slots, device, origin).then((leave) => {
        order.push(origin)
        leaves.push(leave)
      })
    const all = [...Array.from({ length: 6 }, () => wait("greedy")), wait("modest"), wait("modest")]
    for (let i = 0; i < all.length; i++) {
      vi.advanceTimersByTime(1)
      leaves[i]!()
      await new Promise(setImmediate)
    }
    await Promise.all(all)
    expect(order.indexOf("modest")).toBeLessThan(3)
    expect(order.lastIndexOf("modest")).toBeLessThan(6)
  })

  test("who gives up while waiting leaves the queue", async () => {
    const slots = new Slots()
    const device = {}
    const [leave] = await Promise.all([enter(slots, device, "a"), enter(slots, device, "a")])
    const gone = new AbortController()
    const given = enter(slots, device, "a", { signal: gone.signal })
    const next = enter(slots, device, "a")
    gone.abort(fail("IPFA_JOB_CANCELLED"))
    await expect(given).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    leave!()
    await next
    expect(slots.waiting).toBe(0)
  })

  test("more than the queue holds are refused, the greedy one's first", async () => {
    const slots = new Slots()
    const device = {}
    await Promise.all([enter(slots, device, "a"), enter(slots, device, "a")])
    const greedy = Array.from({ length: 513 }, () =>
      enter(slots, device, "greedy").then(
        () => "in",
        (e) => e.code,
      ),
    )
    expect(await greedy[512]).toBe("IPFA_QUEUE_FULL")
    void enter(slots, device, "modest")
    expect(await greedy[511]).toBe("IPFA_QUEUE_FULL")
    expect(slots.waiting).toBe(512)
  })

  test("what one caller's waiting jobs hold in memory is bounded, and what is on the device does not count", async () => {
    const slots = new Slots()
    const device = {}
    const half = { bytes: 2 ** 29 }
    const leaves = await Promise.all([enter(slots, device, "a", half), enter(slots, device, "a", half)])
    const waiting = [enter(slots, device, "a", half), enter(slots, device, "a", half)]
    await expect(enter(slots, device, "a", half)).rejects.toMatchObject({ code: "IPFA_QUEUE_FULL" })
    const other = enter(slots, device, "b", half)
    for (const leave of leaves) leave()
    await Promise.all([waiting[0], other])
    void enter(slots, device, "a", half)
    expect(slots.waiting).toBe(2)
  })
})

test("a model's file is given to an agent in pieces, as they are read", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "ipfa give "))
  try {
    const file = path.join(dir, "model")
    const bytes = randomBytes(2 * UPLOAD_PART_BYTES + 5)
    writeFileSync(file, bytes)
    const parts: { offset: number; total: number; bytes: Uint8Array }[] = []
    const call = async (_method: string, part: (typeof parts)[number]) => void parts.push(part)
    const member = { peer: { call } } as unknown as Member
    const whole = async () => expect.unreachable("it is not read whole")
    const model = { sha256: "s", bytes: bytes.byteLength, path: file, read: whole } as unknown as AcquiredModel
    await new FleetModels({} as ModelSource, new Aliases({})).give(member, model)
    expect(parts.map(({ offset, total, bytes }) => [offset, total, bytes.byteLength])).toEqual([
      [0, bytes.byteLength, UPLOAD_PART_BYTES],
      [UPLOAD_PART_BYTES, bytes.byteLength, UPLOAD_PART_BYTES],
      [2 * UPLOAD_PART_BYTES, bytes.byteLength, 5],
    ])
    expect(Buffer.concat(parts.map((part) => part.bytes)).equals(bytes)).toBe(true)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

describe("work that was given up and has not ended yet", () => {
  const cancelled = () => {
    const caller = new AbortController()
    return { signal: caller.signal, cancel: () => caller.abort(fail("IPFA_JOB_CANCELLED")) }
  }
  /** An agent that never hears of a cancellation: its first call ends when it is let go, the others do at once. */
  const deafMember = (until: Promise<unknown> = new Promise(() => {}), calls: unknown[][] = []) => {
    const call = (...what: unknown[]) => (calls.push(what) === 1 ? until : Promise.resolve({ openMs: 1 }))
    const peer = { call, close() {}, closed: new Promise<undefined>(() => {}), isClosed: false } as unknown as AgentPeer
    const hardware = { devices: [], absent: [] }
    return new Member({
      agent: "a",
      browser: "chromium",
      version: "1",
      incarnation: 1,
      hardware,
      peer,
      native: false,
    })
  }
  const models = new FleetModels({} as ModelSource, new Aliases({}))
  const file = { sha256: "s", bytes: 1, read: async () => new Uint8Array(1) } as unknown as AcquiredModel

  test("is begun anew for a model's bytes, once it has ended", async () => {
    const { promise: ended, reject: end } = Promise.withResolvers<never>()
    const member = deafMember(ended)
    const first = cancelled()
    const given = models.give(member, file, first.signal)
    await new Promise(setImmediate)
    first.cancel()
    await expect(given).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    const again = models.give(member, file, AbortSignal.timeout(2000))
    end(fail("IPFA_JOB_CANCELLED"))
    await again
  })

  test("is begun anew for a session", async () => {
    const sessions = new AgentSessions(models, new Averages())
    const device = deafMember().device("webgpu")
    const model = { key: "k", sha256: "s", main: file, external: [] } as unknown as BridgeModel
    const first = cancelled()
    const opened = sessions.lease(device, model, { signal: first.signal, priority: 5 })
    first.cancel()
    await expect(opened).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    const session = await sessions.lease(device, model, { signal: AbortSignal.timeout(2000), priority: 5 })
    expect(session.info).toEqual({ openMs: 1 })
    sessions.close()
  })

  test.each([
    ["some time later, where nobody wanted it meanwhile", false],
    ["at once, where another has been opened instead", true],
  ])("and ends all the same, is given back to the agent: %s", async (_, isReplaced) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    onTestFinished(() => void vi.useRealTimers())
    const opened = Promise.withResolvers<unknown>()
    const calls: unknown[][] = []
    const sessions = new AgentSessions(models, new Averages())
    const device = deafMember(opened.promise, calls).device("webgpu")
    const model = { key: "k", sha256: "s", main: file, external: [] } as unknown as BridgeModel
    const first = cancelled()
    const given = sessions.lease(device, model, { signal: first.signal, priority: 5 })
    first.cancel()
    await expect(given).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    if (isReplaced) await sessions.lease(device, model, { signal: never, priority: 5 })
    opened.resolve({ openMs: 1, sessionId: "nobody's" })
    await vi.advanceTimersByTimeAsync(isReplaced ? 0 : 60_000)
    expect(calls.at(-1)).toEqual(["session.close", { sessionId: "nobody's" }])
    expect(sessions.isOpen(device, "k")).toBe(isReplaced)
    sessions.close()
  })

  test("is begun anew for a caller's lease", async () => {
    const sessions = new AgentSessions(models, new Averages())
    const device = deafMember().device("webgpu")
    const model = { key: "k", sha256: "s", main: file, external: [] } as unknown as BridgeModel
    const placement = {
      place: async (_model, _wanted, options) => ({ session: await sessions.lease(device, model, options) }),
    } satisfies Pick<Placement, "place"> as unknown as Placement
    const leased = new Leased(model, {}, "owner", placement, sessions)
    const first = cancelled()
    const given = leased.current({ signal: first.signal, priority: 5 })
    first.cancel()
    const again = leased.current({ signal: AbortSignal.timeout(2000), priority: 5 })
    await expect(given).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    expect((await again).info).toEqual({ openMs: 1 })
    sessions.close()
  })

  test("and ends all the same, leaves a caller's lease as it is and gives its session back", async () => {
    const opened = Promise.withResolvers<Placed>()
    const released: unknown[] = []
    const placement = { place: () => opened.promise } as unknown as Placement
    const sessions = { release: (session: unknown) => released.push(session) } as unknown as AgentSessions
    const leased = new Leased({} as BridgeModel, {}, "owner", placement, sessions)
    const first = cancelled()
    const given = leased.current({ signal: first.signal, priority: 5 })
    first.cancel()
    await expect(given).rejects.toMatchObject({ code: "IPFA_JOB_CANCELLED" })
    const session = {} as AgentSession
    opened.resolve({ session })
    await vi.waitFor(() => expect(released).toEqual([session]))
    expect(leased.session).toBeUndefined()
  })
})

test("a session that the agent closed by itself is used by nobody, and not idle for less than no time", () => {
  let now = 0
  const clock = vi.spyOn(performance, "now").mockImplementation(() => ++now)
  const sessions = new AgentSessions({} as FleetModels, new Averages())
  const session = { device: {}, model: { key: "k" } } as unknown as AgentSession
  const use = sessions.use(session)
  clock.mockRestore()
  expect(use).toEqual({ users: 0, idleMs: 0 })
})

test("averages follow runs, count what was seeded, and leave first runs and failures out", () => {
  const averages = new Averages()
  const measured = { at: 0, backend: "b", adapter: "a", model: "m", device: "d", ok: true } as const
  averages.seed("agent", [
    { ...measured, kind: "open", ms: 40 },
    { ...measured, kind: "first", ms: 1000 },
    { ...measured, kind: "run", ms: 10 },
    { ...measured, kind: "run", ms: 1, ok: false },
  ])
  expect(averages.get("agent/d", "m")).toEqual({ runs: 1, runMs: 10, openMs: 40 })
  averages.ran("agent/d", "m", 20)
  expect(averages.get("agent/d", "m")).toEqual({ runs: 2, runMs: 12, openMs: 40 })
  expect(averages.get("agent/d", "other")).toEqual({ runs: 0 })
})

test("averages are kept of the pairs that were measured last, however many there were", () => {
  const averages = new Averages()
  averages.ran("old", "m", 1)
  for (let i = 0; i < 20_000; i++) {
    averages.ran(`${i}`, "m", 1)
    if (i % 1000 === 0) averages.ran("used", "m", 1)
  }
  expect(averages.get("old", "m").runs).toBe(0)
  expect(averages.get("used", "m").runs).toBe(20)
})

test("a name stands for its reference, a reference for itself, anything else for nothing", () => {
  const aliases = new Aliases({ extra: { mine: "sha256:abc" } })
  expect(aliases.resolve("digits")).toMatch(/^file:.*digits\.onnx$/)
  expect(aliases.resolve("mine")).toBe("sha256:abc")
  expect(aliases.resolve("https://a.example/m.onnx")).toBe("https://a.example/m.onnx")
  for (const name of ["nothing", "__proto__", "constructor", ""])
    expect(() => aliases.resolve(name)).toThrow(/no model of that name/)
  for (const name of ["a:b", "../x", "", "a b"]) expect(() => aliases.add(name, "sha256:abc")).toThrow()
})

test("a Host header's exact forms, by address, port and scheme", () => {
  const at = (more: object) => [...hostForms({ host: "127.0.0.1", port: 8790, tls: false, ...more })].sort()
  expect(at({})).toEqual(["127.0.0.1:8790", "[::1]:8790", "localhost:8790"])
  expect(at({ port: 80 })).toContain("localhost")
  expect(at({ port: 443 })).not.toContain("localhost")
  expect(at({ port: 443, tls: true })).toContain("localhost")
  expect(at({ host: "192.168.1.2" })).toContain("192.168.1.2:8790")
  expect(at({ host: "0.0.0.0", alsoKnownAs: ["Gpu.lan", "gpu.example:443"] })).toEqual(
    expect.arrayContaining(["gpu.lan:8790", "gpu.example:443"]),
  )
  expect(at({ host: "0.0.0.0" })).not.toContain("0.0.0.0:8790")
  expect([...ownOrigins(new Set(["localhost:1"]), true)]).toEqual(["https://localhost:1"])
})

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:0:1::7", "2001:db8:0:1"],
  ["2001:0db8::1:0:0:7", "2001:db8:0:0"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["", ""],
])("attempts from %s are counted for %s", (address, network) => {
  expect(networkOf(address)).toBe(network)
})

test("only an installed extension's origin counts as one", () => {
  for (const origin of [
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://6b9e0c4c-0000-4000-8000-000000000000",
  ])
    expect(isExtensionOrigin(origin)).toBe(true)
  for (const origin of [
    "chrome-extension://",
    "chrome-extension://a/b",
    "https://chrome-extension",
    "chrome-extension://a.b",
    "null",
    " chrome-extension://a",
  ])
    expect(isExtensionOrigin(origin)).toBe(false)
})

test("a token comes in its header or as a subprotocol, and nowhere else", () => {
  expect(presentedToken({ authorization: "Bearer abc-_.~" })).toBe("abc-_.~")
  expect(presentedToken({ authorization: "bearer abc" })).toBe("abc")
  expect(presentedToken({ "sec-websocket-protocol": "ipfa.v1, ipfa.token.abc" })).toBe("abc")
  for (const headers of [
    {},
    { authorization: "abc" },
    { authorization: "Basic abc" },
    { authorization: "Bearer a b" },
    { "sec-websocket-protocol": "ipfa.v1" },
  ])
    expect(presentedToken(headers)).toBeUndefined()
})
