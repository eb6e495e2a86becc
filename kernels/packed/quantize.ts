import { fail } from "../../protocol/errors/error.ts"
import { float16Bits, float16Value } from "../../protocol/float16.ts"
import { type Group, writeGroup } from "./block.ts"
import { type GroupFormat, type Groups, groupsOf, layoutOf, middleOf, packedWords } from "./format.ts"
import type { PackedWeights } from "./packed-tensor.ts"

export interface QuantizeOptions {
  /** `nearest`: scales reach a group's outermost weight. `mse`: they stop short of it where that makes the squared error of the whole group less. */
  readonly clip?: "nearest" | "mse"
  /** A zero point for each group, for weights that don't lie evenly around 0; else all are in the middle. */
  readonly zeroPoints?: boolean
}

/** Parts of the range that `mse` tries: from all of it down to a third, the fewer bits the shorter the best. */
const SHARES = Array.from({ length: 68 }, (_, i) => 1 - i / 100)

/**
 * Row-major `weights` of `shape` rounded to the nearest that `format` holds, group by group. Throws IPFA_INPUT_SHAPE, and IPFA_INPUT_INVALID for a weight that is not finite
 * or a group whose scale the header can't hold: a format with `f` can.
 */
export function quantize<F extends GroupFormat>(
  format: F,
  shape: readonly [rows: number, cols: number],
  weights: ArrayLike<number>,
  { clip = "nearest", zeroPoints = false }: QuantizeOptions = {},
): PackedWeights<F> {
  const [rows, cols] = shape
  if (weights.length !== rows * cols)
    throw fail("IPFA_INPUT_SHAPE", { message: `[${shape}] takes ${rows * cols} weights, not ${weights.length}.` })
  const layout = layoutOf(format)
  const groups = groupsOf(format)
  const words = new Uint32Array(packedWords(format, rows, cols))
  const blocks = Math.ceil(cols / layout.block)
  for (let block = 0; block < rows * blocks; block++) {
    const first = (block % blocks) * layout.block
    const start = Math.floor(block / blocks) * cols + first
    const group = Float64Array.from({ length: Math.min(layout.block, cols - first) }, (_, i) => weights[start + i]!)
    if (!group.every(Number.isFinite))
      throw fail("IPFA_INPUT_INVALID", { message: `A weight of row ${Math.floor(block / blocks)} is not finite.`, data: { path: "weights" } }) // biome-ignore format: a line
    writeGroup(words, block, layout, best(group, groups, clip === "mse" ? SHARES : [1], zeroPoints))
  }
  return { format, shape, words }
}

/** The group whose weights are closest to these, of those with a share of their range. */
function best(weights: Float64Array, groups: Groups, shares: readonly number[], zeroPoints: boolean): Group {
  let found: { group: Group; error: number } | undefined
  for (const share of shares) {
    const group = rounded(weights, groups, share, zeroPoints)
    const error = weights.reduce(
      (sum, weight, i) => sum + (group.scale * (group.quants[i]! - group.zero) - weight) ** 2,
      0,
    )
    if (!found || error < found.error) found = { group, error }
  }
  return found!.group
}

function rounded(weights: Float64Array, { bits, block, full }: Groups, share: number, zeroPoints: boolean): Group {
  const most = 2 ** bits - 1
  // 0 is among the weights: what a row is filled up with.
  const [low, high] = [Math.min(0, ...weights), Math.max(0, ...weights)]
  const middle = middleOf(bits)
  const wanted = share * (zeroPoints ? (high - low) / most : Math.max(-low / middle, high / (most - middle)))
  const scale = full ? Math.fround(wanted) : float16Value(float16Bits(wanted))
  if (!Number.isFinite(scale) || (scale === 0 && wanted > 0))
    throw fail("IPFA_INPUT_INVALID", {
      message: `A scale of ${wanted} is none that the format holds; one with f does.`,
      data: { path: "format", expected: "q<bits>g<group>f" },
    })
  const zero = zeroPoints && scale > 0 ? clamp(Math.round((-share * low) / scale), most) : middle
  const quants = new Uint8Array(block).fill(Math.round(zero))
  for (const [i, weight] of weights.entries())
    quants[i] = scale > 0 ? clamp(Math.round(weight / scale + zero), most) : Math.round(zero)
  return { scale, zero, quants }
}

const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most)
