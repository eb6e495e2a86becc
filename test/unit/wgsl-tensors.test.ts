import { describe, expect, test } from "vitest"
import { fromWords, gpuDtype, toWords } from "../../engine/backends/wgsl/tensors.ts"
import { float16Bits, float16Value } from "../../protocol/float16.ts"

const halves = globalThis as unknown as {
  Float16Array: new (buffer: ArrayBuffer) => ArrayLike<number> & { set(list: ArrayLike<number>): void }
}

describe("float16", () => {
  test("every bit pattern is the number that the platform makes of it, and comes back", () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i)
    const numbers = new halves.Float16Array(bits.buffer)
    for (let i = 0; i < 65_536; i++) {
      expect(Object.is(float16Value(i), numbers[i])).toBe(true)
      if (!Number.isNaN(numbers[i])) expect(float16Bits(numbers[i]!)).toBe(i)
    }
    expect(float16Value(float16Bits(Number.NaN))).toBeNaN()
  })

  test("a number between two is rounded as the platform rounds it", () => {
    const values = [
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      65_519,
      65_520,
      1e9,
      2 ** -25,
      2 ** -25 + 2 ** -30,
      2 ** -15 + 2 ** -25,
      -0.1,
      2047.5,
      0.99999,
    ]
    const bits = new Uint16Array(values.length)
    new halves.Float16Array(bits.buffer).set(values)
    expect(values.map(float16Bits)).toEqual([...bits])
  })
})

describe("words", () => {
  test("hold narrow and wide whole numbers, and give them back", () => {
    const wide = BigInt64Array.of(-1n, 2n ** 31n - 1n, -(2n ** 31n))
    expect(fromWords("int64", toWords("x", { dtype: "int64", shape: [3], data: wide }))).toEqual(wide)
    const bytes = Uint8Array.of(0, 255)
    expect(toWords("x", { dtype: "uint8", shape: [2], data: bytes })).toEqual(Int32Array.of(0, 255))
    expect(fromWords("uint8", Int32Array.of(0, 255))).toEqual(bytes)
    expect(fromWords("bool", Uint32Array.of(1, 0))).toEqual(Uint8Array.of(1, 0))
  })

  test("a 64-bit number that needs more is refused by name", () => {
    const data = BigInt64Array.of(2n ** 31n)
    expect(() => toWords("ids", { dtype: "int64", shape: [1], data })).toThrow(
      expect.objectContaining({ code: "IPFA_INPUT_INVALID", data: expect.objectContaining({ path: "feeds.ids" }) }),
    )
  })

  test.each(["float64", "uint64", "string", "bfloat16", "constructor"])("there are none for %s", (dtype) => {
    expect(() => gpuDtype(dtype)).toThrow(expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" }))
  })
})
