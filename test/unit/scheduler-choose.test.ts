import { describe, expect, test } from "vitest"
import { type Candidate, choose, type Need, selectorMatches } from "../../scheduler/index.ts"
import fc from "../property.ts"

const candidate = (device: string, more: Partial<Candidate> = {}): Candidate => ({
  id: device,
  device,
  backend: device.split(/[:#]/)[0]!,
  fallbackAdapter: false,
  state: "ready",
  probe: { ok: true },
  resident: false,
  queued: 0,
  runs: 0,
  ...more,
})
const need = (more: Partial<Need> = {}): Need => ({ bytes: 1e6, now: 1_000_000, ...more })
const half = () => 0.5
const order = (...args: Parameters<typeof choose>) => choose(...args).ranked.map((x) => x.id)

/** mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describe("default order", () => {
  const all = [
    candidate("wasm"),
    candidate("webgpu#1", { fallbackAdapter: true }),
    candidate("native-cpu"),
    candidate("webnn:npu"),
    candidate("webgpu"),
    candidate("native-cuda"),
  ]

  test.each([
    ["unknown", undefined],
    ["MobileNetV2's", 6e8],
    ["very large", 1e13],
  ])(
    "without measurements, of a model whose size is %s, is GPUs before CPUs, and a fallback adapter last",
    (_, flops) => {
      const expected = ["native-cuda", "webgpu", "webnn:npu", "native-cpu", "wasm", "webgpu#1"]
      for (const seed of [1, 2, 3]) expect(order(need({ flops }), all, seeded(seed))).toEqual(expected)
    },
  )

  test.each([undefined, 2e5, 6e8, 1e13])(
    "has our own kernels last, on a fallback adapter too, for %s operations",
    (flops) => {
      const ours = [candidate("wgsl"), candidate("wgsl#1", { fallbackAdapter: true })]
      const without = order(need({ flops }), all, half)
      const real = without.indexOf("webgpu#1")
      for (const seed of [1, 2, 3])
        expect(order(need({ flops }), [...ours, ...all], seeded(seed))).toEqual([
          ...without.slice(0, real),
          "wgsl",
          "webgpu#1",
          "wgsl#1",
        ])
    },
  )

  test("gives way to measurements: our own kernels come first where they were faster", () => {
    const measured = [candidate("webgpu", { runMs: 9, runs: 5 }), candidate("wgsl", { runMs: 5, runs: 5 })]
    expect(order(need(), [...measured, candidate("wasm")], half)).toEqual(["wgsl", "webgpu", "wasm"])
  })

  test("turns round for a tiny model, which is done before a GPU has answered; a fallback adapter stays last", () => {
    const expected = ["native-cpu", "wasm", "native-cuda", "webnn:npu", "webgpu", "webgpu#1"]
    // Handwritten digits, keywords: 2e5 and 5e6 operations.
    for (const seed of [1, 2, 3]) {
      expect(order(need({ flops: 2e5 }), all, seeded(seed))).toEqual(expected)
      expect(order(need({ flops: 5e6 }), all, seeded(seed)).slice(0, 2)).toEqual(["native-cpu", "wasm"])
    }
  })

  test("gives way to any measurement, whatever the size", () => {
    const measured = [candidate("wasm"), candidate("webgpu", { runMs: 90, runs: 1 })]
    expect(order(need({ flops: 2e5 }), measured, half)[0]).toBe("webgpu")
  })

  test("a long queue sends an unmeasured job on to the next class", () => {
    expect(order(need(), [candidate("webgpu", { queued: 100 }), candidate("wasm")], half)[0]).toBe("wasm")
  })
})

describe("measured choice", () => {
  test("the measured faster device wins over the default order", () => {
    const all = [candidate("webgpu", { runMs: 90, runs: 5 }), candidate("wasm", { runMs: 8, runs: 5 })]
    expect(order(need(), all, half)[0]).toBe("wasm")
  })

  test("an unmeasured device is not tried at a caller's cost where a measured one is there", () => {
    const all = [candidate("native-cuda"), candidate("wasm", { runMs: 5000, runs: 1, queued: 50 })]
    expect(order(need(), all, half)).toEqual(["wasm", "native-cuda"])
  })

  test("a fallback adapter comes last even when it alone was measured", () => {
    const all = [candidate("webgpu", { fallbackAdapter: true, runMs: 1, runs: 99 }), candidate("wasm")]
    expect(order(need(), all, half)).toEqual(["wasm", "webgpu"])
  })

  test("weights that are there outweigh a slightly faster run elsewhere, until enough runs pay for the opening", () => {
    const all = [
      candidate("webgpu", { runMs: 5, runs: 9, openMs: 400 }),
      candidate("wasm", { runMs: 30, runs: 9, resident: true }),
    ]
    expect(order(need(), all, half)[0]).toBe("wasm")
    expect(order(need({ runs: 50 }), all, half)[0]).toBe("webgpu")
  })

  test("jobs that wait count at the expected time of a run", () => {
    const all = [
      candidate("webgpu", { runMs: 10, runs: 9, queued: 9, resident: true }),
      candidate("wasm", { runMs: 60, runs: 9, resident: true }),
    ]
    expect(order(need(), all, half)[0]).toBe("wasm")
  })
})

describe("rejections", () => {
  test.each([
    ["device", candidate("wasm"), { device: "webgpu" }],
    ["agent", candidate("wasm", { agent: "a", browser: "firefox" }), { agent: "b" }],
    ["agent", candidate("wasm", { agent: "a", browser: "firefox" }), { browser: "chromium" }],
    ["excluded", candidate("wasm"), { exclude: ["wasm"] }],
    ["cooling", candidate("wasm", { coolingUntil: 1_000_001 }), {}],
    ["cooling", candidate("wasm", { state: "cooling" }), {}],
    ["lost", candidate("wasm", { state: "lost" }), {}],
    ["probe", candidate("wasm", { probe: { ok: false, reason: "off by 2" } }), {}],
    ["unsupported", candidate("wasm", { unsupported: "no float16" }), {}],
    ["memory", candidate("wasm", { freeBytes: 999_999 }), {}],
  ] as const)("%s", (kind, c, more) => {
    const { ranked, rejected } = choose(need(more), [c], half)
    expect(ranked).toEqual([])
    expect(rejected).toEqual([{ id: "wasm", kind, reason: expect.stringMatching(/\w+ \w+/) }])
  })

  test("a cooling that has passed, weights that are there, and an agent named by its browser don't reject", () => {
    const c = candidate("wasm", { state: "cooling", coolingUntil: 1_000_000, resident: true, freeBytes: 0 })
    const firefox = { ...c, agent: "a", browser: "firefox" }
    expect(order(need({ browser: "firefox" }), [firefox], half)).toEqual(["wasm"])
    expect(order(need({ agent: "firefox" }), [firefox], half)).toEqual([])
  })

  test("what would have come first is named when it was passed over, and only then", () => {
    const lost = candidate("webgpu", { state: "lost" })
    expect(choose(need(), [lost, candidate("wasm")], half).passedOver?.id).toBe("webgpu")
    expect(choose(need(), [candidate("webgpu"), candidate("wasm", { state: "lost" })], half).passedOver).toBeUndefined()
    // Not asked for is not passed over.
    expect(choose(need({ device: "wasm" }), [lost, candidate("wasm")], half).passedOver).toBeUndefined()
    // Nor is a fallback adapter, which would have come last.
    expect(choose(need(), [{ ...lost, fallbackAdapter: true }, candidate("wasm")], half).passedOver).toBeUndefined()
  })
})

describe("selectors", () => {
  test.each([
    ["webgpu", "webgpu", true],
    ["webgpu", "webgpu#1", true],
    ["webnn", "webnn:npu", true],
    ["webnn:npu", "webnn:gpu", false],
    ["webnn:npu", "webnn", false],
    ["native-cuda#1", "native-cuda#1", true],
    ["native-cuda#1", "native-cuda", false],
    ["native-cuda#0", "native-cuda", true],
    ["web", "webgpu", false],
    ["", "webgpu", false],
  ])("%s means %s: %s", (wanted, device, expected) => {
    expect(selectorMatches(wanted, device)).toBe(expected)
  })
})

const backends = ["webgpu", "wasm", "webnn:npu", "native-cpu", "native-cuda#1"]
const anyCandidate = fc
  .record({
    device: fc.constantFrom(...backends),
    fallbackAdapter: fc.boolean(),
    state: fc.constantFrom("ready", "busy", "cooling", "lost" as const),
    probe: fc.record({ ok: fc.boolean() }),
    unsupported: fc.option(fc.constant("no such operator"), { nil: undefined }),
    resident: fc.boolean(),
    freeBytes: fc.option(fc.nat(4e6), { nil: undefined }),
    queued: fc.nat(20),
    runMs: fc.option(fc.double({ min: 0.01, max: 1e4, noNaN: true }), { nil: undefined }),
    runs: fc.nat(3),
    openMs: fc.option(fc.nat(5000), { nil: undefined }),
    coolingUntil: fc.option(fc.nat(2_000_000), { nil: undefined }),
    agent: fc.constantFrom("a", "b", "c"),
  })
  .map((c) => ({ ...c, backend: c.device.split(/[:#]/)[0]! }))
const candidates = fc.array(anyCandidate, { maxLength: 12 }).map((all) => all.map((c, i) => ({ ...c, id: `${i}` })))
const anyNeed = fc.record({
  bytes: fc.nat(4e6),
  now: fc.constant(1_000_000),
  device: fc.option(fc.constantFrom("webgpu", "wasm", "webnn", "native-cuda#1", "webnn:cpu"), { nil: undefined }),
  agent: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
  exclude: fc.array(fc.constantFrom("0", "1", "2")),
  runs: fc.option(fc.nat(100), { nil: undefined }),
})

describe("for any candidates", () => {
  test("each is ranked or rejected with a reason, once", () => {
    fc.assert(
      fc.property(anyNeed, candidates, fc.integer(), (n, all, seed) => {
        const { ranked, rejected } = choose(n, all, seeded(seed))
        expect([...ranked, ...rejected].map((x) => x.id).sort()).toEqual(all.map((x) => x.id).sort())
        for (const { reason } of rejected) expect(reason.length).toBeGreaterThan(5)
        for (const { expectedMs } of ranked) expect(expectedMs).toBeGreaterThan(0)
      }),
    )
  })

  test("a forced device or agent never yields another", () => {
    fc.assert(
      fc.property(anyNeed, candidates, fc.integer(), (n, all, seed) => {
        for (const { id } of choose(n, all, seeded(seed)).ranked) {
          const c = all.find((x) => x.id === id)!
          if (n.device !== undefined) expect(selectorMatches(n.device, c.device)).toBe(true)
          if (n.agent !== undefined) expect(c.agent).toBe(n.agent)
        }
      }),
    )
  })

  test("real devices come before fallback adapters, and measured ones before unmeasured ones", () => {
    fc.assert(
      fc.property(anyNeed, candidates, fc.integer(), (n, all, seed) => {
        const tiers = choose(n, all, seeded(seed)).ranked.map(
          (x) => Number(all.find((c) => c.id === x.id)!.fallbackAdapter) * 2 + Number(!x.measured),
        )
        expect(tiers).toEqual([...tiers].sort())
      }),
    )
  })

  test("the same seed gives the same choice, whatever the order they are listed in", () => {
    fc.assert(
      fc.property(anyNeed, candidates, fc.integer(), (n, all, seed) => {
        const choice = choose(n, all, seeded(seed))
        expect(choose(n, all, seeded(seed))).toEqual(choice)
        expect(choose(n, [...all].reverse(), seeded(seed)).ranked).toEqual(choice.ranked)
      }),
    )
  })

  test("the first is never clearly worse than the best", () => {
    fc.assert(
      fc.property(anyNeed, candidates, fc.integer(), (n, all, seed) => {
        const { ranked } = choose(n, all, seeded(seed))
        const first = ranked[0]
        if (!first) return
        const tier = (id: string) => all.find((c) => c.id === id)!.fallbackAdapter
        const peers = ranked.filter((x) => x.measured === first.measured && tier(x.id) === tier(first.id))
        const best = Math.min(...peers.map((x) => x.expectedMs))
        expect(first.expectedMs).toBeLessThanOrEqual(best * 1.25 + 1)
      }),
    )
  })
})

test("many choosers with the same stale view spread over near-equals", () => {
  const all = Array.from({ length: 8 }, (_, i) => candidate("wasm", { id: `${i}`, runMs: 10, runs: 9, resident: true }))
  const random = seeded(1)
  const chosen = new Map<string, number>()
  for (let i = 0; i < 800; i++) {
    const id = order(need(), all, random)[0]!
    chosen.set(id, (chosen.get(id) ?? 0) + 1)
  }
  expect(chosen.size).toBe(8)
  expect(Math.max(...chosen.values())).toBeLessThan(160)
})
