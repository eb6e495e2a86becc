import { describe, expect, test } from "vitest"
import { fromWords, gpuDtype, toWords } from "../../engine/backends/wgsl/tensors.ts"

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
