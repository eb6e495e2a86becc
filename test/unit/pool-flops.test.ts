import { describe, expect, test } from "vitest"
import { flopsOf } from "../../engine/pool/flops.ts"
import { validateModel } from "../../graph/index.ts"
import { functionOf, tinyBytes, widelyCalled } from "../attacks/onnx-build.ts"
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

  test("are not inferred where calls of functions make it too large: they are walked once per call", () => {
    const called = (calls: number, names: number) => {
      const model = widelyCalled(calls, names)
      return flopsOf(model, validateModel(model))
    }
    // A call's own input and output, Relu's, the two nodes, and the function's inputs; and what the graph itself lists.
    expect(called(99, 3000)).toBe(99 * 6)
    expect(called(100, 3000)).toBeUndefined()
  })

  test("are not inferred where what a function's node lists is too much to read once per call", () => {
    const listed = (calls: number, numbers: number) => {
      const ints = Array<bigint>(numbers).fill(1n)
      const node = [
        { opType: "Constant", output: ["c"], attribute: [{ name: "value_ints", type: 7, ints }] },
        { opType: "Relu", input: ["a"], output: ["b0"] },
      ]
      const model = tinyBytes(
        {
          node: Array.from({ length: calls }, (_, i) => {
            return { opType: "f0", domain: "own", input: ["x"], output: [i === 0 ? "y" : `y${i}`] }
          }),
        },
        {
          opsetImport: [{ version: 17n }, { domain: "own", version: 1n }],
          functions: [{ ...functionOf("f0"), node }],
        },
      )
      return flopsOf(model, validateModel(model))
    }
    expect(listed(99, 3000)).toBe(99 * 6)
    expect(listed(100, 3000)).toBeUndefined()
  })
})
