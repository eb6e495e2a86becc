import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, test } from "vitest"
import { inferCost, inferShapes, inspectModel, knownOperators, type ModelProto, readModel } from "../../graph/index.ts"
import { AccelerateError } from "../../protocol/errors/index.ts"
import fc from "../property.ts"

const models = join(resolve(import.meta.dirname, "../..", process.env.IPFA_SHARED ?? "../shared"), "models")
const names = [
  "silero-vad/silero_vad_16k_op15.onnx",
  "basic-pitch/nmp.onnx",
  "stories260k/stories260K_decoder.onnx",
  "onnx-node-tests/node/test_attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal/model.onnx",
  "onnx-node-tests/node/test_einsum_sum/model.onnx",
  "onnx-node-tests/node/test_constant_pad_axes/model.onnx",
]
const missing = names.some((name) => !existsSync(join(models, name)))

const hostile = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  -7n,
  64n,
  1000n,
  -1000n,
  2n ** 31n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n - 1n,
  -(2n ** 63n),
]

/** One change of a decoded model, so that it gets past the scan: a wrong number, operator, name or shape. */
const edit = fc.record({
  kind: fc.constantFrom("attribute", "operator", "rewire", "drop", "dims", "constant", "declared", "opset", "output"),
  node: fc.nat(0xffff),
  item: fc.nat(0xffff),
  number: fc.constantFrom(...hostile),
  operator: fc.constantFrom(...knownOperators),
})
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

const at = <T>(list: readonly T[], i: number): T | undefined => list[i % Math.max(1, list.length)]

function apply(model: ModelProto, { kind, node: n, item, number, operator }: Edit): void {
  const graph = model.graph!
  const node = at(graph.node, n)
  const stored = at(graph.initializer, n)
  if (!node) return
  if (kind === "attribute") {
    const a = at(node.attribute, item)
    if (a?.ints.length) a.ints[item % a.ints.length] = number
    else if (a?.t) a.t.dims = [number]
    else if (a) a.i = number
  } else if (kind === "operator") node.opType = operator
  else if (kind === "rewire" && node.input.length > 0)
    node.input[item % node.input.length] = at(graph.node, item)!.output[0] ?? ""
  else if (kind === "drop") node.input.splice(item % (node.input.length + 1), 1)
  else if (kind === "dims" && stored) stored.dims[item % (stored.dims.length + 1)] = number
  else if (kind === "constant" && stored?.dataType === 7 && stored.rawData.length > 0) {
    stored.rawData = Uint8Array.from(stored.rawData)
    new DataView(stored.rawData.buffer).setBigInt64(8 * (item % (stored.rawData.length / 8)), number, true)
  } else if (kind === "declared") {
    const type = at(graph.input, n)?.type?.value
    const dim = type?.case === "tensorType" ? at(type.value.shape?.dim ?? [], item) : undefined
    if (dim) dim.value = { case: "dimValue", value: number }
  } else if (kind === "opset") model.opsetImport[0]!.version = BigInt(1 + (item % 24))
  else if (kind === "output") node.output.push(`extra${item}`)
}

describe.skipIf(missing)(`models with wrong parts${missing ? " (skipped: the shared models are absent)" : ""}`, () => {
  test.each(names)("%s: validated and inferred, or refused with a typed error", (name) => {
    const bytes = readFileSync(join(models, name))
    const seen = { ended: 0, refused: 0 }
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const model = readModel(bytes)
        for (const e of edits) apply(model, e)
        // Inference is given what validation refused as well: it must not depend on having been called second.
        for (const act of [() => inspectModel(model), () => inferShapes(model), () => inferCost(model)]) {
          try {
            act()
            seen.ended++
          } catch (error) {
            if (!(error instanceof AccelerateError)) throw error
            expect(error.code).toMatch(/^IPFA_MODEL_(INVALID|TOO_LARGE)$/)
            seen.refused++
          }
        }
      }),
      { numRuns: 150 },
    )
    expect(Math.min(seen.ended, seen.refused)).toBeGreaterThan(10)
  })
})
