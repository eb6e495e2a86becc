import { float16Bits, float16Value } from "../../protocol/float16.ts"
import type { Layout } from "./format.ts"

/** What a group stands for: weight i is scale · (quants[i] − zero). */
export interface Group {
  readonly scale: number
  readonly zero: number
  /** From 0 to 2^bits − 1, one for each weight of the group. */
  readonly quants: ArrayLike<number>
}

const numbers = new DataView(new ArrayBuffer(4))

/** The parts of a quant: bit `from` of it and up, `width` of them, for each weight in order from bit `at` of the group's quants on. */
function planes({ bits, block }: Layout): { from: number; width: number; at: number }[] {
  if (bits !== 3) return [{ from: 0, width: bits, at: 0 }]
  // Three bits don't divide a word: two bits of each weight, then the third of each.
  return [
    { from: 0, width: 2, at: 0 },
    { from: 2, width: 1, at: 2 * block },
  ]
}

/** Writes the group that begins at word `at`. Scale and zero are rounded to what the header holds. */
export function writeGroup(words: Uint32Array, at: number, layout: Layout, { scale, zero, quants }: Group): void {
  if (layout.full) {
    words[at] = floatBits(scale)
    words[at + 1] = floatBits(zero)
  } else words[at] = float16Bits(scale) | (float16Bits(zero) << 16)
  const first = at + layout.headerWords
  words.fill(0, first, at + layout.blockWords)
  for (const { from, width, at: start } of planes(layout))
    for (let i = 0; i < layout.block; i++) {
      const bit = start + i * width
      const part = (quants[i]! >>> from) & (2 ** width - 1)
      words[first + Math.floor(bit / 32)]! |= part << (bit % 32)
    }
}

/** Reads the group that begins at word `at`. */
export function readGroup(words: ArrayLike<number>, at: number, layout: Layout): Group {
  const header = words[at]!
  const [scale, zero] = layout.full
    ? [floatOf(header), floatOf(words[at + 1]!)]
    : [float16Value(header & 0xffff), float16Value(header >>> 16)]
  const quants = new Uint8Array(layout.block)
  for (const { from, width, at: start } of planes(layout))
    for (let i = 0; i < layout.block; i++) {
      const bit = start + i * width
      const word = words[at + layout.headerWords + Math.floor(bit / 32)]!
      quants[i]! |= ((word >>> (bit % 32)) & (2 ** width - 1)) << from
    }
  return { scale, zero, quants }
}

function floatBits(value: number): number {
  numbers.setFloat32(0, value)
  return numbers.getUint32(0)
}

function floatOf(bits: number): number {
  numbers.setUint32(0, bits)
  return numbers.getFloat32(0)
}
