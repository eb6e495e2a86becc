import { describe, expect, test } from "vitest"
import { byReason, bytesText, modelLabel, TIME_STEPS, tickTime } from "../../engine/agent/screen-words.ts"

test.each([
  [0, "0 bytes"],
  [56_123, "56 kB"],
  [250e6, "250 MB"],
  [8e9, "8 GB"],
  [1.55e12, "1.6 TB"],
])("%d bytes are %s", (count, text) => {
  expect(bytesText(count, "en")).toBe(text)
})

test.each([
  ["hf:org/name@main/onnx/model.onnx", "model.onnx"],
  ["https://a.example/models/half%zz.onnx?x=/y#sha256=0", "half%zz.onnx"],
  ["https://a.example/", "a.example"],
  [`sha256:${"0".repeat(64)}`, undefined],
])("a model from %s is called %s", (reference, label) => {
  expect(modelLabel(reference)).toBe(label)
})

describe("the marks of a chart", () => {
  const noon = Date.UTC(2026, 10, 21, 12, 23, 46)

  test.each(TIME_STEPS)("%d s apart, each has words of its own", (step) => {
    const words = Array.from({ length: 5 }, (_, i) => tickTime(noon + i * step * 1000, step, "en"))
    expect(new Set(words).size).toBe(words.length)
  })

  test("within a day they say the hour and the minute", () => {
    for (const step of TIME_STEPS.filter((seconds) => seconds < 4 * 3600))
      expect(tickTime(noon, step, "en-GB"), `${step}`).toMatch(/^\d\d:23/)
  })

  test("are nowhere so far apart that a narrow chart would have none", () => {
    const ratios = TIME_STEPS.slice(1).map((step, i) => step / (TIME_STEPS[i] as number))
    expect(Math.max(...ratios)).toBeLessThanOrEqual(2.5 + 1e-9)
    expect(Math.min(...ratios)).toBeGreaterThan(1)
  })
})

test("devices that are absent for one reason stand together", () => {
  const absent = [
    { id: "webnn:gpu", reason: "no WebNN" },
    { id: "webgpu", reason: "no adapter" },
    { id: "webnn:npu", reason: "no WebNN" },
  ]
  expect(byReason(absent).map(([reason, devices]) => [reason, devices.map(({ id }) => id)])).toEqual([
    ["no WebNN", ["webnn:gpu", "webnn:npu"]],
    ["no adapter", ["webgpu"]],
  ])
})
