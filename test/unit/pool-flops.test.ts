import { describe, expect, test } from "vitest"
import { flopsOf } from "../../engine/pool/flops.ts"
import { validateModel } from "../../graph/index.ts"
import { adderModel } from "../support/adder.ts"

const of = (shape: (string | number)[], shapes?: Record<string, number[]>) => {
  const model = adderModel(1, 0, shape)
  return flopsOf(model, validateModel(model), shapes)
}

describe("the operations of a run", () => {
  test.each([
    ["are those of the declared shapes", [2, 3], undefined, 6],
    ["are those of one sample where only the batch is open", ["batch", 3], undefined, 3],
    ["are those of what is fed where that is known", ["batch", 3], { x: [5, 3] }, 15],
    ["are unknown where more than the batch is open", ["batch", "length"], undefined, undefined],
    ["are unknown where the only dimension is open: it is no batch", ["n"], undefined, undefined],
    ["are unknown where what is fed does not fit", [2, 3], { x: [2, 4] }, undefined],
  ] as const)("%s", (_, shape, shapes, expected) => {
    expect(of([...shape], shapes as Record<string, number[]> | undefined)).toBe(expected)
  })

  test("are unknown, and no error, where bytes turn out to be no model", () => {
    const info = validateModel(adderModel(1, 0, [2]))
    expect(flopsOf(new Uint8Array([1, 2, 3]), info)).toBeUndefined()
  })

  test("are not inferred of a graph too large to walk for a guess", () => {
    const model = adderModel(1, 0, [2])
    const info = validateModel(model)
    expect(flopsOf(model, { ...info, operators: { Add: 20_001 } })).toBeUndefined()
    expect(flopsOf(model, { ...info, operators: { Add: 20_000 } })).toBe(2)
  })
})
