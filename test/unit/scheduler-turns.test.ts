import { describe, expect, test } from "vitest"
import { seededRandom } from "../../bench/statistics.ts"
import { Turns } from "../../scheduler/index.ts"
import fc from "../property.ts"

interface Origin {
  name: string
  /** What one of its jobs takes, ms, and what it is expected to. */
  ms: number
  expectedMs?: number
  /** Jobs it has there at once; the next is asked for `gapMs` after one ended. */
  atOnce: number
  gapMs: number
  /** It varies at random (exponentially) about that. */
  varies?: boolean
}

/** A device that computes the first of those it was sent, and callers who ask again: an event at a time, by a clock of its own. */
function simulate(origins: readonly Origin[], forMs: number, depth = 2) {
  const turns = new Turns<{ origin: Origin; askedAt: number }>({ depth: depth })
  const sent: { origin: Origin; askedAt: number }[] = []
  const events: { at: number; run: () => void }[] = []
  const latencies = new Map(origins.map(({ name }) => [name, [] as number[]]))
  const took = new Map(origins.map(({ name }) => [name, 0]))
  const random = seededRandom(1)
  const gapMs = (origin: Origin) => origin.gapMs * (origin.varies ? -Math.log(1 - random()) : 1)
  let now = 0
  const at = (time: number, run: () => void) => {
    const index = events.findIndex((event) => event.at > time)
    events.splice(index < 0 ? events.length : index, 0, { at: time, run })
  }
  const ask = (origin: Origin) => {
    const { name, ms, expectedMs = ms } = origin
    turns.push({ origin: name, priority: 5, cost: expectedMs, value: { origin, askedAt: now } }, now)
    pump()
  }
  const pump = () => {
    for (let entry = turns.next(now); entry; entry = turns.next(now)) if (sent.push(entry.value) === 1) begin()
    const { heldUntil = Number.POSITIVE_INFINITY } = turns
    if (heldUntil < Number.POSITIVE_INFINITY) at(Math.max(heldUntil, now), pump)
  }
  const begin = () => {
    const job = sent[0]!
    at(now + job.origin.ms, () => {
      sent.shift()
      took.set(job.origin.name, took.get(job.origin.name)! + job.origin.ms)
      latencies.get(job.origin.name)!.push(now - job.askedAt)
      turns.ended(job, job.origin.ms, now)
      at(now + gapMs(job.origin), () => ask(job.origin))
      if (sent[0]) begin()
      pump()
    })
  }
  for (const origin of origins) for (let i = 0; i < origin.atOnce; i++) at(0, () => ask(origin))
  for (let event = events.shift(); event && event.at <= forMs; event = events.shift()) {
    now = event.at
    event.run()
  }
  return {
    p95: (name: string) =>
      latencies.get(name)!.toSorted((a, b) => a - b)[Math.floor(0.95 * latencies.get(name)!.length)]!,
    share: (name: string) => took.get(name)! / forMs,
  }
}

const flood = (ms: number, more: Partial<Origin> = {}): Origin => ({
  name: "flood",
  ms,
  atOnce: 200,
  gapMs: 0.2,
  ...more,
})
const quiet = (ms: number, more: Partial<Origin> = {}): Origin => ({
  name: "quiet",
  ms,
  atOnce: 1,
  gapMs: 0.5,
  ...more,
})

describe("an origin that asks one thing at a time, beside one that floods the device", () => {
  test.each([0.5, 1, 1.5, 2, 3, 5, 10, 20, 70])(
    "waits at p95 no more than twice as long as alone: jobs %d times as long as its own",
    (times) => {
      const forMs = 60_000
      const mine = quiet(7)
      const alone = simulate([mine], forMs).p95("quiet")
      const beside = simulate([mine, flood(7 * times)], forMs)
      expect(beside.p95("quiet")).toBeLessThanOrEqual(2 * alone)
      // And nobody starves.
      expect(beside.share("flood")).toBeGreaterThan(0.03)
    },
  )

  test.each([2, 5, 10].flatMap((gapMs) => [{ gapMs }, { gapMs, varies: true }]))(
    "also where it comes back like this: %o",
    (gap) => {
      const mine = quiet(7, gap)
      const alone = simulate([mine], 60_000).p95("quiet")
      for (const times of [3, 10]) {
        const beside = simulate([mine, flood(7 * times)], 60_000)
        expect(beside.p95("quiet"), `${times} times`).toBeLessThanOrEqual(2 * alone)
        expect(beside.share("flood")).toBeGreaterThan(0.03)
      }
    },
  )

  test.each([
    [140, 210],
    [140, 1400],
    [20, 4000],
  ])("also where its jobs of %d ms leave gaps of 60 ms, and the flood's take %d ms", (ms, floodMs) => {
    const mine = quiet(ms, { gapMs: 60 })
    const alone = simulate([mine], 600_000).p95("quiet")
    const beside = simulate([mine, flood(floodMs)], 600_000)
    expect(beside.p95("quiet")).toBeLessThanOrEqual(2 * alone)
    expect(beside.share("flood")).toBeGreaterThan(0.03)
  })

  test("also where the flood's jobs were expected to be short, and with several who flood", () => {
    const mine = quiet(7)
    const alone = simulate([mine], 60_000).p95("quiet")
    const floods = [flood(60, { expectedMs: 0.1 }), flood(7, { name: "other flood" })]
    expect(simulate([mine, ...floods], 60_000).p95("quiet")).toBeLessThanOrEqual(3 * alone)
    expect(simulate([mine, floods[0]!], 60_000).p95("quiet")).toBeLessThanOrEqual(2 * alone)
  })
})

test("two origins with a few jobs each share the time, whatever their jobs' lengths", () => {
  const { share } = simulate([flood(40, { atOnce: 3 }), quiet(4, { atOnce: 3 })], 60_000)
  expect(share("flood")).toBeGreaterThan(0.4)
  expect(share("quiet")).toBeGreaterThan(0.4)
})

test.each([0.5, 9])(
  "who works through a pile is left one part in 33 beside one whose jobs are hardly shorter, and come %d ms after each other",
  (gapMs) => {
    const { share } = simulate([flood(10), quiet(9, { gapMs })], 60_000)
    expect(share("flood")).toBeGreaterThan(0.03)
  },
)

test("a device is used all the time by who has it alone", () => {
  expect(simulate([flood(3)], 10_000).share("flood")).toBeGreaterThan(0.99)
  expect(simulate([flood(30)], 10_000).share("flood")).toBeGreaterThan(0.99)
})

test("many origins with a job at a time each keep a device busy", () => {
  const many = Array.from({ length: 16 }, (_, i) => quiet(20, { name: `caller ${i}` }))
  const { share } = simulate(many, 10_000)
  expect(many.reduce((sum, { name }) => sum + share(name), 0)).toBeGreaterThan(0.99)
})

test("who is waited for pays for the time: coming back late is no way to have a device alone", () => {
  for (const atOnce of [3, 24]) {
    const { share } = simulate([flood(45, { atOnce }), quiet(0.1, { gapMs: 40 })], 60_000)
    expect(share("flood"), `${atOnce} at once`).toBeGreaterThan(0.4)
  }
})

test("nothing is kept free for who works in idle time, nor for who does not come back", () => {
  const turns = new Turns<string>({ depth: 1 })
  const push = (origin: string, priority: number, now: number, value = origin) =>
    turns.push({ origin, priority, cost: 10, value }, now)
  // Each comes back at once, and is then away.
  for (const [origin, priority, now] of [
    ["tuner", 0, 0],
    ["page", 5, 100],
  ] as const) {
    for (const i of [0, 1]) {
      push(origin, priority, now + i)
      expect(turns.next(now + i)?.value).toBe(origin)
      turns.ended(origin, 1, now + i + 0.5)
    }
    push("other", 5, now + 2, "long")
    const next = turns.next(now + 2)?.value
    expect([origin, next]).toEqual([origin, origin === "tuner" ? "long" : undefined])
    if (next === undefined) {
      expect(turns.heldUntil).toBeCloseTo(now + 5.5)
      expect(turns.next(turns.heldUntil!)?.value).toBe("long")
      expect(turns.heldUntil).toBeUndefined()
    }
    turns.ended("long", 10, now + 12)
  }
})

test("a long job is not sent ahead of who may come before, but is to each place where the device computes", () => {
  const sent = (parallel: number, isAlone = false) => {
    const turns = new Turns<string>({ depth: 2 * parallel, parallel })
    const push = (origin: string, value: string) => turns.push({ origin, priority: 5, cost: 10, isAlone, value }, 0)
    push("pile", "before")
    expect(turns.next(0)?.value).toBe("before")
    turns.ended("before", 100, 100)
    push("modest", "one")
    expect(turns.next(100)?.value).toBe("one")
    turns.ended("one", 12, 112)
    for (let i = 0; i < 6; i++) push("pile", `long ${i}`)
    const all: string[] = []
    for (let entry = turns.next(500); entry; entry = turns.next(500)) all.push(entry.value)
    return all
  }
  expect(sent(1)).toEqual(["long 0"])
  expect(sent(2)).toEqual(["long 0", "long 1"])
  expect(sent(2, true)).toEqual(["long 0"])
})

test("each job is at the device once, and not more at once than may be, in any order of events", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 0, max: 30 }), fc.nat(3)), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(steps, (all) => {
      const turns = new Turns<number>({ depth: 2, capacity: 1000 })
      const inside: number[] = []
      const seen = new Set<number>()
      let now = 0
      const take = () => {
        for (let entry = turns.next(now); entry; entry = turns.next(now)) {
          expect(seen.has(entry.value)).toBe(false)
          seen.add(entry.value)
          inside.push(entry.value)
        }
        expect(inside.length).toBeLessThanOrEqual(2)
        expect(turns.running).toBe(inside.length)
      }
      for (const [i, [origin, cost, ends]] of all.entries()) {
        now += ends
        if (ends > 1 && inside.length > 0) turns.ended(inside.shift()!, ends, now)
        turns.push({ origin, priority: 5, cost, value: i }, now)
        take()
      }
      // It all comes to an end.
      for (let i = 0; i < 2000 && seen.size < all.length; i++) {
        now += 100
        if (inside.length > 0) turns.ended(inside.shift()!, 1, now)
        take()
      }
      expect(seen.size).toBe(all.length)
    }),
  )
})
