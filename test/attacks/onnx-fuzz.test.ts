import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, test } from "vitest"
import { inferCost, inferShapes, inspectModel, readModel } from "../../graph/index.ts"
import { AccelerateError } from "../../protocol/errors/index.ts"
import fc from "../property.ts"
import { tinyBytes } from "./onnx-build.ts"

const shared = resolve(import.meta.dirname, "../..", process.env.IPFA_SHARED ?? "../shared")
const real = ["silero-vad/silero_vad_16k_op15.onnx", "mnist-cnn/mnist.onnx", "kws-dscnn/kws_ref_model_int8_qdq.onnx"]
const files = real.map((name) => join(shared, "models", name))
const missing = files.some((f) => !existsSync(f))

/** True where `act` ends, false where it throws one of our model errors; anything else fails the test. */
function accepted(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch (error) {
    if (error instanceof AccelerateError && /^IPFA_MODEL_(INVALID|TOO_LARGE)$/.test(error.code)) return false
    throw error
  }
}

/** Validation accepts or refuses; so does inference, on what validation refused as well. */
function acceptedOrRefused(bytes: Uint8Array): boolean {
  let valid = false
  accepted(() => {
    const model = readModel(bytes)
    valid = accepted(() => inspectModel(model))
    accepted(() => inferShapes(model))
    accepted(() => inferCost(model))
  })
  return valid
}

/** A few edits of `base`: bytes set, ranges cut out, ranges doubled. */
const mutation = fc.array(
  fc.record({
    kind: fc.constantFrom("set", "cut", "double"),
    at: fc.nat(0xffffff),
    length: fc.integer({ min: 1, max: 64 }),
    byte: fc.integer({ min: 0, max: 255 }),
  }),
  { minLength: 1, maxLength: 6 },
)

function mutate(base: Uint8Array, edits: { kind: string; at: number; length: number; byte: number }[]): Uint8Array {
  let bytes = Buffer.from(base)
  for (const { kind, at, length, byte } of edits) {
    const i = at % (bytes.length + 1)
    if (kind === "set" && i < bytes.length) bytes[i] = byte
    else if (kind === "cut") bytes = Buffer.concat([bytes.subarray(0, i), bytes.subarray(i + length)])
    else bytes = Buffer.concat([bytes.subarray(0, i + length), bytes.subarray(i)])
  }
  return bytes
}

test("random bytes are accepted or refused, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void acceptedOrRefused(bytes)),
    { numRuns: 3000 },
  )
})

test("a mutated model is accepted or refused, never anything else", () => {
  // Mostly weights, so that about half of the edits leave a sound model.
  const base = tinyBytes({ initializer: [{ name: "w", dims: [3n, 20n], dataType: 1, rawData: new Uint8Array(240) }] })
  const seen = { accepted: 0, refused: 0 }
  fc.assert(
    fc.property(mutation, (edits) => {
      acceptedOrRefused(mutate(base, edits)) ? seen.accepted++ : seen.refused++
    }),
    { numRuns: 3000 },
  )
  // Both must occur, or the mutations test nothing.
  expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(10)
})

describe.skipIf(missing)(`real models${missing ? " (shared models are absent)" : ""}`, () => {
  test.each(real)("%s mutated is accepted or refused, never anything else", (name) => {
    const base = readFileSync(files[real.indexOf(name)]!)
    // Structure is in the first and last parts; most of the middle is weights, where a change is no error.
    fc.assert(
      fc.property(mutation, (edits) => void acceptedOrRefused(mutate(base, edits))),
      { numRuns: 150 },
    )
  })

  test.each(real)("%s cut off at every hundredth byte is refused", (name) => {
    const base = readFileSync(files[real.indexOf(name)]!)
    const step = Math.max(100, Math.ceil(base.length / 3000) * 100)
    for (let n = 0; n < base.length; n += step) expect(acceptedOrRefused(base.subarray(0, n))).toBe(false)
  })
})
