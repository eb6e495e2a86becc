import { fail } from "../../protocol/errors/error.ts"

export const bitWidths = [8, 4, 3, 2, 1] as const
export const groupSizes = [32, 64, 128] as const
export type Bits = (typeof bitWidths)[number]
export type GroupSize = (typeof groupSizes)[number]

/**
 * Weights of `Bits` bits in groups that share a scale and a zero point: w = scale · (q − zero). A group is its header, then its quants, all in words, so a
 * row or a page is one range of memory. The header is a word of two float16, scale and zero; with `f` two words of float32.
 */
export type GroupFormat = `q${Bits}g${GroupSize}${"" | "f"}`
/** How weights lie in words. */
export type PackedFormat = GroupFormat

/** A format in numbers. */
export interface Layout {
  readonly bits: Bits
  /** Weights of a block: rows are whole blocks, the last one filled up. */
  readonly block: GroupSize
  /** The header is two float32. */
  readonly full: boolean
  readonly headerWords: number
  readonly blockWords: number
}

/** Throws IPFA_INPUT_INVALID for a name that is no format. */
export function layoutOf(format: PackedFormat): Layout {
  const [, width, size, full] = /^q(\d+)g(\d+)(f?)$/.exec(format) ?? []
  const bits = bitWidths.find((one) => one === Number(width))
  const block = groupSizes.find((one) => one === Number(size))
  if (!bits || !block)
    throw fail("IPFA_INPUT_INVALID", {
      message: `There is no packed format "${format}".`,
      data: { path: "format", expected: "q<bits>g<group> or q<bits>g<group>f" },
    })
  const headerWords = full ? 2 : 1
  return { bits, block, full: full === "f", headerWords, blockWords: headerWords + (bits * block) / 32 }
}

/** Words of a matrix of `rows` × `cols`. */
export function packedWords(format: PackedFormat, rows: number, cols: number): number {
  const { block, blockWords } = layoutOf(format)
  return rows * Math.ceil(cols / block) * blockWords
}

/** Where a group's zero lies unless it has a zero point: in the middle, so that −1 and 1 are what one bit holds, times half the scale. */
export const middleOf = (bits: Bits): number => (bits === 1 ? 0.5 : 2 ** (bits - 1))
