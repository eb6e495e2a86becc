import { expect, test } from "vitest"
import {
  allowsMethod,
  allowsModel,
  combine,
  covers,
  isLive,
  makeGrant,
  type StoredGrant,
} from "../../extension/gate/terms.ts"

const base: StoredGrant = {
  origin: "https://a.example",
  capabilities: ["infer"],
  models: ["https://m.example/one.onnx"],
  lifetime: "always",
  limits: { storeBytes: 1, memoryBytes: 1, concurrentJobs: 1 },
  grantedAt: 0,
  usedAt: 0,
}

test("a grant names exact models; a pinned reference is within the same without its pin, not the other way", () => {
  const pin = `#sha256=${"0".repeat(64)}`
  expect(allowsModel(base, "https://m.example/one.onnx")).toBe(true)
  expect(allowsModel(base, "HTTPS://M.example:443/one.onnx")).toBe(true)
  expect(allowsModel(base, `https://m.example/one.onnx${pin}`)).toBe(true)
  for (const other of [
    "https://m.example/two.onnx",
    "https://m.example/one.onnx?x",
    "https://m.example/",
    "*",
    "",
    `sha256:${"0".repeat(64)}`,
  ])
    expect(allowsModel(base, other), other).toBe(false)
  expect(allowsModel({ ...base, models: [`https://m.example/one.onnx${pin}`] }, "https://m.example/one.onnx")).toBe(
    false,
  )
  expect(allowsModel({ ...base, models: ["*"] }, "https://elsewhere.example/x")).toBe(true)
})

test("a pin is the same in capital letters: as it is asked for, as it is loaded, and as it was kept", () => {
  const [model, capital] = ["https://m.example/one.onnx", `#sha256=${"AB".repeat(32)}`]
  const small = capital.toLowerCase()
  expect(allowsModel(base, model + capital)).toBe(true)
  expect(allowsModel(base, `${model}${capital.replace("A", "g")}`)).toBe(false)
  for (const kept of [capital, small])
    for (const asked of [capital, small]) {
      const grant = { ...base, models: [model + kept] }
      expect(allowsModel(grant, model + asked), `${kept} ${asked}`).toBe(true)
      expect(covers(grant, { capabilities: ["infer"], models: [model + asked] })).toBe(true)
      expect(allowsModel(grant, model)).toBe(false)
    }
  expect(combine({ capabilities: ["infer"], models: [model + capital, model + small] }).models).toEqual([model + small])
})

test("a capability that was not granted covers nothing, and none stands for another", () => {
  expect(allowsMethod(base, "infer")).toBe(true)
  for (const need of ["benchmark", "tune", "agent", "device", "owner"] as const)
    expect(allowsMethod(base, need), need).toBe(false)
  const all: StoredGrant = { ...base, capabilities: ["infer", "benchmark", "fleet"] }
  for (const need of ["tune", "agent", "device", "owner"] as const) expect(allowsMethod(all, need), need).toBe(false)
})

test("a request is covered only where each capability and each model is", () => {
  const models = base.models
  expect(covers(base, { capabilities: ["infer"], models })).toBe(true)
  expect(covers(base, { capabilities: ["infer", "benchmark"], models })).toBe(false)
  expect(covers(base, { capabilities: ["infer"], models: [...models, "https://m.example/two.onnx"] })).toBe(false)
  expect(covers(base, { capabilities: ["infer"] })).toBe(false)
})

test("a new grant adds to what was held, and any model swallows the named ones", () => {
  expect(combine({ capabilities: ["benchmark"], models: ["https://m.example/two.onnx"] }, base)).toEqual({
    capabilities: ["infer", "benchmark"],
    models: ["https://m.example/one.onnx", "https://m.example/two.onnx"],
  })
  expect(combine({ capabilities: ["infer"] }, base).models).toEqual(["*"])
})

test("a grant for a session ends with the browser's, one for a page after half a day, one for ever when it is revoked", () => {
  const make = (answer: "once" | "session" | "always") =>
    makeGrant("https://a.example", { capabilities: ["infer"] }, answer, { now: 1000, browserSession: "s1" })
  const hours = 3_600_000
  expect(isLive(make("session"), 2000, "s1")).toBe(true)
  expect(isLive(make("session"), 2000, "s2")).toBe(false)
  expect(isLive(make("session"), 1000 + 30 * 24 * hours, "s1")).toBe(false)
  expect(isLive(make("once"), 1000 + 12 * hours - 1, "s1")).toBe(true)
  expect(isLive(make("once"), 1000 + 12 * hours, "s1")).toBe(false)
  expect(isLive(make("always"), Number.MAX_SAFE_INTEGER, "s2")).toBe(true)
})
