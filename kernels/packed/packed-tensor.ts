import { fail } from "../../protocol/errors/error.ts"
import type { GpuTensor } from "../gpu-tensor.ts"
import { layoutOf, type PackedFormat, packedWords } from "./format.ts"
import { readGroup } from "./group.ts"

/** A matrix of packed weights: `shape` is [rows, cols], rows one after the other, each of whole blocks. */
export interface PackedWeights<F extends PackedFormat = PackedFormat> {
  readonly format: F
  readonly shape: readonly [rows: number, cols: number]
  readonly words: Uint32Array<ArrayBuffer>
}

/** Packed weights in a device's memory. No GpuTensor, so that nothing takes its words for numbers. */
export interface PackedTensor<F extends PackedFormat = PackedFormat> {
  readonly format: F
  readonly shape: readonly [rows: number, cols: number]
  readonly words: GpuTensor<"uint32">
}

/** Throws IPFA_INPUT_INVALID for what is no format, IPFA_INPUT_SHAPE where there are not as many words as its shape takes. */
export function checkPacked({ format, shape, words }: PackedWeights): void {
  const expected = packedWords(format, ...shape)
  if (words.length !== expected)
    throw fail("IPFA_INPUT_SHAPE", {
      message: `[${shape}] as ${format} takes ${expected} words, not ${words.length}.`,
      data: { path: "words", expected: `${expected} words` },
    })
}

/** The weights as numbers, row-major. */
export function unpack({
  format,
  shape: [rows, cols],
  words,
}: Omit<PackedWeights, "words"> & { words: ArrayLike<number> }) {
  const layout = layoutOf(format)
  const blocks = Math.ceil(cols / layout.block)
  const weights = new Float64Array(rows * cols)
  for (let block = 0; block < rows * blocks; block++) {
    const { scale, zero, quants } = readGroup(words, block * layout.blockWords, layout)
    const first = (block % blocks) * layout.block
    const row = Math.floor(block / blocks)
    for (let i = 0; i < layout.block && first + i < cols; i++)
      weights[row * cols + first + i] = scale * (quants[i]! - zero)
  }
  return weights
}
