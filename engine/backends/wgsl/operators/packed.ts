import {
  type Bits,
  bitWidths,
  fastActivations,
  type GroupFormat,
  type GroupSize,
  groupSizes,
  layoutOf,
  middleOf,
  packedMatmul,
  packedWords,
  writeGroup,
} from "../../../../kernels/index.ts"
import { float16Bits, float16Value } from "../../../../protocol/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import { unsupported } from "../unsupported.ts"

/** Whole bytes of `node`'s stored input `i`; undefined where it is left out. */
function bytesOf(node: NodeLowering, i: number): Uint8Array | undefined {
  if (!node.has(i)) return undefined
  const bytes = node.graph.storedBytes(node.node.input[i]!)
  if (!bytes) throw unsupported(`its input ${i} is computed`)
  return bytes
}

function numbersOf(node: NodeLowering, i: number): ArrayLike<number> {
  const stored = node.graph.stored(node.node.input[i]!)
  if (!stored) throw unsupported(`its input ${i} is computed`)
  return stored.data
}

/** The zero point of each group; the middle where none are given. Packed as the quants are, each row filled up to a byte, or numbers. */
function zeroPoints(node: NodeLowering, bits: Bits, groups: number): (row: number, group: number) => number {
  if (!node.has(3)) return () => middleOf(bits)
  if (node.graph.dtype(node.node.input[3]!) !== "uint8") {
    const numbers = numbersOf(node, 3)
    return (row, group) => numbers[row * groups + group]!
  }
  const bytes = bytesOf(node, 3)!
  const rowBytes = Math.ceil((groups * bits) / 8)
  return (row, group) => {
    const bit = group * bits
    return (bytes[row * rowBytes + Math.floor(bit / 8)]! >>> (bit % 8)) & (2 ** bits - 1)
  }
}

const isHalf = (value: number) => float16Value(float16Bits(value)) === value

export const packed = [
  defineLowering("com.microsoft:MatMulNBits", (node) => {
    const [n, k] = [node.int("N", 0), node.int("K", 0)]
    const bits = bitWidths.find((one) => one === node.int("bits", 4) && one !== 3)
    const block = groupSizes.find((one) => one === node.int("block_size", 0))
    if (!bits || !block)
      throw unsupported(`it has ${node.int("bits", 4)} bits in blocks of ${node.int("block_size", 0)}`)
    if (node.has(4)) throw unsupported("its groups are in an order of their own")
    const groups = Math.ceil(k / block)
    const scales = numbersOf(node, 2)
    const zeroOf = zeroPoints(node, bits, groups)
    const headers = Array.from({ length: n * groups }, (_, i) => ({
      scale: scales[i]!,
      zero: zeroOf(Math.floor(i / groups), i % groups),
    }))
    // Words of half the size where they hold what the model says.
    const isExact = headers.every(({ scale, zero }) => isHalf(scale) && isHalf(zero))
    const format: GroupFormat = `q${bits}g${block as GroupSize}${isExact ? "" : "f"}`
    const layout = layoutOf(format)
    const words = new Uint32Array(packedWords(format, n, k))
    const quants = bytesOf(node, 1)!
    const size = (bits * block) / 8
    for (const [i, header] of headers.entries()) {
      writeGroup(words, i, layout, { ...header, quants: [] })
      // The same bits in the same order: lowest first.
      new Uint8Array(words.buffer, i * layout.bytes + layout.planes[0].at, size).set(
        quants.subarray(i * size, (i + 1) * size),
      )
    }
    // 4: activations may be rounded to int8.
    const activations = node.int("accuracy_level", 0) === 4 ? fastActivations(node.graph.limits) : "float32"
    const w = node.graph.constant([words.length], words)
    node.set(0, node.run(packedMatmul, [node.input(0), w, node.optional(5)], { format, shape: [n, k], activations }))
  }),
]
