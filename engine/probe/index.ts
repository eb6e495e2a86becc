import type { Tensor } from "../../protocol/index.ts"
import type { BackendSession, ModelFiles } from "../backend.ts"
import { computeKnownAnswer, knownCase, shapes } from "./known-case.ts"
import { knownModelBase64 } from "./known-model.ts"

/**
 * Largest absolute error of a right answer. Float32 sums of 144 products stay within γ(144) · Σ|h·w| ≈ 144 · 2⁻²⁴ · 110 ≈ 1e-3 of the
 * float64 answer in any order (Higham, Accuracy and Stability, 3.1); in practice it is 1e-6. No device widens it: one that computes in
 * float16 while it says float32 is not right.
 */
export const KNOWN_CASE_TOLERANCE = 1e-3

/** Stands for infinity, which JSON can't carry. */
const NO_NUMBER = Number.MAX_VALUE

export interface ProbeOutcome {
  ok: boolean
  /** Largest absolute difference from the float64 answer; NO_NUMBER where an answer is none. */
  maxError: number
  /** Opening and running, ms. */
  ms: number
  /** Where it is not ok: what came out wrong, in words for a person. */
  reason?: string
}

/** The known case's ONNX file, in memory of its own. */
export function knownModel(): Uint8Array {
  return Uint8Array.from(atob(knownModelBase64), (c) => c.charCodeAt(0))
}

/** Runs the known case through `open` and compares with float64. Rejects with what opening or running threw. */
export async function probeKnownModel(open: (files: ModelFiles) => Promise<BackendSession>): Promise<ProbeOutcome> {
  const start = performance.now()
  const session = await open({ model: knownModel() })
  try {
    const feeds = { input: { dtype: "float32" as const, shape: [...shapes.input], data: knownCase.input.slice() } }
    const { outputs } = await session.run(feeds, {})
    const { scores, probabilities } = computeKnownAnswer()
    const errors = [
      ["scores", difference(outputs.scores, scores)],
      ["probabilities", difference(outputs.probabilities, probabilities)],
    ] as const
    const [name, maxError] = errors[0][1] >= errors[1][1] ? errors[0] : errors[1]
    const ms = performance.now() - start
    if (maxError <= KNOWN_CASE_TOLERANCE) return { ok: true, maxError, ms }
    const fault = maxError === NO_NUMBER ? "are not numbers" : `are off by ${maxError.toPrecision(2)}`
    return { ok: false, maxError, ms, reason: `the known model's ${name} ${fault}` }
  } finally {
    await session.close()
  }
}

function difference(got: Tensor | unknown, expected: Float64Array): number {
  const data = (got as Tensor<"float32"> | undefined)?.data
  if (!data || data.length !== expected.length) return NO_NUMBER
  const worst = expected.reduce((most, e, i) => Math.max(most, Math.abs(e - data[i]!)), 0)
  return Number.isNaN(worst) ? NO_NUMBER : worst
}
