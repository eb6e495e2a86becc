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
/** The block formats of GGUF files, by their names there; their bytes are as in the file. */
export type GgufFormat = "Q8_0" | "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q2_K" | "Q3_K" | "Q4_K" | "Q5_K" | "Q6_K"
/** How weights lie in memory. */
export type PackedFormat = GroupFormat | GgufFormat

/**
 * `bits` of each quant of a block, from byte `at` on. The parts of `run` weights lie in as many bytes, then those of the next `run` in the next higher bits of the
 * same bytes, until they are full; with a run of 1 neighbours lie side by side, lowest bits first.
 */
export interface Plane {
  readonly at: number
  readonly bits: 1 | 2 | 4 | 8
  readonly run: 1 | 8 | 16 | 32 | 64
}

/**
 * What a weight is besides its quant, weight = size · (q − zero) − low, and how that is written:
 * - `half`, `float`: size and zero at byte 0, float16 or float32;
 * - `one`: size at `at`; `low`: size and −low at `at`, float16;
 * - the rest have 16 or 32 weights in a group, whose sizes and lows are whole `codes` times the float16 size and low at `at`: `K2` 4 bits each, from byte 0 on, `K3` 6 bits
 *   less 32, `K4` 6 bits each, `K6` signed bytes.
 */
export type Scales =
  | { readonly kind: "half" | "float" }
  | { readonly kind: "one" | "low"; readonly at: number }
  | { readonly kind: "K2" | "K3" | "K4" | "K6"; readonly at: number; readonly codes: number }

/** A format in numbers. */
export interface Layout {
  /** Weights of a block: rows are whole blocks, the last one filled up. */
  readonly block: 32 | 64 | 128 | 256
  readonly bytes: number
  /** Of the quants: their low bits, then their high ones. */
  readonly planes: readonly [Plane, Plane?]
  /** Quants are two's complement; they are read as more by `zero`. */
  readonly signed?: boolean
  /** What is taken off a quant, where no header says it. */
  readonly zero: number
  readonly scales: Scales
}

const plane = (at: number, bits: Plane["bits"], run: Plane["run"]): Plane => ({ at, bits, run })

/** Source: the structs and comments of ggml's ggml-common.h, whose names these are. */
const gguf: Readonly<Record<GgufFormat, Layout>> = {
  Q8_0: { block: 32, bytes: 34, planes: [plane(2, 8, 32)], signed: true, zero: 128, scales: { kind: "one", at: 0 } },
  Q4_0: { block: 32, bytes: 18, planes: [plane(2, 4, 16)], zero: 8, scales: { kind: "one", at: 0 } },
  Q4_1: { block: 32, bytes: 20, planes: [plane(4, 4, 16)], zero: 0, scales: { kind: "low", at: 0 } },
  Q5_0: { block: 32, bytes: 22, planes: [plane(6, 4, 16), plane(2, 1, 1)], zero: 16, scales: { kind: "one", at: 0 } },
  Q5_1: { block: 32, bytes: 24, planes: [plane(8, 4, 16), plane(4, 1, 1)], zero: 0, scales: { kind: "low", at: 0 } },
  Q2_K: { block: 256, bytes: 84, planes: [plane(16, 2, 32)], zero: 0, scales: { kind: "K2", at: 80, codes: 0 } },
  Q3_K: { block: 256, bytes: 110, planes: [plane(32, 2, 32), plane(0, 1, 32)], zero: 4, scales: { kind: "K3", at: 108, codes: 96 } }, // biome-ignore format: a row
  Q4_K: { block: 256, bytes: 144, planes: [plane(16, 4, 32)], zero: 0, scales: { kind: "K4", at: 0, codes: 4 } },
  Q5_K: { block: 256, bytes: 176, planes: [plane(48, 4, 32), plane(16, 1, 32)], zero: 0, scales: { kind: "K4", at: 0, codes: 4 } }, // biome-ignore format: a row
  Q6_K: { block: 256, bytes: 210, planes: [plane(0, 4, 64), plane(128, 2, 32)], zero: 32, scales: { kind: "K6", at: 208, codes: 192 } }, // biome-ignore format: a row
}
export const ggufFormats = Object.keys(gguf) as readonly GgufFormat[]

/** What a format of groups is made of. */
export interface Groups {
  readonly bits: Bits
  readonly block: GroupSize
  /** The header is two float32. */
  readonly full: boolean
}

/** Throws IPFA_INPUT_INVALID for a name that is no format of groups. */
export function groupsOf(format: GroupFormat): Groups {
  const [, width, size, full] = /^q(\d+)g(\d+)(f?)$/.exec(format) ?? []
  const bits = bitWidths.find((one) => one === Number(width))
  const block = groupSizes.find((one) => one === Number(size))
  if (!bits || !block)
    throw fail("IPFA_INPUT_INVALID", {
      message: `There is no packed format "${format}" of groups.`,
      data: { path: "format", expected: "q<bits>g<group> or q<bits>g<group>f" },
    })
  return { bits, block, full: full === "f" }
}

const isGguf = (format: PackedFormat): format is GgufFormat => Object.hasOwn(gguf, format)

/** Throws IPFA_INPUT_INVALID for a name that is no format. */
export function layoutOf(format: PackedFormat): Layout {
  if (isGguf(format)) return gguf[format]
  const { bits, block, full } = groupsOf(format)
  const head = full ? 8 : 4
  // Three bits don't divide a word: two bits of each weight, then the third of each.
  const planes: Layout["planes"] =
    bits === 3 ? [plane(head, 2, 1), plane(head + block / 4, 1, 1)] : [plane(head, bits, bits === 8 ? 8 : 1)]
  return { block, bytes: head + (bits * block) / 8, planes, zero: 0, scales: { kind: full ? "float" : "half" } }
}

/** Words of a matrix of `rows` × `cols`. */
export function packedWords(format: PackedFormat, rows: number, cols: number): number {
  const { block, bytes } = layoutOf(format)
  return Math.ceil((rows * Math.ceil(cols / block) * bytes) / 4)
}

/** Where a group's zero lies unless it has a zero point: in the middle, so that −1 and 1 are what one bit holds, times half the scale. */
export const middleOf = (bits: Bits): number => (bits === 1 ? 0.5 : 2 ** (bits - 1))
