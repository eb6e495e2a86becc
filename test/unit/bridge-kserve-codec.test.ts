import { describe, expect, test } from "vitest"
import { type KserveDtype, toDatatype, toDtype } from "../../bridge-server/http/kserve/datatypes.ts"
import { MAX_INFER_JSON_BYTES, readInfer } from "../../bridge-server/http/kserve/request.ts"
import { writeInfer } from "../../bridge-server/http/kserve/response.ts"
import { fromJson, toJson } from "../../bridge-server/http/kserve/values.ts"
import {
  AccelerateError,
  arrayTypes,
  elements,
  type RunResult,
  type Tensor,
  tensorFault,
} from "../../protocol/index.ts"
import fc from "../property.ts"

const dtypes = [
  "bool",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "int8",
  "int16",
  "int32",
  "int64",
  "float16",
  "bfloat16",
  "float32",
  "float64",
  "string",
] as const satisfies KserveDtype[]

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 })
/** Any bits at all for the fixed-width types, any text for strings. */
const tensor: fc.Arbitrary<Tensor> = fc.tuple(fc.constantFrom(...dtypes), shape).chain(([dtype, dims]) => {
  const count = elements(dims)
  if (dtype === "string")
    return fc
      .array(fc.string({ unit: "binary" }), { minLength: count, maxLength: count })
      .map((data) => ({ dtype, shape: dims, data: data.map((s) => s.toWellFormed()) }) as Tensor)
  const View = arrayTypes[dtype]
  const bytes = count * View.BYTES_PER_ELEMENT
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((raw) => {
    const bits = dtype === "bool" ? raw.map((x) => x & 1) : raw
    return { dtype, shape: dims, data: new View(bits.slice().buffer as ArrayBuffer) } as Tensor
  })
})

const bytesOf = ({ data }: Tensor) =>
  Array.isArray(data) ? data : [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]

/** What a server sends back as it came: the answer's outputs as a request's inputs. */
function roundTrip(tensors: Record<string, Tensor>, binary: boolean): Record<string, Tensor> {
  const result: RunResult = { outputs: tensors, device: "d", timing: { queueMs: 0, runMs: 0 }, reruns: 0 }
  const names = Object.keys(tensors)
  const { body, headerLength } = writeInfer("m", { feeds: {}, isBinary: () => binary }, result, names)
  const json = JSON.parse(body.subarray(0, headerLength ?? body.byteLength).toString())
  // 64-bit integers are exact in the text, and no longer after JSON.parse: the text is what is passed on.
  const text = body
    .subarray(0, headerLength ?? body.byteLength)
    .toString()
    .replace('"outputs":', '"inputs":')
  expect(json.outputs).toHaveLength(names.length)
  const head = Buffer.from(text)
  const again = Buffer.concat([head, body.subarray(headerLength ?? body.byteLength)])
  return readInfer(again, headerLength === undefined ? undefined : String(head.byteLength)).feeds as Record<
    string,
    Tensor
  >
}

describe("tensors as bytes", () => {
  test("come back bit by bit, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(tensor, { minLength: 1, maxLength: 5 }), (list) => {
        const given = Object.fromEntries(list.map((t, i) => [`t${i}`, t]))
        const back = roundTrip(given, true)
        for (const [name, t] of Object.entries(given)) {
          expect(tensorFault(back[name])).toBeUndefined()
          expect([back[name]!.dtype, back[name]!.shape]).toEqual([t.dtype, t.shape])
          expect(bytesOf(back[name]!)).toEqual(bytesOf(t))
        }
      }),
    )
  })

  test("cut or lengthened by a byte are refused", () => {
    const head = Buffer.from(
      JSON.stringify({ inputs: [{ name: "x", shape: [3], datatype: "INT16", parameters: { binary_data_size: 6 } }] }),
    )
    const read = (n: number) => readInfer(Buffer.concat([head, Buffer.alloc(n)]), String(head.byteLength))
    expect(read(6).feeds.x!.shape).toEqual([3])
    for (const n of [0, 5, 7, 12]) expect(() => read(n)).toThrow(AccelerateError)
  })

  test("strings whose lengths lie are refused", () => {
    const read = (...bytes: number[]) => {
      const head = Buffer.from(
        JSON.stringify({
          inputs: [{ name: "x", shape: [1], datatype: "BYTES", parameters: { binary_data_size: bytes.length } }],
        }),
      )
      return readInfer(Buffer.concat([head, Buffer.from(bytes)]), String(head.byteLength)).feeds.x!.data
    }
    expect(read(2, 0, 0, 0, 104, 105)).toEqual(["hi"])
    for (const bad of [
      [3, 0, 0, 0, 104, 105],
      [255, 255, 255, 255],
      [1, 0, 0, 0, 104, 105],
      [1, 0, 0],
      [1, 0, 0, 0, 255],
    ])
      expect(() => read(...bad)).toThrow(AccelerateError)
  })
})

describe("tensors as JSON", () => {
  const finite = tensor.filter((t) => {
    if (t.dtype === "int64" || t.dtype === "uint64")
      return [...(t.data as BigInt64Array)].every((x) => Number.isSafeInteger(Number(x)) && BigInt(Number(x)) === x)
    try {
      toJson(t, "x")
      return true
    } catch {
      return false
    }
  })

  test("come back bit by bit, where JSON can say them", () => {
    fc.assert(
      fc.property(finite, (t) => {
        const back = roundTrip({ x: t }, false).x!
        // JSON has no -0.
        const same = (a: Tensor) =>
          Array.isArray(a.data) ? a.data : Array.from(a.data as Float32Array, (x) => (Object.is(x, -0) ? 0 : x))
        if (t.dtype !== "float16" && t.dtype !== "bfloat16") expect(same(back)).toEqual(same(t))
        expect(toJson(back, "x")).toEqual(toJson(t, "x"))
      }),
    )
  })

  test("64-bit integers that JSON's readers would round are written in full, and refused as numbers", () => {
    const t: Tensor = { dtype: "int64", shape: [1], data: BigInt64Array.of(9_007_199_254_740_993n) }
    expect(JSON.stringify(toJson(t, "x"))).toBe("[9007199254740993]")
    expect(() => fromJson("int64", [1], [2 ** 53], "x")).toThrow(/2\^53/)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    "%s in an output is an error that says what to do, not null",
    (x) => {
      expect(() => toJson({ dtype: "float32", shape: [1], data: Float32Array.of(x) }, "x")).toThrow(/binary_data/)
    },
  )

  test("bfloat16 rounds to the nearest, ties to even", () => {
    const { data } = fromJson("bfloat16", [4], [1.00390625, 1.01171875, 3.0e38, -0.0], "x")
    expect([...(data as Uint16Array)].map((x) => x.toString(16))).toEqual(["3f80", "3f82", "7f62", "8000"])
  })

  test("what is no number of the type is refused", () => {
    const bad: [KserveDtype, unknown][] = [
      ["uint8", -1],
      ["uint8", 256],
      ["int8", 128],
      ["int32", 2 ** 31],
      ["int32", 1.5],
      ["uint32", "1"],
      ["float32", null],
      ["float32", "1"],
      ["bool", 2],
      ["string", 1],
      ["uint64", -1],
      ["int64", 0.5],
      ["int64", "1"],
    ]
    for (const [dtype, value] of bad)
      expect(() => fromJson(dtype, [1], [value], "x"), `${dtype} ${value}`).toThrow(AccelerateError)
  })
})

test("every datatype has its own dtype, and the reverse", () => {
  for (const dtype of dtypes) expect(toDtype(toDatatype(dtype), "x")).toBe(dtype)
  expect(() => toDtype("constructor", "x")).toThrow(AccelerateError)
  expect(() => toDatatype("int4")).toThrow(AccelerateError)
})

test("a request of any shape at all is read, or refused with one of our errors", () => {
  fc.assert(
    fc.property(fc.json(), fc.option(fc.string({ maxLength: 4 }), { nil: undefined }), (json, length) => {
      try {
        readInfer(Buffer.from(json), length)
      } catch (error) {
        expect(error).toBeInstanceOf(AccelerateError)
      }
    }),
  )
})

test("JSON past its limit is refused before it is parsed, and the tensors' bytes after it don't count", () => {
  const json = (length: number) => Buffer.alloc(length, " ")
  const code = (body: Buffer, header?: string) => {
    try {
      readInfer(body, header)
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  expect(code(json(MAX_INFER_JSON_BYTES + 1))).toBe("IPFA_PROTOCOL_TOO_LARGE")
  expect(code(json(MAX_INFER_JSON_BYTES + 2), String(MAX_INFER_JSON_BYTES + 1))).toBe("IPFA_PROTOCOL_TOO_LARGE")
  // Blanks are no JSON: these came as far as being parsed.
  expect(code(json(MAX_INFER_JSON_BYTES))).toBe("IPFA_INPUT_INVALID")
  expect(code(json(MAX_INFER_JSON_BYTES + 1), "10")).toBe("IPFA_INPUT_INVALID")
})
