import { describe, expect, test } from "vitest"
import { type GgufFormat, ggufFormats, ggufWeights, layoutOf, packedWords, unpack } from "../../kernels/index.ts"

/** A block as one number, lowest byte first; `bits(at, count)` are `count` of its bits from bit `at` on. */
type Bits = (at: number, count: number) => number
const bitsOf = (block: Uint8Array): Bits => {
  const all = block.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
  return (at, count) => Number(BigInt.asUintN(count, all >> BigInt(at)))
}
/** IEEE 754's binary16 at byte `at`. */
const half = (bits: Bits, at: number) => {
  const [fraction, exponent, sign] = [bits(8 * at, 10), bits(8 * at + 10, 5), bits(8 * at + 15, 1)]
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
  return sign === 1 ? -size : size
}
const signed = (byte: number) => (byte > 127 ? byte - 256 : byte)
const nibble = (bits: Bits, from: number, i: number) => bits(8 * (from + (i % 16)) + 4 * Math.floor(i / 16), 4)
/** Two bits each: 128 weights in 32 bytes. */
const pair = (bits: Bits, from: number, i: number) =>
  bits(8 * (from + 32 * Math.floor(i / 128) + (i % 32)) + 2 * Math.floor((i % 128) / 32), 2)
/** Four bits each: 64 weights in 32 bytes. */
const four = (bits: Bits, from: number, i: number) =>
  bits(8 * (from + 32 * Math.floor(i / 64) + (i % 32)) + 4 * Math.floor((i % 64) / 32), 4)
/** Scale and minimum of 32 weights in Q4_K and Q5_K: six bits each, those of the last four groups spread over what the first four leave. */
const sixes = (bits: Bits, j: number): [number, number] =>
  j < 4
    ? [bits(8 * (4 + j), 6), bits(8 * (8 + j), 6)]
    : [bits(8 * (8 + j), 4) + 16 * bits(8 * j + 6, 2), bits(8 * (8 + j) + 4, 4) + 16 * bits(8 * (4 + j) + 6, 2)]

/** Weight `i` of a block, from the formats' definition. */
const definition: Record<GgufFormat, (bits: Bits, i: number) => number> = {
  Q8_0: (bits, i) => half(bits, 0) * signed(bits(8 * (2 + i), 8)),
  Q4_0: (bits, i) => half(bits, 0) * (nibble(bits, 2, i) - 8),
  Q4_1: (bits, i) => half(bits, 0) * nibble(bits, 4, i) + half(bits, 2),
  Q5_0: (bits, i) => half(bits, 0) * (nibble(bits, 6, i) + 16 * bits(16 + i, 1) - 16),
  Q5_1: (bits, i) => half(bits, 0) * (nibble(bits, 8, i) + 16 * bits(32 + i, 1)) + half(bits, 2),
  Q2_K(bits, i) {
    const group = 8 * Math.floor(i / 16)
    return half(bits, 80) * bits(group, 4) * pair(bits, 16, i) - half(bits, 82) * bits(group + 4, 4)
  },
  Q3_K(bits, i) {
    const j = Math.floor(i / 16)
    const low = j < 8 ? bits(8 * (96 + j), 4) : bits(8 * (88 + j) + 4, 4)
    const scale = low + 16 * bits(8 * (104 + (j % 4)) + 2 * Math.floor(j / 4), 2) - 32
    const isHigh = bits(8 * (i % 32) + Math.floor(i / 32), 1)
    return half(bits, 108) * scale * (pair(bits, 32, i) - (isHigh ? 0 : 4))
  },
  Q4_K(bits, i) {
    const [scale, low] = sixes(bits, Math.floor(i / 32))
    return half(bits, 0) * scale * four(bits, 16, i) - half(bits, 2) * low
  },
  Q5_K(bits, i) {
    const [scale, low] = sixes(bits, Math.floor(i / 32))
    const q = four(bits, 48, i) + 16 * bits(8 * (16 + (i % 32)) + Math.floor(i / 32), 1)
    return half(bits, 0) * scale * q - half(bits, 2) * low
  },
  Q6_K(bits, i) {
    const [part, quarter, l] = [Math.floor(i / 128), Math.floor((i % 128) / 32), i % 32]
    const low = bits(8 * (64 * part + 32 * (quarter % 2) + l) + 4 * Math.floor(quarter / 2), 4)
    const high = bits(8 * (128 + 32 * part + l) + 2 * quarter, 2)
    return half(bits, 208) * signed(bits(8 * (192 + Math.floor(i / 16)), 8)) * (low + 16 * high - 32)
  },
}

/** The same for the same seed everywhere (Park and Miller's minimal standard). */
function bytes(count: number, seed: number): Uint8Array<ArrayBuffer> {
  let state = seed
  return Uint8Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647
    return state >>> 12
  })
}

/** No exponent of all ones: no file has an infinite scale. */
function finite(blocks: Uint8Array<ArrayBuffer>, format: GgufFormat): Uint8Array<ArrayBuffer> {
  const { bytes: size, scales } = layoutOf(format)
  const at = "at" in scales ? scales.at : 0
  for (let start = 0; start < blocks.length; start += size)
    for (const high of [start + at + 1, start + at + 3]) if (high < start + size) blocks[high]! &= 0xbf
  return blocks
}

describe("GGUF's blocks", () => {
  test.each(ggufFormats)("%s: every bit is where the definition has it", (format) => {
    const { block, bytes: size } = layoutOf(format)
    const [rows, cols] = [3, 2 * block]
    const file = finite(bytes(6 * size, 7), format)
    const weights = ggufWeights(format, [rows, cols], file)
    expect(weights.words.length).toBe(packedWords(format, rows, cols))
    const wanted = Array.from({ length: rows * cols }, (_, at) => {
      const index = Math.floor(at / block)
      return definition[format](bitsOf(file.subarray(index * size, (index + 1) * size)), at % block)
    })
    expect([...unpack(weights)]).toEqual(wanted)
  })

  test("blocks written out by hand mean what they say", () => {
    const weightsOf = (format: GgufFormat, head: number[], tail: number[] = []) => {
      const { block, bytes: size } = layoutOf(format)
      const one = [...head, ...new Array(size - head.length - tail.length).fill(0), ...tail]
      return unpack(ggufWeights(format, [1, block], Uint8Array.from(one)))
    }
    // 0x3c00 is 1, 0x4000 is 2, 0x3800 is ½.
    const q8 = weightsOf("Q8_0", [0x00, 0x38, 1, 0xff, 0x80])
    expect([...q8.subarray(0, 4)]).toEqual([0.5, -0.5, -64, 0])
    const q4 = weightsOf("Q4_0", [0x00, 0x3c, 0x2f])
    expect([q4[0], q4[1], q4[16], q4[17]]).toEqual([7, -8, -6, -8])
    const q51 = weightsOf("Q5_1", [0x00, 0x40, 0x00, 0x3c, 1, 0, 1, 0, 0x2f])
    expect([q51[0], q51[1], q51[16]]).toEqual([2 * 31 + 1, 1, 2 * 18 + 1])
    const q6 = weightsOf("Q6_K", [0x05, ...new Array(191).fill(0), 0xfd], [0x00, 0x3c])
    expect([q6[0], q6[1]]).toEqual([-3 * (5 - 32), -3 * -32])
    const q2 = weightsOf("Q2_K", [0x23], [0x00, 0x3c, 0x00, 0x40])
    expect([q2[0], q2[16]]).toEqual([-4, 0])
  })

  test("rows of part of a block, and files cut short, are refused", () => {
    const shape = expect.objectContaining({ code: "IPFA_INPUT_SHAPE" })
    expect(() => ggufWeights("Q4_K", [1, 255], new Uint8Array(144))).toThrow(shape)
    expect(() => ggufWeights("Q4_K", [1, 256], new Uint8Array(143))).toThrow(shape)
    expect(() => ggufWeights("Q7_K" as "Q4_K", [1, 256], new Uint8Array(143))).toThrow(
      expect.objectContaining({ code: "IPFA_INPUT_INVALID" }),
    )
  })
})
