import { expect, test } from "vitest"
import { type KeyedMeasurement, Measurements, median } from "../../engine/pool/measurements.ts"
import { Slots } from "../../engine/pool/slots.ts"
import { adderDevice } from "../support/adder.ts"

test("slots go by arrival, and no origin takes them all", async () => {
  const slots = new Slots(2, 1)
  const begun: string[] = []
  const ends: (() => void)[] = []
  const work = (name: string) => () => {
    begun.push(name)
    return new Promise<void>((resolve) => ends.push(resolve))
  }
  const all = [
    slots.run("a", work("a1")),
    slots.run("a", work("a2")),
    slots.run("b", work("b1")),
    slots.run("c", work("c1")),
  ]
  await Promise.resolve()
  expect(begun).toEqual(["a1", "b1"])
  ends[1]!()
  await all[2]
  expect(begun).toEqual(["a1", "b1", "c1"])
  ends[0]!()
  await all[0]
  expect(begun).toEqual(["a1", "b1", "c1", "a2"])
  ends[2]!()
  ends[3]!()
  await Promise.all(all)
  // Work that fails gives its slot back.
  await expect(slots.run("a", () => Promise.reject(new Error("no")))).rejects.toThrow("no")
  expect(await slots.run("a", async () => 1)).toBe(1)
})

test("measurements give the median of the last 32 good runs, and the last opening", () => {
  const told: KeyedMeasurement[] = []
  const m = new Measurements(
    (measurement, key) => told.push({ ...measurement, key: key! }),
    () => 7,
  )
  const device = adderDevice("wasm")
  const model = { key: "its key", sha256: "model", isOwned: false, isPrivate: false }
  m.add("open", device, model, 500, { ok: true })
  m.add("first", device, model, 900, { ok: true })
  m.add("run", device, model, 0.001, { ok: false, error: "IPFA_RUN_FAILED" })
  expect(m.of(model, "wasm")).toEqual({ runMs: undefined, runs: 0, openMs: 500 })
  for (let i = 0; i < 40; i++) m.add("run", device, model, i < 20 ? 1000 : i, { ok: true })
  // 8 of the slow ones are left among 32: 20 … 39 and eight 1000s, in the middle 35 and 36.
  expect(m.of(model, "wasm")).toEqual({ runMs: 35.5, runs: 40, openMs: 500 })
  expect(m.of(model, "webgpu")).toEqual({ runs: 0 })
  expect(told).toHaveLength(43)
  expect(told[0]).toMatchObject({ at: 7, kind: "open", device: "wasm", model: "model", ms: 500 })
  // What was measured earlier counts from the start.
  const later = new Measurements(() => undefined, Date.now, told)
  expect(later.of(model, "wasm")).toEqual(m.of(model, "wasm"))
  // Tries are counted when they begin; of earlier ones the benchmarks are known. The last of these says whether it failed.
  m.tried(model, "wasm")
  m.add("benchmark", device, model, 5, { ok: false, error: "IPFA_RUN_FAILED" })
  expect(m.trials(model, "wasm", 7)).toEqual({ tries: 1, failedAt: 7 })
  expect(m.trials(model, "wasm", 8).tries).toBe(0)
  expect(new Measurements(() => undefined, Date.now, told).trials(model, "wasm", 0)).toEqual({
    tries: 1,
    failedAt: 7,
  })
  m.add("benchmark", device, model, 5, { ok: true })
  expect(m.trials(model, "wasm", 0)).toEqual({ tries: 1, failedAt: undefined })
  expect([median([]), median([3, 1, 2]), median([4, 1])]).toEqual([undefined, 2, 2.5])
})
