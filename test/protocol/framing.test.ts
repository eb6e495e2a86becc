import { isDeepStrictEqual } from "node:util"
import { afterEach, describe, expect, test } from "vitest"
import {
  AccelerateError,
  Assembler,
  decodeFrame,
  type ErrorCode,
  encodeFrame,
  joinBytes,
  LengthReader,
  lengthPrefix,
  MIN_CHUNK_BYTES,
  splitFrame,
} from "../../protocol/index.ts"
import fc from "../property.ts"

const array = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
)
/** Without `__proto__`, which holds no array (see "carries no array under __proto__"). */
const key = fc.oneof(
  { weight: 4, arbitrary: fc.string().filter((key) => key !== "__proto__") },
  fc.constantFrom("constructor", "prototype", "toString", "0", "length", "message", "arrays"),
)
/** JSON values with typed arrays anywhere in them. −0 is left out: JSON writes it as 0. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
    fc.string({ unit: "grapheme" }),
    array,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map(Object.fromEntries),
  ),
}))
const message = fc.array(fc.tuple(key, value), { maxLength: 5 }).map((entries) => Object.fromEntries(entries))

const whole = (parts: Uint8Array[]) => joinBytes(parts)

/** What decoding does: the message, or the code it is refused with. Anything else thrown fails the test. */
function outcome(frame: Uint8Array | Uint8Array[]): { message: unknown } | { code: ErrorCode } {
  try {
    return { message: decodeFrame(frame) }
  } catch (error) {
    if (error instanceof AccelerateError) return { code: error.code }
    throw error
  }
}

function frameOf(header: unknown, body = new Uint8Array(64)): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header))
  const head = new Uint8Array(Math.ceil((8 + json.length) / 8) * 8).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true)
  head.set(json, 8)
  return whole([head, body])
}

const prototypes = JSON.stringify([
  Object.getOwnPropertyNames(Object.prototype),
  Object.getOwnPropertyNames(Array.prototype),
])
afterEach(() => {
  expect(
    JSON.stringify([Object.getOwnPropertyNames(Object.prototype), Object.getOwnPropertyNames(Array.prototype)]),
  ).toBe(prototypes)
})

describe("a frame", () => {
  test("gives back any message, whole or in parts cut anywhere", () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(5000), { maxLength: 6 }), (sent, cuts) => {
        const frame = whole(encodeFrame(sent))
        const at = [...new Set(cuts.map((c) => c % (frame.length + 1)))].sort((a, b) => a - b)
        const parts = [...at, frame.length].map((end, i) => frame.slice(i === 0 ? 0 : at[i - 1], end))
        expect(isDeepStrictEqual(decodeFrame(frame), sent)).toBe(true)
        expect(isDeepStrictEqual(decodeFrame(parts), sent)).toBe(true)
      }),
    )
  })

  test("copies arrays out of a Node Buffer that lies askew", () => {
    const frame = joinBytes(encodeFrame({ x: new BigInt64Array([1n, -2n]), y: new Float32Array([0.5]) }))
    const askew = Buffer.concat([Buffer.from([0]), frame]).subarray(1)
    expect(decodeFrame(askew)).toEqual({ x: new BigInt64Array([1n, -2n]), y: new Float32Array([0.5]) })
  })

  test("carries arrays whole and aligned, as views of its own memory", () => {
    const sent = { a: new Uint8Array([1, 2, 3]), b: new BigInt64Array([4n]), c: new Float64Array([5]) }
    const frame = whole(encodeFrame(sent))
    const back = decodeFrame(frame) as typeof sent
    expect(back).toEqual(sent)
    for (const view of Object.values(back)) {
      expect(view.buffer).toBe(frame.buffer)
      expect(view.byteOffset % 8).toBe(0)
    }
  })

  test("with the key __proto__ in plain values makes it an ordinary property", () => {
    const sent = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}')
    const back = decodeFrame(whole(encodeFrame(sent))) as object
    expect(Object.keys(back)).toEqual(["__proto__", "constructor"])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  test("carries no array under __proto__: whoever sends one is told", () => {
    expect(() => encodeFrame({ ["__proto__"]: new Uint8Array(1) })).toThrow(
      expect.objectContaining({ code: "IPFA_INPUT_INVALID" }),
    )
  })

  test("cut off anywhere is malformed, or lacks nothing but padding", () => {
    fc.assert(
      fc.property(message, (sent) => {
        const frame = whole(encodeFrame(sent))
        for (let end = 0; end < frame.length; end++) {
          const cut = outcome(frame.slice(0, end))
          if ("code" in cut) expect(cut.code).toBe("IPFA_PROTOCOL_MALFORMED")
          else {
            expect(frame.length - end).toBeLessThan(8)
            expect(isDeepStrictEqual(cut.message, sent)).toBe(true)
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  test("with flipped bits is malformed or some other message, and nothing worse", () => {
    const bits = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(message, bits, (sent, flips) => {
        const frame = whole(encodeFrame(sent))
        for (const [at, bit] of flips) frame[at % frame.length]! ^= 1 << bit
        const flipped = outcome(frame)
        if ("code" in flipped) expect(flipped.code).toBe("IPFA_PROTOCOL_MALFORMED")
      }),
      { numRuns: 500 },
    )
  })

  test("of random bytes is malformed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(outcome(bytes)).toEqual({ code: "IPFA_PROTOCOL_MALFORMED" })
      }),
    )
  })

  test.each([9n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n])("that claims a header of %d bytes is malformed", (length) => {
    const frame = frameOf({ message: {}, arrays: [] }, new Uint8Array(0)).slice(0, 16)
    new DataView(frame.buffer).setBigUint64(0, length, true)
    expect(outcome(frame)).toEqual({ code: "IPFA_PROTOCOL_MALFORMED" })
  })

  const entry = { path: ["x"], type: "uint8", begin: 0, end: 8 }
  test.each([
    ["no object", "null"],
    ["a list", "[]"],
    ["no JSON", "{"],
    ["bytes that are no UTF-8 in place of JSON", "\ud800"],
    ["no arrays", { message: {} }],
    ["arrays that are no list", { message: {}, arrays: { length: 1 } }],
    ["more arrays than anyone needs", { message: {}, arrays: Array(70_000).fill(entry) }],
    ["an entry that is null", { message: { x: null }, arrays: [null] }],
    ["an entry without path", { message: { x: null }, arrays: [{ ...entry, path: [] }] }],
    ["a path that is text", { message: { x: null }, arrays: [{ ...entry, path: "x" }] }],
    ["a path of objects", { message: { x: null }, arrays: [{ ...entry, path: [{ toString: 1 }] }] }],
    ["a path through nothing", { message: { x: null }, arrays: [{ ...entry, path: ["x", "y"] }] }],
    ["a path to what is not there", { message: { x: null }, arrays: [{ ...entry, path: ["y"] }] }],
    ["a path to what is there already", { message: { x: 1 }, arrays: [entry] }],
    ["the same path twice", { message: { x: null }, arrays: [entry, entry] }],
    ["a path into an array it placed", { message: { x: null }, arrays: [entry, { ...entry, path: ["x", 0] }] }],
    ["a path to a prototype", { message: { x: null }, arrays: [{ ...entry, path: ["__proto__", "x"] }] }],
    [
      "an own __proto__",
      '{"message":{"__proto__":null},"arrays":[{"path":["__proto__"],"type":"uint8","begin":0,"end":8}]}',
    ],
    ["a path to a constructor", { message: { x: null }, arrays: [{ ...entry, path: ["constructor", "prototype"] }] }],
    ["a path to a list's length", { message: { x: [] }, arrays: [{ ...entry, path: ["x", "length"] }] }],
    ["a path deeper than any", { message: { x: null }, arrays: [{ ...entry, path: Array(1000).fill("x") }] }],
    ["the message itself as an array", { message: null, arrays: [{ ...entry, path: [] }] }],
    ["an unknown type", { message: { x: null }, arrays: [{ ...entry, type: "float8" }] }],
    ["a type of Object.prototype", { message: { x: null }, arrays: [{ ...entry, type: "toString" }] }],
    ["a negative range", { message: { x: null }, arrays: [{ ...entry, begin: -8 }] }],
    ["a range past the end", { message: { x: null }, arrays: [{ ...entry, end: 65 }] }],
    ["a range that ends before it begins", { message: { x: null }, arrays: [{ ...entry, begin: 16 }] }],
    ["a range that is no number", { message: { x: null }, arrays: [{ ...entry, end: "8" }] }],
    ["a range of no whole number", { message: { x: null }, arrays: [{ ...entry, end: 7.5 }] }],
    ["half an element", { message: { x: null }, arrays: [{ ...entry, type: "float32", end: 6 }] }],
    ["a range within another", { message: { x: null, y: null }, arrays: [entry, { ...entry, path: ["y"], begin: 4 }] }],
    [
      "ranges out of order",
      { message: { x: null, y: null }, arrays: [{ ...entry, path: ["y"], begin: 8, end: 16 }, entry] },
    ],
    ["a range of 2^60", { message: { x: null }, arrays: [{ ...entry, begin: 2 ** 60, end: 2 ** 60 + 8 }] }],
  ])("whose header is or has %s is malformed", (_, header) => {
    expect(outcome(frameOf(header))).toEqual({ code: "IPFA_PROTOCOL_MALFORMED" })
  })

  test.each([
    ["an array of float16", new Float16Array(4)],
    ["a DataView", new DataView(new ArrayBuffer(8))],
    ["a clamped array", new Uint8ClampedArray(4)],
  ])("refuses to carry %s rather than change it", (_, x) => {
    expect(() => encodeFrame({ x })).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
  })

  test("refuses to carry an array under the key __proto__, which no receiver would take", () => {
    const message = JSON.parse('{"__proto__":{}}')
    Object.getOwnPropertyDescriptor(message, "__proto__")!.value.x = new Uint8Array(1)
    expect(() => encodeFrame(message)).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
  })

  test("refuses to carry what is nested too deep", () => {
    let deep: unknown = []
    for (let i = 0; i < 70; i++) deep = [deep]
    expect(() => encodeFrame({ deep })).toThrow(expect.objectContaining({ code: "IPFA_INPUT_INVALID" }))
  })
})

describe("chunks", () => {
  const code = (expected: ErrorCode) => expect.objectContaining({ code: expected })
  const data = new Uint8Array(MIN_CHUNK_BYTES)

  test("of any size give the frame back, frame after frame", () => {
    const size = fc.integer({ min: MIN_CHUNK_BYTES, max: 3 * MIN_CHUNK_BYTES })
    const lengths = fc.array(fc.integer({ min: 1, max: 5 * MIN_CHUNK_BYTES }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(lengths, { minLength: 1, maxLength: 3 }), size, (frames, chunkBytes) => {
        const assembler = new Assembler(2 ** 22)
        for (const parts of frames) {
          const sent = parts.map((length, i) => new Uint8Array(length).fill(i + 1))
          const chunks = [...splitFrame(sent, chunkBytes)]
          const results = chunks.map((chunk) => assembler.add(chunk))
          expect(results.slice(0, -1).every((r) => r === undefined)).toBe(true)
          expect(Buffer.concat(results.at(-1) ?? []).equals(Buffer.concat(sent))).toBe(true)
        }
      }),
      { numRuns: 30 },
    )
  })

  test.each([
    ["a total over the bound", { total: 2 ** 20 + 1, offset: 0, data }, "IPFA_PROTOCOL_TOO_LARGE"],
    ["a total that is no number", { total: "9", offset: 0, data }, "IPFA_PROTOCOL_MALFORMED"],
    ["a total of NaN", { total: Number.NaN, offset: 0, data }, "IPFA_PROTOCOL_MALFORMED"],
    ["a start in the middle", { total: 2 ** 20, offset: 8, data }, "IPFA_PROTOCOL_MALFORMED"],
    ["a negative offset", { total: 2 ** 20, offset: -1, data }, "IPFA_PROTOCOL_MALFORMED"],
    ["more than its total", { total: 8, offset: 0, data }, "IPFA_PROTOCOL_MALFORMED"],
    ["no bytes", { total: 8, offset: 0, data: new Uint8Array(0) }, "IPFA_PROTOCOL_MALFORMED"],
    ["text for bytes", { total: 8, offset: 0, data: "12345678" }, "IPFA_PROTOCOL_MALFORMED"],
    ["a tiny piece", { total: 2 ** 20, offset: 0, data: new Uint8Array(1) }, "IPFA_PROTOCOL_MALFORMED"],
  ] as const)("with %s are refused", (_, chunk, expected) => {
    const assembler = new Assembler(2 ** 20)
    expect(() => assembler.add({ kind: "chunk", ...chunk } as never)).toThrow(code(expected))
  })

  test("that are views of more memory keep no more than their own bytes", () => {
    const assembler = new Assembler(2 ** 20)
    const view = new Uint8Array(2 ** 23).subarray(0, MIN_CHUNK_BYTES)
    const parts = assembler.add({ kind: "chunk", total: MIN_CHUNK_BYTES, offset: 0, data: view })
    expect(parts?.map(({ buffer }) => buffer.byteLength)).toEqual([MIN_CHUNK_BYTES])
  })

  test.each([
    ["repeat", { total: 2 ** 20, offset: 0, data }],
    ["skip", { total: 2 ** 20, offset: 2 * data.length, data }],
    ["change their total", { total: 2 ** 19, offset: data.length, data }],
  ])("that %s are refused", (_, second) => {
    const assembler = new Assembler(2 ** 20)
    assembler.add({ kind: "chunk", total: 2 ** 20, offset: 0, data })
    expect(() => assembler.add({ kind: "chunk", ...second })).toThrow(code("IPFA_PROTOCOL_MALFORMED"))
  })
})

describe("a stream of length-prefixed bodies", () => {
  test("gives the same bodies however it is cut", () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 })
    fc.assert(
      fc.property(
        bodies,
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        fc.boolean(),
        (sent, cuts, little) => {
          const stream = whole(sent.flatMap((body) => [lengthPrefix(body.length, little), body]))
          const got: Uint8Array[] = []
          const reader = new LengthReader(300, (body) => got.push(body), little)
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + (cuts[i % cuts.length] as number)
            reader.push(stream.subarray(at, end))
            at = end
          }
          expect(got).toEqual(sent)
        },
      ),
    )
  })

  test("makes no room for a body over the limit", () => {
    const reader = new LengthReader(1000, () => expect.unreachable())
    const before = process.memoryUsage().arrayBuffers
    expect(() => reader.push(lengthPrefix(2 ** 32 - 1))).toThrow(
      expect.objectContaining({ code: "IPFA_PROTOCOL_TOO_LARGE" }),
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
  })
})
