import { describe, expect, test } from "vitest"
import {
  type GgufFormat,
  type GgufValue,
  ggufFormats,
  ggufPacked,
  ggufWeights,
  layoutOf,
  readGguf,
  unpack,
} from "../../kernels/index.ts"
import { AccelerateError } from "../../protocol/index.ts"
import fc from "../property.ts"

/** A value and how it is to be written. */
type Typed = { type: number; value: GgufValue; of?: number }
interface Tensor {
  name: string
  /** As in the file, innermost first. */
  dims: number[]
  type: number
  offset: number | bigint
}
interface Given {
  magic?: string
  version?: number
  metadata?: [key: string, value: Typed][]
  tensors?: Tensor[]
  data?: Uint8Array
  alignment?: number
  counts?: { tensors?: bigint; metadata?: bigint }
}

/** Writes bytes one after the other. */
class Writer {
  readonly bytes: number[] = []
  number(size: number, set: (view: DataView) => void): this {
    const view = new DataView(new ArrayBuffer(size))
    set(view)
    this.bytes.push(...new Uint8Array(view.buffer))
    return this
  }
  u32 = (value: number) => this.number(4, (view) => view.setUint32(0, value, true))
  u64 = (value: number | bigint) => this.number(8, (view) => view.setBigUint64(0, BigInt(value), true))
  raw(bytes: Iterable<number>): this {
    this.bytes.push(...bytes)
    return this
  }
  text(text: string): this {
    const bytes = new TextEncoder().encode(text)
    return this.u64(bytes.length).raw(bytes)
  }
  value({ type, value, of }: Typed): this {
    switch (type) {
      case 4:
        return this.u32(value as number)
      case 5:
        return this.number(4, (view) => view.setInt32(0, value as number, true))
      case 6:
        return this.number(4, (view) => view.setFloat32(0, value as number, true))
      case 7:
        return this.raw([value ? 1 : 0])
      case 8:
        return this.text(value as string)
      case 9: {
        const list = value as GgufValue[]
        this.u32(of!).u64(list.length)
        for (const one of list) this.value({ type: of!, value: one })
        return this
      }
      case 10:
        return this.u64(value as bigint)
    }
    throw new Error(`no type ${type}`)
  }
}

/** A GGUF file, from ggml's description of it. */
function file({ magic = "GGUF", version = 3, metadata = [], tensors = [], data, alignment = 32, counts }: Given) {
  const out = new Writer().raw(new TextEncoder().encode(magic)).u32(version)
  out.u64(counts?.tensors ?? tensors.length).u64(counts?.metadata ?? metadata.length)
  for (const [key, value] of metadata) out.text(key).u32(value.type).value(value)
  for (const { name, dims, type, offset } of tensors) {
    out.text(name).u32(dims.length)
    for (const dim of dims) out.u64(dim)
    out.u32(type).u64(offset)
  }
  while (data && out.bytes.length % alignment !== 0) out.bytes.push(0)
  return Uint8Array.from([...out.bytes, ...(data ?? [])])
}

const numbers: Record<GgufFormat, number> = { Q4_0: 2, Q4_1: 3, Q5_0: 6, Q5_1: 7, Q8_0: 8, Q2_K: 10, Q3_K: 11, Q4_K: 12, Q5_K: 13, Q6_K: 14 } // biome-ignore format: a table
const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 37) % 101)
const up = (size: number) => Math.ceil(size / 32) * 32

/** A matrix of 3 rows of two blocks in each format, one behind the other, and three float32. */
function sample(): Uint8Array<ArrayBuffer> {
  let offset = 0
  const tensors = ggufFormats.map((format): Tensor => {
    const { block, bytes } = layoutOf(format)
    const tensor = { name: format, dims: [2 * block, 3], type: numbers[format], offset }
    offset += up(6 * bytes)
    return tensor
  })
  tensors.push({ name: "floats", dims: [3], type: 0, offset })
  const data = ramp(offset + 12)
  const metadata: Given["metadata"] = [
    ["general.architecture", { type: 8, value: "llama" }],
    ["llama.context_length", { type: 4, value: 512 }],
    ["tokens", { type: 9, of: 8, value: ["<s>", "é", ""] }],
    ["long", { type: 10, value: 2n ** 63n }],
    ["tied", { type: 7, value: true }],
  ]
  return file({ metadata, tensors, data })
}

const refusal = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    if (error instanceof AccelerateError) return { code: error.code, path: (error.data as { path: string }).path }
    throw error
  }
  return undefined
}
const invalid = (path: string) => ({ code: "IPFA_MODEL_INVALID", path })

describe("a GGUF file", () => {
  test("is read: metadata, and each tensor where it lies, without a copy", () => {
    const bytes = sample()
    const { version, metadata, tensors } = readGguf(bytes)
    expect(version).toBe(3)
    expect(Object.fromEntries(metadata)).toEqual({ "general.architecture": "llama", "llama.context_length": 512, tokens: ["<s>", "é", ""], long: 2n ** 63n, tied: true }) // biome-ignore format: a table
    for (const format of ggufFormats) {
      const tensor = tensors.get(format)!
      const packed = ggufPacked(tensor)
      expect([packed.format, packed.shape]).toEqual([format, [3, 2 * layoutOf(format).block]])
      expect(packed.words.buffer).toBe(bytes.buffer)
      const apart = ggufWeights(format, packed.shape, Uint8Array.from(tensor.bytes))
      expect(unpack(packed)).toEqual(unpack(apart))
    }
    const floats = tensors.get("floats")!
    expect([floats.type, floats.shape, floats.bytes.length]).toEqual(["float32", [3], 12])
    expect(refusal(() => ggufPacked(floats))).toEqual(invalid("type"))
  })

  test("is read within a larger buffer too; weights that begin at no word of it, or end with it, are copied", () => {
    const bytes = sample()
    for (const shift of [4, 1]) {
      const within = new Uint8Array(bytes.length + shift)
      within.set(bytes, shift)
      const packed = ggufPacked(readGguf(within.subarray(shift)).tensors.get("Q4_0")!)
      expect(packed.words.buffer === within.buffer).toBe(shift === 4)
      expect(unpack(packed)).toEqual(unpack(ggufPacked(readGguf(bytes).tensors.get("Q4_0")!)))
    }
    const last = file({ tensors: [{ name: "w", dims: [32], type: 8, offset: 0 }], data: ramp(34) })
    const packed = ggufPacked(readGguf(last).tensors.get("w")!)
    expect(packed.words.buffer).not.toBe(last.buffer)
    expect(packed.shape).toEqual([1, 32])
  })

  const one = (part: Partial<Tensor>, rest: Given = {}) => {
    return file({ tensors: [{ name: "w", dims: [32], type: 2, offset: 0, ...part }], data: ramp(96), ...rest })
  }
  const two = (offset: number) =>
    file({
      tensors: [
        { name: "a", dims: [64], type: 2, offset: 0 },
        { name: "b", dims: [32], type: 2, offset },
      ],
      data: ramp(128),
    })
  const deep = () => {
    const out = new Writer().raw(new TextEncoder().encode("GGUF")).u32(3).u64(0).u64(1).text("k").u32(9)
    for (let depth = 0; depth < 10_000; depth++) out.u32(9).u64(1)
    return Uint8Array.from(out.bytes)
  }
  test.each<[string, () => Uint8Array<ArrayBuffer>, string]>([
    ["nothing", () => new Uint8Array(), "magic"],
    ["another magic", () => file({ magic: "GGML" }), "magic"],
    ["version 1", () => file({ version: 1 }), "version"],
    ["big-endian", () => file({ version: 0x03000000 }), "version"],
    ["more tensors than bytes", () => file({ counts: { tensors: 2n ** 40n } }), "tensor count"],
    ["a count beyond 2^53", () => file({ counts: { tensors: 2n ** 63n } }), "tensor count"],
    ["more metadata than bytes", () => file({ counts: { metadata: 9n } }), "metadata count"],
    ["a key twice", () => file({ metadata: ["k", "k"].map((key) => [key, { type: 4, value: 1 }]) }), "metadata[1].key"],
    ["a value of no type", () => file({ metadata: [["k", { type: 4, value: 1 }]], tensors: [] }).with(33, 13), "metadata[0].value"], // biome-ignore format: a case a line
    ["a bool of 2", () => file({ metadata: [["k", { type: 7, value: true }]] }).with(37, 2), "metadata[0].value"],
    ["text that is not UTF-8", () => file({ metadata: [["k", { type: 8, value: "ab" }]] }).with(45, 0xff), "metadata[0].value"], // biome-ignore format: a case a line
    ["arrays within arrays without end", deep, "metadata[0].value"],
    ["an alignment of 0", () => file({ metadata: [["general.alignment", { type: 4, value: 0 }]] }), "general.alignment"], // biome-ignore format: a case a line
    ["an alignment of 4", () => file({ metadata: [["general.alignment", { type: 4, value: 4 }]] }), "general.alignment"], // biome-ignore format: a case a line
    ["a text for an alignment", () => file({ metadata: [["general.alignment", { type: 8, value: "32" }]] }), "general.alignment"], // biome-ignore format: a case a line
    ["no dimensions", () => one({ dims: [] }), "tensors[0].dimensions"],
    ["five dimensions", () => one({ dims: [32, 1, 1, 1, 1] }), "tensors[0].dimensions"],
    ["a dimension of 0", () => one({ dims: [32, 0] }), "tensors[0].dimensions"],
    ["dimensions whose product is beyond 2^53", () => one({ dims: [2 ** 30, 2 ** 30] }), "tensors[0].dimensions"],
    ["rows of part of a block", () => one({ dims: [31] }), "tensors[0].dimensions"],
    ["a type that is not known", () => one({ type: 4 }), "tensors[0].type"],
    ["an unaligned offset", () => one({ offset: 8 }), "tensors[0].offset"],
    ["an offset past the end", () => one({ offset: 96 }), "tensors[0].offset"],
    ["an offset beyond 2^53", () => one({ offset: 2n ** 62n }), "tensors[0].offset"],
    ["a tensor that ends past the end", () => one({ dims: [32, 6] }), "tensors[0].offset"],
    ["tensors and no data", () => file({ tensors: [{ name: "w", dims: [32], type: 2, offset: 0 }] }), "tensors[0].offset"], // biome-ignore format: a case a line
    ["a name twice", () => file({ tensors: [0, 32].map((offset) => ({ name: "w", dims: [32], type: 2, offset })), data: ramp(96) }), "tensors[1].name"], // biome-ignore format: a case a line
    ["tensors that overlap", () => two(32), "tensors[1].offset"],
    ["tensors in the same place", () => two(0), "tensors[1].offset"],
  ])("with %s is refused, with the place", (_, bytes, path) => {
    expect(refusal(() => readGguf(bytes()))).toEqual(invalid(path))
  })

  test("with more elements in arrays than any model has is refused before they are made", () => {
    const out = new Writer().raw(new TextEncoder().encode("GGUF")).u32(3).u64(0).u64(1).text("k").u32(9).u32(0)
    const bytes = new Uint8Array(out.bytes.length + 8 + 2 ** 24 + 1)
    bytes.set(out.u64(2 ** 24 + 1).bytes)
    expect(refusal(() => readGguf(bytes))).toEqual({ code: "IPFA_MODEL_TOO_LARGE", path: "metadata[0].value" })
  })

  test("cut short anywhere is refused", () => {
    const bytes = sample()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(refusal(() => readGguf(bytes.slice(0, length)))?.code).toBe("IPFA_MODEL_INVALID")
      }),
    )
  })

  /** Whatever the bytes are: refused with a code, or every tensor lies within them, apart from the others. */
  const isSafe = (bytes: Uint8Array<ArrayBuffer>) => {
    let ends: number[][] = []
    const refused = refusal(() => {
      const { tensors } = readGguf(bytes)
      ends = [...tensors.values()].map(({ bytes: own }) => [own.byteOffset, own.byteOffset + own.length])
      for (const tensor of tensors.values()) if (tensor.type in numbers) unpack(ggufPacked(tensor))
    })
    if (refused) return expect(refused.code).toMatch(/^IPFA_MODEL_(INVALID|TOO_LARGE)$/)
    ends.sort(([a], [b]) => a! - b!)
    for (const [i, [from, to]] of ends.entries()) {
      expect(from).toBeGreaterThanOrEqual(ends[i - 1]?.[1] ?? 0)
      expect(to).toBeLessThanOrEqual(bytes.length)
    }
  }

  test("with any few bytes changed is refused with a code, or read within its bytes", () => {
    const bytes = sample()
    const change = fc.tuple(fc.nat(1100), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const wrong = bytes.slice()
        for (const [at, value] of changes) wrong[at] = value
        isSafe(wrong)
      }),
      { numRuns: 500 },
    )
  })

  test("of any bytes behind its counts is refused with a code, or read within its bytes", () => {
    const rest = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 3n }),
        fc.bigInt({ min: 0n, max: 3n }),
        rest,
        (tensors, metadata, bytes) => {
          isSafe(Uint8Array.from([...file({ counts: { tensors, metadata } }), ...bytes]))
        },
      ),
      { numRuns: 500 },
    )
  })
})
