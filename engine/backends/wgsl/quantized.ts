import {
  type Bits,
  type GroupFormat,
  type GroupSize,
  groupSizes,
  layoutOf,
  packedWords,
  type View,
  writeGroup,
} from "../../../kernels/index.ts"
import { float16Bits, float16Value } from "../../../protocol/index.ts"
import { Constant } from "./constant.ts"

/** Whole numbers that a model stores, and what they stand for: element i of a row-major tensor is scale · (quant − zero), of the group that it is in. */
export interface Quantized {
  /** Of the quants, which are from 0 up then; undefined where they are too many to pack. */
  readonly bits: Extract<Bits, 4 | 8> | undefined
  readonly scales: ArrayLike<number>
  readonly zeros: ArrayLike<number>
  quants(): ArrayLike<number>
  /** The place in `scales` and `zeros` of what element `i` has. */
  groupOf(i: number): number
}

export function dequantized({ scales, zeros, quants, groupOf }: Quantized): Float32Array<ArrayBuffer> {
  return Float32Array.from(quants(), (quant, i) => {
    const group = groupOf(i)
    return (quant - zeros[group]!) * scales[group]!
  })
}

/** A matrix of packed weights, which are made when they are asked for. */
export interface PackedGroups {
  readonly format: GroupFormat
  readonly shape: readonly [rows: number, cols: number]
  readonly data: Constant
}

interface Groups {
  bits: Exclude<Bits, 3>
  block: GroupSize
  shape: readonly [rows: number, cols: number]
}
interface Header {
  scale: number
  zero: number
}

const isHalf = (value: number) => float16Value(float16Bits(value)) === value

/** Packed weights of which each group's header and quants are given, the quants side by side, lowest bits first. */
export function grouped(
  { bits, block, shape }: Groups,
  headerOf: (row: number, group: number) => Header,
  quantsOf: () => (row: number, group: number) => Uint8Array,
): PackedGroups {
  const [rows, cols] = shape
  const groups = Math.ceil(cols / block)
  const headers = Array.from({ length: rows * groups }, (_, i) => headerOf(Math.floor(i / groups), i % groups))
  // Headers of half the size where they hold what the model says.
  const isExact = headers.every(({ scale, zero }) => isHalf(scale) && isHalf(zero))
  const format: GroupFormat = `q${bits}g${block}${isExact ? "" : "f"}`
  const data = new Constant(() => {
    const layout = layoutOf(format)
    const words = new Uint32Array(packedWords(format, rows, cols))
    const bytes = new Uint8Array(words.buffer)
    const quants = quantsOf()
    for (const [i, header] of headers.entries()) {
      writeGroup(words, i, layout, { ...header, quants: [] })
      bytes.set(quants(Math.floor(i / groups), i % groups), i * layout.bytes + layout.planes[0].at)
    }
    return words
  })
  return { format, shape, data }
}

/**
 * The matrix that `view` shows of `source`, in the groups that take the fewest bytes. Undefined where none of them holds it, or float32 takes no more.
 */
export function packedRows(source: Quantized, { shape, strides, offset }: View): PackedGroups | undefined {
  const { bits, scales, zeros, groupOf } = source
  if (!bits) return undefined
  const [rows, cols] = shape as [number, number]
  const [down, across] = strides as [number, number]
  const at = (row: number, col: number) => offset + row * down + col * across
  const isOne = (row: number, first: number, end: number) => {
    const group = groupOf(at(row, first))
    for (let col = first + 1; col < end; col++) if (groupOf(at(row, col)) !== group) return false
    return true
  }
  const holds = (block: number) => {
    for (let row = 0; row < rows; row++)
      for (let first = 0; first < cols; first += block)
        if (!isOne(row, first, Math.min(first + block, cols))) return false
    return true
  }
  // What long groups hold, short ones do too.
  const longest = groupSizes.findLast(holds)
  const sizes = groupSizes.filter((block) => longest !== undefined && block <= longest)
  const wordsOf = (block: GroupSize) => packedWords(`q${bits}g${block}f`, rows, cols)
  const block = sizes.toSorted((a, b) => wordsOf(a) - wordsOf(b) || b - a)[0]
  if (!block || wordsOf(block) >= rows * cols) return undefined
  const headerOf = (row: number, group: number) => {
    const own = groupOf(at(row, group * block))
    return { scale: scales[own]!, zero: zeros[own]! }
  }
  return grouped({ bits, block, shape: [rows, cols] }, headerOf, () => {
    const quants = source.quants()
    return (row, group) => {
      const first = group * block
      const own = Uint8Array.from({ length: Math.min(block, cols - first) }, (_, i) => quants[at(row, first + i)]!)
      return bits === 8 ? own : pairs(own)
    }
  })
}

const pairs = (quants: Uint8Array) =>
  Uint8Array.from({ length: Math.ceil(quants.length / 2) }, (_, i) => quants[2 * i]! | ((quants[2 * i + 1] ?? 0) << 4))
