import { fail } from "../../protocol/errors/error.ts"
import { float16Bits, float16Value } from "../../protocol/float16.ts"
import { type Group, writeGroup } from "./block.ts"
import type { Calibration } from "./calibration.ts"
import { binarySize, ternarySize } from "./few-levels.ts"
import { type Bits, type GroupFormat, type Groups, groupsOf, layoutOf, middleOf, packedWords } from "./format.ts"
import type { PackedWeights } from "./packed-tensor.ts"

export interface QuantizeOptions {
  /** `nearest`: scales reach a group's outermost weight. `mse`: they stop short of it where that makes the squared error of the whole group less; of 1 bit by `binarySize`. */
  readonly clip?: "nearest" | "mse"
  /** Of 2 bits only −1, 0 and 1 times a scale, which is `ternarySize`'s whatever `clip` says. */
  readonly ternary?: boolean
  /** A zero point for each group, for weights that don't lie evenly around 0; else all are in the middle. */
  readonly zeroPoints?: boolean
  /**
   * What the weights' inputs were on real data. Then a row is rounded column by column, and what each column is off by is made up for in those behind it, as far as the
   * activations go together (GPTQ: Frantar and others, arXiv 2210.17323): errors of outputs become less, those of weights more.
   */
  readonly calibration?: Calibration
  /** Of the mean of the activations' squares, added to each: the more, the less is made of chance. 0.01 unless given. */
  readonly damping?: number
}

/** Parts of the range that `mse` tries: from all of it down to a third, the fewer bits the shorter the best. */
const SHARES = Array.from({ length: 68 }, (_, i) => 1 - i / 100)

/**
 * Row-major `weights` of `shape` rounded to the nearest that `format` holds, group by group; with `calibration` for outputs near the right ones. Throws IPFA_INPUT_SHAPE, and IPFA_INPUT_INVALID for a weight that is not finite,
 * a group whose scale the header can't hold (a format with `f` can), and `ternary` with other than 2 bits or with zero points.
 */
export function quantize<F extends GroupFormat>(
  format: F,
  shape: readonly [rows: number, cols: number],
  weights: ArrayLike<number>,
  { clip = "nearest", ternary = false, zeroPoints = false, calibration, damping = 0.01 }: QuantizeOptions = {},
): PackedWeights<F> {
  const [rows, cols] = shape
  if (weights.length !== rows * cols)
    throw fail("IPFA_INPUT_SHAPE", { message: `[${shape}] takes ${rows * cols} weights, not ${weights.length}.` })
  if (calibration && calibration.cols !== cols)
    throw fail("IPFA_INPUT_SHAPE", { message: `Activations of ${calibration.cols} are none of rows of ${cols}.` })
  const layout = layoutOf(format)
  const groups = groupsOf(format)
  if (ternary && (groups.bits !== 2 || zeroPoints))
    throw fail("IPFA_INPUT_INVALID", {
      message: `Ternary weights are of 2 bits and have no zero points; ${format} was asked for${zeroPoints ? ", with them" : ""}.`,
      data: { path: "ternary", expected: "q2g<group>, no zeroPoints" },
    })
  const rounding = { ...groups, ...(ternary ? TERNARY : quantsOf(groups.bits)), zeroPoints }
  const isBinary = groups.bits === 1 && clip === "mse" && !zeroPoints
  const size = ternary ? ternarySize : isBinary ? binarySize : undefined
  const words = new Uint32Array(packedWords(format, rows, cols))
  const factor = calibration?.inverseFactor(damping)
  const shares = clip === "mse" ? SHARES : [1]
  const blocks = Math.ceil(cols / layout.block)
  for (let row = 0; row < rows; row++) {
    const own = Float64Array.from({ length: cols }, (_, i) => weights[row * cols + i]!)
    if (!own.every(Number.isFinite))
      throw fail("IPFA_INPUT_INVALID", { message: `A weight of row ${row} is not finite.`, data: { path: "weights" } })
    for (let block = 0; block < blocks; block++) {
      const first = block * layout.block
      const part = own.subarray(first, first + layout.block)
      const group = best(part, rounding, size ? [size(part) / largest(part)] : shares)
      if (factor) roundInTurn(own, first, group, rounding, factor)
      writeGroup(words, row * blocks + block, layout, group)
    }
  }
  return { format, shape, words }
}

/** What a group's weights are rounded to: quants from `least` to `most`, 0 at `middle` unless it has a zero point. */
interface Rounding extends Groups {
  readonly least: number
  readonly most: number
  readonly middle: number
  readonly zeroPoints: boolean
}
const TERNARY = { least: 1, most: 3, middle: 2 }
const quantsOf = (bits: Bits) => ({ least: 0, most: 2 ** bits - 1, middle: middleOf(bits) })

/** The size of the outermost; 1 where all are 0. */
const largest = (weights: Float64Array) => weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1

/** Rounds a group's weights anew, from `first` on, and moves all behind each by what makes up for it. */
function roundInTurn(row: Float64Array, first: number, group: Rounded, rounding: Rounding, factor: Float64Array) {
  const cols = row.length
  for (let col = first; col < Math.min(first + rounding.block, cols); col++) {
    const quant = quantOf(row[col]!, group, rounding)
    group.quants[col - first] = quant
    const error = (row[col]! - group.scale * (quant - group.zero)) / factor[col * cols + col]!
    for (let other = col + 1; other < cols; other++) row[other]! -= error * factor[col * cols + other]!
  }
}

interface Rounded extends Group {
  readonly quants: Uint8Array
}

/** The group whose weights are closest to these, of those with a share of their range. */
function best(weights: Float64Array, rounding: Rounding, shares: readonly number[]): Rounded {
  let found: { group: Rounded; error: number } | undefined
  for (const share of shares) {
    const group = rounded(weights, rounding, share)
    const error = weights.reduce(
      (sum, weight, i) => sum + (group.scale * (group.quants[i]! - group.zero) - weight) ** 2,
      0,
    )
    if (!found || error < found.error) found = { group, error }
  }
  return found!.group
}

function rounded(weights: Float64Array, rounding: Rounding, share: number): Rounded {
  const { least, most, middle, zeroPoints, full, block } = rounding
  // 0 is among the weights: what a row is filled up with.
  const [low, high] = [Math.min(0, ...weights), Math.max(0, ...weights)]
  const centred = Math.max(-low / (middle - least), high / (most - middle))
  const wanted = share * (zeroPoints ? (high - low) / most : centred)
  const scale = full ? Math.fround(wanted) : float16Value(float16Bits(wanted))
  if (!Number.isFinite(scale) || (scale === 0 && wanted > 0))
    throw fail("IPFA_INPUT_INVALID", {
      message: `A scale of ${wanted} is none that the format holds; one with f does.`,
      data: { path: "format", expected: "q<bits>g<group>f" },
    })
  const zero = zeroPoints && scale > 0 ? clamp(Math.round((-share * low) / scale), rounding) : middle
  const quants = new Uint8Array(block).fill(Math.round(zero))
  for (const [i, weight] of weights.entries()) quants[i] = quantOf(weight, { scale, zero }, rounding)
  return { scale, zero, quants }
}

const quantOf = (weight: number, { scale, zero }: Pick<Group, "scale" | "zero">, rounding: Rounding) =>
  scale > 0 ? clamp(Math.round(weight / scale + zero), rounding) : Math.round(zero)

const clamp = (value: number, { least, most }: Rounding) => Math.min(Math.max(value, least), most)
