import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { expect, test } from "vitest"
import type { BackendSession } from "../../engine/backend.ts"
import { knownModel, probeKnownModel } from "../../engine/probe/index.ts"
import { computeKnownAnswer } from "../../engine/probe/known-case.ts"
import { validateModel } from "../../graph/index.ts"

const root = join(import.meta.dirname, "../..")

/** A device that answers the known case with `change` made to the right answer. */
const answering = (change: (scores: Float32Array, probabilities: Float32Array) => void) => async () => {
  const { scores, probabilities } = computeKnownAnswer()
  const [s, p] = [Float32Array.from(scores), Float32Array.from(probabilities)]
  change(s, p)
  const tensor = (data: Float32Array) => ({ dtype: "float32", shape: [1, 10], data })
  return {
    run: async () => ({ outputs: { scores: tensor(s), probabilities: tensor(p) }, runMs: 0 }),
    close: async () => undefined,
  } as unknown as BackendSession
}

test("the embedded model is what its script writes, and valid", () => {
  execFileSync(process.execPath, [join(root, "engine/probe/make-model.ts"), "--check"])
  expect(validateModel(knownModel()).operators).toEqual({ Conv: 1, Flatten: 1, MatMul: 1, Relu: 1, Softmax: 1 })
})

test("a right answer is right, within float32's rounding", async () => {
  const { ok, maxError, reason } = await probeKnownModel(answering(() => undefined))
  expect([ok, reason]).toEqual([true, undefined])
  expect(maxError).toBeLessThan(1e-6)
})

test.for([
  ["one score that is off", (s: Float32Array) => (s[3]! += 0.01), 0.01, "scores are off by 0.010"],
  [
    "one probability that is off",
    (_: Float32Array, p: Float32Array) => (p[9]! += 0.002),
    0.002,
    "probabilities are off by",
  ],
  ["NaN", (s: Float32Array) => (s[0] = Number.NaN), Number.MAX_VALUE, "scores are not numbers"],
] as const)("%s is wrong, and the reason says so", async ([, change, error, why]) => {
  const { ok, maxError, reason } = await probeKnownModel(answering(change))
  expect(ok).toBe(false)
  expect(reason).toContain(why)
  expect(maxError / error).toBeCloseTo(1, 3)
})
