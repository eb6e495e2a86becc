import { describe, expect, test } from "vitest"
import { nextTrial, type TuneCandidate, type TuneModel, type TuneState, tuneRules } from "../../scheduler/index.ts"
import fc from "../property.ts"

const NOW = 1_800_000_000_000
const HOUR = 3_600_000
const candidate = (device: string, more: Partial<TuneCandidate> = {}): TuneCandidate => ({
  id: device,
  device,
  backend: device.split(/[:#]/)[0]!,
  fallbackAdapter: false,
  state: "ready",
  probe: { ok: true },
  resident: false,
  queued: 0,
  runs: 0,
  freeBytes: 1e9,
  held: false,
  ...more,
})
const measured = (device: string) => candidate(device, { runs: 5, runMs: 40 })
const model = (id: string, candidates: TuneCandidate[], more: Partial<TuneModel> = {}): TuneModel => ({
  id,
  bytes: 1e6,
  flops: 6e8,
  usedAt: NOW - HOUR,
  tries: 0,
  candidates,
  ...more,
})
const state = (models: TuneModel[], more: Partial<TuneState> = {}): TuneState => ({
  allowed: true,
  now: NOW,
  idleMs: 60_000,
  models,
  ...more,
})
const next = (models: TuneModel[], more: Partial<TuneState> = {}) => {
  const { trial } = nextTrial(state(models, more))
  return trial && `${trial.model} on ${trial.device}`
}

describe("what is tried next", () => {
  test("is what was not measured, of the model used last, the expected fastest first", () => {
    const devices = [measured("wasm"), candidate("native-cpu"), candidate("webgpu")]
    const models = [model("old", devices, { usedAt: NOW - 2 * HOUR }), model("new", devices)]
    expect(next(models)).toBe("new on webgpu")
    expect(next([model("tiny", devices, { flops: 1e5 })])).toBe("tiny on native-cpu")
    expect(next([model("new", [measured("wasm"), measured("webgpu")]), models[0]!])).toBe("old on webgpu")
  })

  test("is never a fallback adapter where there is a real device, which always comes before it", () => {
    const soft = candidate("webgpu", { fallbackAdapter: true })
    expect(next([model("m", [soft, measured("wasm"), measured("native-cpu")])])).toBeUndefined()
    expect(next([model("m", [soft, candidate("wasm"), measured("native-cpu")])])).toBe("m on wasm")
  })

  test("is one of several fallback adapters only after everything else, of whatever model", () => {
    const soft = [candidate("webgpu", { fallbackAdapter: true }), candidate("native-webgpu", { fallbackAdapter: true })]
    const old = model("old", [candidate("wasm"), measured("native-cpu")], { usedAt: NOW - 2 * HOUR })
    expect(next([model("new", soft), old])).toBe("old on wasm")
    expect(next([model("new", soft)])).toBe("new on native-webgpu")
  })

  test("is nothing where a model has one device only", () => {
    expect(next([model("m", [candidate("wasm"), candidate("webgpu", { state: "lost" })])])).toBeUndefined()
  })

  test("comes with what it may block, and why", () => {
    const { trial } = nextTrial(state([model("m", [candidate("wasm", { openMs: 700 }), measured("webgpu")])]))
    expect(trial).toEqual({ model: "m", device: "wasm", blockMs: 700, why: expect.stringContaining("wasm") })
  })
})

describe("nothing is tried", () => {
  const one = (more: Partial<TuneCandidate>, of: Partial<TuneModel> = {}) => [
    model("m", [candidate("webgpu", more), measured("wasm"), measured("native-cpu")], of),
  ]
  test.each([
    ["where it is not allowed", one({}), { allowed: false }, "battery"],
    ["so soon after callers", one({}), { idleMs: tuneRules.idleMs - 1 }, "a moment ago"],
    ["of models that nobody uses any more", one({}, { usedAt: NOW - 25 * HOUR }), {}, "measured"],
    ["of a model that had its tries for today", one({}, { tries: tuneRules.triesPerDay }), {}, "6 times"],
    ["on what was measured", one({ runs: 1, runMs: 1 }), {}, "measured"],
    ["on a cooling device", one({ state: "cooling", coolingUntil: NOW + 1 }), {}, "left alone"],
    ["on a lost device", one({ state: "lost" }), {}, "lost"],
    ["on one that was lost not long ago", one({ lostAt: NOW - 599_999 }), {}, "lost"],
    ["on one that computes wrong results", one({ probe: { ok: false } }), {}, "wrong"],
    ["on one that can't run it", one({ unsupported: "no kernel" }), {}, "no kernel"],
    ["on one where it failed this week", one({ failedAt: NOW - 6 * 24 * HOUR }), {}, "failed"],
    ["on a busy one", one({ state: "busy" }), {}, "work"],
    ["on one with jobs", one({ queued: 1 }), {}, "work"],
    ["where something would have to be unloaded", one({ freeBytes: 999_999 }), {}, "999999"],
    ["even where it is said to be loaded already", one({ freeBytes: 999_999, resident: true }), {}, "999999"],
    ["that opens for long where somebody has a session", one({ held: true, openMs: 1001 }), {}, "session"],
    ["that runs for long where somebody has a session", one({ held: true }, { flops: 1e12 }), {}, "session"],
    ["that takes very long anywhere", one({}, { flops: 1e13 }), {}, "ms"],
  ] as const)("%s", (_, models, more, reason) => {
    const plan = nextTrial(state(models, more))
    expect(plan.trial).toBeUndefined()
    expect(plan.reason).toContain(reason)
  })

  test("and just this side of each limit it is", () => {
    const close = one({
      lostAt: NOW - 600_000,
      failedAt: NOW - 7 * 24 * HOUR,
      held: true,
      openMs: 1000,
      freeBytes: 1e6,
    })
    expect(next(close, { idleMs: 10_000 })).toBe("m on webgpu")
  })
})

test("whatever is tried is unmeasured, able, idle and within the limits", () => {
  const anyCandidate = fc.record({
    device: fc.constantFrom("webgpu", "wasm", "native-cpu"),
    fallbackAdapter: fc.boolean(),
    state: fc.constantFrom("ready", "busy", "cooling", "lost" as const),
    probe: fc.record({ ok: fc.boolean() }),
    runs: fc.nat(1),
    queued: fc.nat(1),
    held: fc.boolean(),
    freeBytes: fc.constantFrom(0, 1e9),
    lostAt: fc.constantFrom(0, NOW - 1000),
    failedAt: fc.constantFrom(undefined, NOW - 1000),
  })
  const anyModel = fc
    .tuple(fc.array(anyCandidate, { maxLength: 4 }), fc.nat(12), fc.nat(48))
    .map(([all, tries, hours]) => ({ all, tries, usedAt: NOW - hours * HOUR }))
  fc.assert(
    fc.property(fc.array(anyModel, { maxLength: 4 }), (models) => {
      const made = models.map(({ all, ...rest }, m) =>
        model(
          `${m}`,
          all.map(({ device, runs, ...c }, i) =>
            candidate(device, { ...c, id: `${m}.${i}`, runs, ...(runs && { runMs: 9 }) }),
          ),
          rest,
        ),
      )
      const { trial } = nextTrial(state(made))
      const able = (of: TuneModel) => {
        const can = of.candidates.filter((c) => /ready|busy/.test(c.state) && c.probe?.ok && c.freeBytes)
        const real = can.filter((c) => !c.fallbackAdapter)
        const rivals = real.length > 0 ? real : can
        if (rivals.length < 2) return []
        // On a fallback adapter it takes over a second.
        const tooLong = (c: TuneCandidate) => c.held && c.fallbackAdapter
        return rivals.filter(
          (c) => c.runs === 0 && c.state === "ready" && !c.queued && !c.lostAt && !c.failedAt && !tooLong(c),
        )
      }
      const usable = made.filter((of) => of.tries < 6 && NOW - of.usedAt <= 24 * HOUR).flatMap(able)
      if (!trial) {
        expect(usable).toEqual([])
        return
      }
      const chosen = usable.find((c) => c.id === trial.device)
      expect(chosen).toBeDefined()
      if (chosen!.fallbackAdapter) expect(usable.every((c) => c.fallbackAdapter)).toBe(true)
    }),
  )
})
