import { create } from "@bufbuild/protobuf"
import { describe, expect, test } from "vitest"
import { gpuDtype, storedWords, toWords } from "../../engine/backends/wgsl/tensors.ts"
import { TensorProtoSchema } from "../../graph/generated/onnx_pb.js"
import { fromWords } from "../../kernels/index.ts"

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

  test.each([
    ["raw bytes", (values: bigint[]) => ({ rawData: new Uint8Array(BigInt64Array.from(values).buffer) })],
    ["their own field", (values: bigint[]) => ({ int64Data: values })],
  ])("of a model's weights in %s, too, whatever fits is held and no more", (_, how) => {
    const stored = (...values: bigint[]) =>
      storedWords(create(TensorProtoSchema, { name: "limit", dataType: 7, ...how(values) }))
    expect(stored(-(2n ** 31n), 2n ** 31n - 1n)).toEqual(Int32Array.of(-(2 ** 31), 2 ** 31 - 1))
    expect(() => stored(0n, 2n ** 63n - 1n)).toThrow(
      expect.objectContaining({
        code: "IPFA_DEVICE_UNSUPPORTED",
        message: expect.stringContaining("limit holds 9223"),
      }),
    )
  })

  test("weights of every width come from the field that ONNX has for them", () => {
    const stored = (dataType: number, field: object) => storedWords(create(TensorProtoSchema, { dataType, ...field }))
    expect(stored(1, { floatData: [0.5] })).toEqual(Float32Array.of(0.5))
    expect(stored(10, { int32Data: [0x3c00] })).toEqual(Float32Array.of(1))
    expect(stored(3, { int32Data: [-1] })).toEqual(Int32Array.of(-1))
    expect(stored(12, { uint64Data: [2n ** 32n - 1n] })).toEqual(Uint32Array.of(2 ** 32 - 1))
    expect(stored(9, { int32Data: [1, 0] })).toEqual(Uint32Array.of(1, 0))
  })

  test.each(["float64", "uint64", "string", "bfloat16", "constructor"])("there are none for %s", (dtype) => {
    expect(() => gpuDtype(dtype)).toThrow(expect.objectContaining({ code: "IPFA_DEVICE_UNSUPPORTED" }))
  })
})
