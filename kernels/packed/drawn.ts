import { float16Bits } from "../../protocol/float16.ts"
import { filled } from "../fill.ts"
import { writeGroup } from "./block.ts"
import { type GroupFormat, groupsOf, layoutOf, middleOf, type PackedFormat, packedWords } from "./format.ts"

/** What the blocks of a case's weights say of themselves, one after the other, and then again. */
export interface Headers {
  /** Scales; float32 and float16 hold powers of two exactly. */
  scales?: readonly number[]
  /** Zero points of groups, else the middle; what GGUF's blocks take off, else 1. */
  zeros?: readonly number[]
}

/** Words of packed weights of `shape`, with quants and codes drawn for `name`, the same everywhere. */
export function drawnWords(
  name: string,
  format: PackedFormat,
  shape: readonly [rows: number, cols: number],
  { scales = [1, -2, 0.5], zeros }: Headers = {},
): number[] {
  const { block, bytes, scales: how } = layoutOf(format)
  const all = new Uint32Array(packedWords(format, ...shape))
  const blocks = Math.floor((4 * all.length) / bytes)
  const drawn = filled("uint32", blocks * Math.max(block, bytes), { kind: "integers", low: 0, high: 255 }, name)
  const view = new DataView(all.buffer)
  for (let index = 0; index < blocks; index++) {
    const scale = scales[index % scales.length]!
    const zero = zeros?.[index % zeros.length]
    if (!("at" in how)) {
      const quants = drawn.subarray(index * block)
      writeGroup(all, index, layoutOf(format), {
        scale,
        zero: zero ?? middleOf(groupsOf(format as GroupFormat).bits),
        quants,
      })
      continue
    }
    const start = index * bytes
    new Uint8Array(all.buffer, start, bytes).set(drawn.subarray(start, start + bytes))
    view.setUint16(start + how.at, float16Bits(scale), true)
    if (how.kind !== "one" && how.kind !== "K3" && how.kind !== "K6")
      view.setUint16(start + how.at + 2, float16Bits(zero ?? 1), true)
  }
  return [...all]
}

/** What tuning fills packed weights with: so many blocks that they are whole words. */
export const tunedWords = ({ format }: { format: PackedFormat }): number[] =>
  drawnWords("tune", format, [1, 4 * layoutOf(format).block])
