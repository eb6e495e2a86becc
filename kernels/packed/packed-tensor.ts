import { fail } from "../../protocol/errors/error.ts"
import type { GpuTensor } from "../gpu-tensor.ts"
import { readBlock, type Step } from "./block.ts"
import { type GgufFormat, layoutOf, type PackedFormat, packedWords } from "./format.ts"

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

/**
 * A tensor of a GGUF file, its bytes as they are there; `shape` is [rows, cols], GGUF's own dimensions the other way round. Throws IPFA_INPUT_SHAPE where rows are not whole blocks or
 * there are not as many bytes as they take. The words are a view of `bytes` where those begin at a word of their buffer and end with one, or with anything behind them.
 */
export function ggufWeights<F extends GgufFormat>(
  format: F,
  shape: readonly [rows: number, cols: number],
  bytes: Uint8Array<ArrayBuffer>,
): PackedWeights<F> {
  const [rows, cols] = shape
  const layout = layoutOf(format)
  const expected = (rows * cols * layout.bytes) / layout.block
  if (cols % layout.block !== 0 || bytes.length !== expected)
    throw fail("IPFA_INPUT_SHAPE", {
      message: `[${shape}] as ${format} takes rows of ${layout.block}s and ${expected} bytes, not ${bytes.length}.`,
      data: { path: "bytes", expected: `${expected} bytes` },
    })
  const count = packedWords(format, rows, cols)
  if (bytes.byteOffset % 4 === 0 && bytes.byteOffset + 4 * count <= bytes.buffer.byteLength)
    return { format, shape, words: new Uint32Array(bytes.buffer, bytes.byteOffset, count) }
  const words = new Uint32Array(count)
  new Uint8Array(words.buffer).set(bytes)
  return { format, shape, words }
}

/** Each weight's `value`, row-major: unless given the weight itself. */
export function unpack(
  { format, shape: [rows, cols], words }: PackedWeights,
  value = (quant: number, { size, zero, low }: Step) => size * (quant - zero) - low,
): Float64Array {
  const layout = layoutOf(format)
  const blocks = Math.ceil(cols / layout.block)
  const weights = new Float64Array(rows * cols)
  for (let index = 0; index < rows * blocks; index++) {
    const { quants, stepOf } = readBlock(words, index, layout)
    const first = (index % blocks) * layout.block
    const row = Math.floor(index / blocks)
    for (let i = 0; i < layout.block && first + i < cols; i++)
      weights[row * cols + first + i] = value(quants[i]!, stepOf(i))
  }
  return weights
}
