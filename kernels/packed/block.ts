import { float16Bits, float16Value } from "../../protocol/float16.ts"
import type { Layout, Plane } from "./format.ts"

/** What weights share: weight = size · (q − zero) − low. */
export interface Step {
  readonly size: number
  readonly zero: number
  readonly low: number
}

/** What a group of a `GroupFormat` stands for: weight i is scale · (quants[i] − zero). */
export interface Group {
  readonly scale: number
  readonly zero: number
  /** From 0 to 2^bits − 1, one for each weight of the group. */
  readonly quants: ArrayLike<number>
}

/** The byte of a block that has `plane`'s part of weight `i`, and the lowest bit of it there. */
function placeOf({ at, bits, run }: Plane, i: number): { byte: number; shift: number } {
  const rest = Math.floor(i / run)
  const share = 8 / bits
  return { byte: at + Math.floor(rest / share) * run + (i % run), shift: (rest % share) * bits }
}

/** Writes block `index` of a `GroupFormat`. Scale and zero are rounded to what the header holds. */
export function writeGroup(words: Uint32Array<ArrayBuffer>, index: number, layout: Layout, group: Group): void {
  const { block, bytes, planes, scales } = layout
  const view = new DataView(words.buffer, words.byteOffset + index * bytes, bytes)
  const own = new Uint8Array(view.buffer, view.byteOffset, bytes).fill(0)
  for (const [i, value] of [group.scale, group.zero].entries())
    if (scales.kind === "float") view.setFloat32(4 * i, value, true)
    else view.setUint16(2 * i, float16Bits(value), true)
  let from = 0
  for (const plane of planes) {
    if (!plane) continue
    for (let i = 0; i < block; i++) {
      const { byte, shift } = placeOf(plane, i)
      own[byte]! |= ((group.quants[i]! >>> from) & (2 ** plane.bits - 1)) << shift
    }
    from += plane.bits
  }
}

/** Quants of block `index`, from 0 up, and what each weight's step is. */
export function readBlock(
  words: Uint32Array<ArrayBuffer>,
  index: number,
  layout: Layout,
): { quants: Uint8Array; stepOf(i: number): Step } {
  const { block, bytes, planes, signed } = layout
  const view = new DataView(words.buffer, words.byteOffset + index * bytes, bytes)
  const quants = new Uint8Array(block)
  let from = 0
  for (const plane of planes) {
    if (!plane) continue
    for (let i = 0; i < block; i++) {
      const { byte, shift } = placeOf(plane, i)
      quants[i]! |= ((view.getUint8(byte) >>> shift) & (2 ** plane.bits - 1)) << from
    }
    from += plane.bits
  }
  if (signed) for (const [i, quant] of quants.entries()) quants[i] = quant ^ 128
  return { quants, stepOf: stepsOf(view, layout) }
}

function stepsOf(view: DataView, { scales, zero }: Layout): (i: number) => Step {
  const half = (at: number) => float16Value(view.getUint16(at, true))
  const always = (size: number, from: number, low: number) => {
    const step = { size, zero: from, low }
    return () => step
  }
  switch (scales.kind) {
    case "half":
      return always(half(0), half(2), 0)
    case "float":
      return always(view.getFloat32(0, true), view.getFloat32(4, true), 0)
    case "one":
      return always(half(scales.at), zero, 0)
    case "low":
      return always(half(scales.at), zero, -half(scales.at + 2))
  }
  const { at, codes } = scales
  const code = (i: number) => view.getUint8(codes + i)
  const size = half(at)
  switch (scales.kind) {
    case "K2":
      return (i) => {
        const both = code(Math.floor(i / 16))
        return { size: size * (both & 15), zero, low: half(at + 2) * (both >>> 4) }
      }
    case "K3":
      return (i) => {
        const group = Math.floor(i / 16)
        const low = (code(group % 8) >>> (4 * Math.floor(group / 8))) & 15
        const high = (code(8 + (group % 4)) >>> (2 * Math.floor(group / 4))) & 3
        return { size: size * (low + 16 * high - 32), zero, low: 0 }
      }
    case "K4":
      return (i) => {
        const group = Math.floor(i / 32)
        const [first, second, third] = [0, 4, 8].map((from) => code(from + (group % 4))) as [number, number, number]
        const [own, low] =
          group < 4
            ? [first & 63, second & 63]
            : [(third & 15) + 16 * (first >>> 6), (third >>> 4) + 16 * (second >>> 6)]
        return { size: size * own, zero, low: half(at + 2) * low }
      }
    case "K6":
      return (i) => ({ size: size * view.getInt8(codes + Math.floor(i / 16)), zero, low: 0 })
  }
}
