import { describe, expect, test } from "vitest"
import { type Dtype, elements } from "../../protocol/index.ts"
import { toWire } from "../../sdk/feeds.ts"
import { numbers, tensor } from "../../sdk/tensor.ts"
import fc from "../property.ts"

describe("tensor() makes of plain numbers what a dtype is made of", () => {
  test.each<[Dtype, unknown[], unknown]>([
    ["float64", [0.1, 2], Float64Array.of(0.1, 2)],
    ["float32", [0.5, 2], Float32Array.of(0.5, 2)],
    ["float16", [1, -2], Uint16Array.of(0x3c00, 0xc000)],
    ["bfloat16", [1, -2], Uint16Array.of(0x3f80, 0xc000)],
    ["int64", [1, 2n], BigInt64Array.of(1n, 2n)],
    ["uint64", [1n, 2], BigUint64Array.of(1n, 2n)],
    ["int32", [-1, 2], Int32Array.of(-1, 2)],
    ["int16", [-1, 2], Int16Array.of(-1, 2)],
    ["int8", [-1, 2], Int8Array.of(-1, 2)],
    ["uint32", [1, 2], Uint32Array.of(1, 2)],
    ["uint16", [1, 2], Uint16Array.of(1, 2)],
    ["uint8", [1, 2], Uint8Array.of(1, 2)],
    ["bool", [true, false], Uint8Array.of(1, 0)],
    ["string", ["a", "b"], ["a", "b"]],
  ])("%s", (dtype, given, data) => {
    expect(tensor(dtype, [2], given as never)).toEqual({ dtype, shape: [2], data })
  })

  test("4-bit dtypes take packed bytes, low nibble first", () => {
    const packed = tensor("int4", [3], Uint8Array.of(0xf1, 0x07))
    expect(numbers(packed)).toEqual([1, -1, 7])
    expect(() => tensor("uint4", [2], [1, 2] as never)).toThrow(/data/)
  })

  test.each([
    ["float32", [2], [1]],
    ["float32", [-1], [1]],
    ["float32", [1], new Int32Array(1)],
    ["string", [1], [1]],
    ["float31", [1], [1]],
  ])("%s %j %j is refused", (dtype, shape, data) => {
    expect(() => tensor(dtype as never, shape, data as never)).toThrow(
      expect.objectContaining({ code: "IPFA_INPUT_INVALID" }),
    )
  })
})

test("numbers() reads back what tensor() made", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Dtype>("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8"),
      fc.array(fc.integer({ min: -128, max: 127 })),
      (dtype, values) => {
        expect(numbers(tensor(dtype, [values.length], values as never) as never)).toEqual(values)
      },
    ),
  )
  expect(() => numbers({ dtype: "string", shape: [1], data: ["a"] })).toThrow()
  expect(elements([2, 3])).toBe(6)
})

describe("what travels", () => {
  const Float16 = (globalThis as never as { Float16Array: Uint16ArrayConstructor }).Float16Array
  const wire = (dtype: Dtype, data: unknown) => toWire({ x: { dtype, shape: [2], data } }).feeds.x as { data: unknown }

  test("a Float16Array travels as its bits, a Buffer and a clamped array as bytes", () => {
    expect(wire("float16", Float16.of(1, -2)).data).toEqual(Uint16Array.of(0x3c00, 0xc000))
    const bytes = wire("uint8", Buffer.from([1, 2])).data
    expect(bytes).toEqual(Uint8Array.of(1, 2))
    expect((bytes as object).constructor).toBe(Uint8Array)
    expect(wire("uint8", Uint8ClampedArray.of(1, 2)).data).toEqual(Uint8Array.of(1, 2))
  })

  test("shared memory is copied, since its owner may go on writing", () => {
    const shared = new Float32Array(new SharedArrayBuffer(8))
    const { feeds, buffers } = toWire({ x: { dtype: "float32", shape: [2], data: shared } }, true)
    expect((feeds.x as { data: Float32Array }).data.buffer).toBeInstanceOf(ArrayBuffer)
    expect(buffers).toHaveLength(1)
  })

  test("each buffer is moved once", () => {
    const buffer = new ArrayBuffer(16)
    const part = (at: number) => ({ dtype: "float32", shape: [2], data: new Float32Array(buffer, at, 2) })
    expect(toWire({ a: part(0), b: part(8) }, true).buffers).toEqual([buffer])
    expect(toWire({ a: part(0) }).buffers).toEqual([])
  })
})
