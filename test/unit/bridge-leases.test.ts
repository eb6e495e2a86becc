import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { Fleet } from "../../bridge-server/fleet/fleet.ts"
import type { Member } from "../../bridge-server/fleet/member.ts"
import { fail, memoryPorts, Peer } from "../../protocol/index.ts"

const hardware = { devices: [], absent: [] }
let fleet: Fleet

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] })
  fleet = new Fleet()
})
afterEach(() => {
  fleet.close()
  vi.useRealTimers()
})

/** A member on a connection of its own. */
function join(agent: string, more: { native?: boolean; incarnation?: number } = {}): Member {
  const [here] = memoryPorts()
  const peer = new Peer(here, { role: "bridge" })
  return fleet.join({
    agent,
    browser: "chromium",
    version: "0",
    incarnation: 1,
    hardware,
    native: false,
    peer,
    ...more,
  })
}
const names = () => fleet.members.map((m) => m.agent)

test("silent for three seconds is suspect, for five is gone; a beat in between makes it as before", () => {
  const [quiet, lively] = [join("quiet"), join("lively")]
  for (let s = 1; s <= 4; s++) {
    vi.advanceTimersByTime(1000)
    fleet.beat(lively, { running: 0, waiting: 0 })
  }
  expect([quiet.suspect, lively.suspect]).toEqual([true, false])
  fleet.beat(quiet, { running: 0, waiting: 0 })
  expect(quiet.suspect).toBe(false)
  for (let s = 1; s <= 6; s++) {
    vi.advanceTimersByTime(1000)
    fleet.beat(lively, { running: 0, waiting: 0 })
  }
  expect(names()).toEqual(["lively"])
  expect(quiet.gone).toBe(true)
  expect(() => fleet.beat(quiet, { running: 0, waiting: 0 })).toThrow(
    expect.objectContaining({ code: "IPFA_AGENT_UNKNOWN" }),
  )
})

test("a machine that slept loses nobody: the silence was its own", () => {
  const member = join("laptop")
  vi.setSystemTime(Date.now() + 3_600_000)
  // The clock jumps, and no timer fires in between.
  const jump = performance.now() + 3_600_000
  vi.spyOn(performance, "now").mockImplementation(() => jump)
  vi.advanceTimersByTime(500)
  expect([names(), member.suspect]).toEqual([["laptop"], false])
  vi.restoreAllMocks()
})

test("a native process is never dropped for silence: it computes, or it has ended", () => {
  join("native", { native: true })
  vi.advanceTimersByTime(60_000)
  expect(names()).toEqual(["native"])
})

test("an agent that joins again on the same connection is one member, and the connection lives", () => {
  const [here] = memoryPorts()
  const peer = new Peer(here, { role: "bridge" })
  const options = {
    agent: "a",
    browser: "chromium",
    version: "0",
    incarnation: 1,
    hardware,
    native: false,
    peer,
  } as const
  fleet.join(options)
  const again = fleet.join(options)
  expect([names(), peer.isClosed, fleet.get("a") === again]).toEqual([["a"], false, true])
})

test("who waits for a change is woken by joining, leaving and news of hardware, and by the end of its own patience", async () => {
  const never = new AbortController()
  const woken = (signal = never.signal) =>
    fleet.changed(signal).then(
      () => "woken",
      (e) => e.code,
    )
  const joined = woken()
  const member = join("a")
  expect(await joined).toBe("woken")
  const news = woken()
  fleet.beat(member, { running: 0, waiting: 0, hardware })
  expect(await news).toBe("woken")
  const left = woken()
  fleet.drop(member, "test")
  expect(await left).toBe("woken")
  const patience = new AbortController()
  const waiting = woken(patience.signal)
  patience.abort(fail("IPFA_JOB_DEADLINE"))
  expect(await waiting).toBe("IPFA_JOB_DEADLINE")
})

test("why an agent left, which is logged, is said by the kind of error, not in words that may quote its messages", async () => {
  const left = Promise.withResolvers<string>()
  fleet.listen({ left: (_, reason) => left.resolve(reason) })
  join("a").peer.close(fail("IPFA_PROTOCOL_MALFORMED", { message: "the-secret-prompt: expected a string." }))
  expect(await left.promise).toBe(fail("IPFA_PROTOCOL_MALFORMED").message)
})

test("a name is an agent's before it is a browser's, also while that agent is on its way or found no device", () => {
  join("a")
  join("b")
  expect(fleet.named("chromium")).toEqual({ browser: "chromium" })
  const named = join("chromium")
  expect(fleet.named("chromium")).toEqual({ agent: "chromium" })
  fleet.drop(named, "test")
  expect(fleet.named("chromium")).toEqual({ agent: "chromium" })
  fleet.unexpect("chromium")
  expect(fleet.named("chromium")).toEqual({ browser: "chromium" })
  fleet.expect("native", [])
  fleet.addAbsent("native-gpu", [])
  expect([fleet.named("native"), fleet.named("native-gpu")]).toEqual([{ agent: "native" }, { agent: "native-gpu" }])
  const absent = { id: "wasm", backend: "wasm", agent: "x", browser: "native", reason: "it is starting" } as const
  fleet.expect("x", [absent])
  expect([fleet.isExpecting({ agent: "x" }), fleet.isExpecting({ agent: "native" })]).toEqual([true, false])
})

test("what is being started is absent with that reason, and waited for by those whom it would fit", () => {
  const absent = {
    id: "native-cpu",
    backend: "native-cpu",
    agent: "native",
    browser: "native",
    reason: "it is starting",
  } as const
  fleet.expect("native", [absent])
  expect(fleet.hardware()).toEqual({ devices: [], absent: [absent] })
  const fits: [object, boolean][] = [
    [{}, true],
    [{ agent: "native" }, true],
    [{ device: "native-cpu" }, true],
    [{ device: "webgpu" }, false],
    [{ agent: "laptop" }, false],
  ]
  for (const [wanted, does] of fits) expect(fleet.isExpecting(wanted), JSON.stringify(wanted)).toBe(does)
  join("native", { native: true })
  expect([fleet.isExpecting({}), fleet.hardware().absent]).toEqual([false, []])
})
