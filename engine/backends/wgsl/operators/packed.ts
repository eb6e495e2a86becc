import {
  type Bits,
  bitWidths,
  embedding,
  fastActivations,
  type GroupSize,
  groupSizes,
  middleOf,
  packedMatmul,
  type View,
} from "../../../../kernels/index.ts"
import { defineLowering, type NodeLowering } from "../lowering.ts"
import type { Value } from "../program.ts"
import { grouped, type PackedGroups, packedRows } from "../quantized.ts"
import { unsupported } from "../unsupported.ts"
import { followingProduct } from "./following.ts"

/** Whole bytes of `node`'s stored input `i`. */
function bytesOf(node: NodeLowering, i: number): Uint8Array {
  const bytes = node.graph.storedBytes(node.node.input[i]!)
  if (!bytes) throw unsupported(`its input ${i} is computed`)
  return bytes
}

function numbersOf(node: NodeLowering, i: number): ArrayLike<number> {
  const stored = node.graph.stored(node.node.input[i]!)
  if (!stored) throw unsupported(`its input ${i} is computed`)
  return stored.data
}

/** What a node with weights in blocks says of them, beside their bytes. */
interface Blocks {
  bits: number
  /** Weights with a scale of their own. */
  size: number
  shape: readonly [rows: number, cols: number]
  /** Bytes from one row of quants to the next. */
  stride: number
  /** Numbers of the node's inputs. */
  inputs: { quants: number; scales: number; zeros: number }
  /** The zero point where none are given: the middle unless it is said. */
  zero?: number
  /** Quants and zero points are two's complement. */
  signed?: boolean
}

/** The longest groups that blocks are made of. Throws IPFA_DEVICE_UNSUPPORTED for widths and blocks that no format has. */
function groupsIn({ bits, size }: Blocks): { bits: Exclude<Bits, 3>; block: GroupSize } {
  const width = bitWidths.find((one) => one === bits)
  const block = groupSizes.findLast((one) => size > 0 && size % one === 0)
  if (!width || width === 3 || !block) throw unsupported(`it has ${bits} bits in blocks of ${size}`)
  return { bits: width, block }
}

/** The zero point of each of a row's `blocks`: numbers, or packed as the quants are, each row filled up to a byte unless their type is of 4 bits. */
function zeroPoints(node: NodeLowering, input: number, bits: number, blocks: number) {
  const dtype = node.graph.dtype(node.node.input[input]!)
  if (dtype.startsWith("float")) {
    const numbers = numbersOf(node, input)
    return (row: number, block: number) => numbers[row * blocks + block]!
  }
  const bytes = bytesOf(node, input)
  const rowBits = dtype === "uint8" ? 8 * Math.ceil((blocks * bits) / 8) : blocks * bits
  return (row: number, block: number) => {
    const bit = row * rowBits + block * bits
    return (bytes[Math.floor(bit / 8)]! >>> (bit % 8)) & (2 ** bits - 1)
  }
}

/** The weights of a node. What is signed is moved up, to begin with 0. */
function blockWeights(node: NodeLowering, blocks: Blocks): PackedGroups {
  const { bits, block } = groupsIn(blocks)
  const { size, shape, stride, inputs, zero = middleOf(bits), signed = false } = blocks
  const count = Math.ceil(shape[1] / size)
  const [scales, bytes] = [numbersOf(node, inputs.scales), bytesOf(node, inputs.quants)]
  const zeroOf = node.has(inputs.zeros) ? zeroPoints(node, inputs.zeros, bits, count) : () => zero
  const top = 2 ** (bits - 1)
  const groupBytes = (block * bits) / 8
  const headerOf = (row: number, group: number) => {
    const own = Math.floor((group * block) / size)
    const given = zeroOf(row, own)
    return { scale: scales[row * count + own]!, zero: signed ? given ^ top : given }
  }
  const quantsOf = (row: number, group: number) => {
    const first = group * groupBytes
    const own = bytes.subarray(row * stride + first, row * stride + Math.min(first + groupBytes, stride))
    return signed ? own.map((byte) => byte ^ (top | (top << 4))) : own
  }
  return grouped({ bits, block, shape }, headerOf, () => quantsOf)
}

/** What `make` packs for the node on the device, as a kernel that unpacks it takes it; `key` says what of it that is, where that is not always the same. */
function onDevice(node: NodeLowering, make: () => PackedGroups | undefined, key = "") {
  const found = node.graph.packed(`${node.node.output[0]} ${key}`, make)
  return found && { w: found.w, attributes: { format: found.format, shape: found.shape } }
}

/** The matrix that `view` shows of `value`, stored in few bits, packed; undefined where float32 takes no more. */
export function packedMatrix(node: NodeLowering, value: Value, view: View): ReturnType<typeof onDevice> {
  const source = node.graph.quantized(value)
  return source && onDevice(node, () => packedRows(source, view), `${[...view.shape, ...view.strides, view.offset]}`)
}

export const packed = [
  defineLowering("com.microsoft:MatMulNBits", (node) => {
    const [n, k] = [node.int("N", 0), node.int("K", 0)]
    const [bits, size] = [node.int("bits", 4), node.int("block_size", 0)]
    if (node.has(4)) throw unsupported("its groups are in an order of their own")
    const stride = (Math.ceil(k / size) * size * bits) / 8
    const places = { quants: 1, scales: 2, zeros: 3 }
    const { w, attributes } = onDevice(node, () =>
      blockWeights(node, { bits, size, shape: [n, k], stride, inputs: places }),
    )!
    // 4: activations may be rounded to int8.
    const activations = node.int("accuracy_level", 0) === 4 ? fastActivations(node.graph.limits) : "float32"
    const { output, bias, residual, attributes: epilogue } = followingProduct(node, n, node.optional(5))
    const inputs = [node.input(0), w, bias, residual]
    node.setAs(output, node.run(packedMatmul, inputs, { ...attributes, ...epilogue, activations }))
  }),

  // Bytes have their numbers side by side, lowest bits first; int4 and uint4 are such by their types.
  defineLowering("com.microsoft:GatherBlockQuantized", (node) => {
    const [name] = node.node.input as [string]
    const [shape, dtype] = [node.graph.shape(name), node.graph.dtype(name)]
    const rank = shape.length
    const isAlongRows = node.axis(node.int("gather_axis", 0), rank) === 0
    const isInRows = node.axis(node.int("quantize_axis", 1), rank) === rank - 1
    if (rank !== 2 || !isAlongRows || !isInRows)
      throw unsupported("it takes something else than the rows of a matrix, in blocks of their own")
    const whole = dtype === "uint8"
    const bits = whole ? node.int("bits", 4) : 4
    const [rows, cols] = [shape[0]!, node.outputShape().at(-1)!]
    const stride = (cols * bits) / 8
    if (!Number.isInteger(stride)) throw unsupported("its rows end within a byte")
    const weights = (): PackedGroups =>
      blockWeights(node, {
        bits,
        size: node.int("block_size", 128),
        shape: [rows, cols],
        stride,
        inputs: { quants: 0, scales: 2, zeros: 3 },
        ...(!whole && { zero: 0 }),
        signed: dtype === "int4",
      })
    const { w, attributes } = onDevice(node, weights)!
    node.set(0, node.run(embedding, [node.input(1), w], attributes))
  }),
]
