import { fail } from "../../../protocol/errors/error.ts"
import { defineAlgorithm, defineKernel, float32, type Limits, type Shape, type Tuning } from "../../define-kernel.ts"
import { wgsl } from "../../generated/wgsl.ts"
import { elems } from "../../gpu-tensor.ts"
import { costlyBarriers } from "../../quirks/costly-barriers.ts"
import { cases } from "./cases.ts"
import { passesOf } from "./passes.ts"
import { reference } from "./reference.ts"

export interface FftAttributes {
  /** x is [..., n, 2], real and imaginary part by turns; else [..., n], real. */
  complex: boolean
  /** Of the transform, x's n unless given: what is longer is cut off, behind what is shorter are zeros. */
  length: number
  /** Divided by the length. */
  inverse: boolean
  /** Bins up to half the length: the others of a real signal mirror them. */
  oneSided: boolean
  /** |y|² in place of y. */
  power: boolean
  /** Each x is frames of so many numbers, whose firsts lie `hop` apart; all of it is one unless given. What does not fill a frame is left out. */
  frame: number
  hop: number
}
export interface FftProblem extends Omit<FftAttributes, "frame"> {
  /** Axes in front of a transform's own. */
  lead: Shape
  windowed: boolean
  /** Transforms in all, and of each signal, of which there are `signal` numbers. */
  rows: number
  frames: number
  signal: number
  /** Numbers that a transform is of; zeros behind. */
  used: number
  bins: number
}

/** Numbers of each transform of an x of this shape. */
export const lengthOf = (shape: Shape, { complex, length, frame }: FftAttributes): number =>
  length || frame || shape[shape.length - (complex ? 2 : 1)]!

/** Numbers a workgroup has at the least, and four of them an invocation, up to the most invocations that it has. */
const NUMBERS = 256
const MOST_INVOCATIONS = 256
/** A number is held twice: as a pass reads it, and as it writes it. */
const bytesOf = (length: number, rows: number) => 2 * 8 * length * rows

/** From as many numbers on a transform takes less than the product, where barriers are costly: on SwiftShader twice as long at 32, as long at 128, a third at 400, a sixth at 1,024. */
const WORTH_BARRIERS = 128

/**
 * Whether a transform of `length` numbers is computed by fft: the length is a product of twos, threes and fives, a workgroup's memory holds it, and that is faster. Others are products
 * with dftMatrix.
 */
export function hasFft(length: number, { maxComputeWorkgroupStorageSize: most, quirks }: Limits): boolean {
  const isWorth = length >= WORTH_BARRIERS || !quirks?.includes(costlyBarriers)
  return isWorth && passesOf(length) !== undefined && bytesOf(length, 1) <= most
}

/** Several rows a workgroup where they are short; where barriers are costly as few invocations as compute in step. */
function tuningOf({ length, rows }: FftProblem, limits: Limits): Tuning {
  const most = Math.min(
    Math.floor(limits.maxComputeWorkgroupStorageSize / bytesOf(length, 1)),
    Math.ceil(NUMBERS / length),
    rows,
  )
  const ROWS = Math.max(most, 1)
  const wanted = Math.min(64 * Math.ceil((ROWS * length) / 4 / 64), MOST_INVOCATIONS)
  const WG = limits.quirks?.includes(costlyBarriers) ? 4 : Math.min(wanted, limits.maxComputeInvocationsPerWorkgroup)
  return { WG, ROWS }
}

/**
 * The discrete Fourier transform along the last axis: x float32 [..., n] or, `complex`, [..., n, 2], turns float32 [length, 2] from `turnsOf`, window? float32 [n] or [frame] → [..., bins, 2],
 * or [..., bins] of its power; with frames [..., frames, bins, 2].
 */
export const fft = defineKernel<FftProblem, FftAttributes, "passes">({
  name: "fft",
  inputs: [float32("x"), float32("turns"), { ...float32("window"), optional: true }],
  defaults: { complex: false, length: 0, inverse: false, oneSided: false, power: false, frame: 0, hop: 0 },
  algorithms: {
    passes: defineAlgorithm<FftProblem, (typeof wgsl)["ops/fft/fft.wgsl"]>(wgsl["ops/fft/fft.wgsl"], {
      config({ length, complex, windowed, inverse, power }) {
        const { twos = 0, fours = 0, threes = 0, fives = 0 } = passesOf(length) ?? {}
        const numbers = { LENGTH: length, FOURS: fours, THREES: threes, FIVES: fives }
        return { ...numbers, TWO: twos > 0, COMPLEX: complex, WINDOW: windowed, INVERSE: inverse, POWER: power }
      },
      tunings: [{ WG: 4 }, { WG: 32 }, { WG: 64 }, { WG: 128 }, { WG: 256 }],
      workgroup: ({ WG }) => ({ size: [WG!, 1], bytes: 0 }),
      refuses({ length }, { ROWS }, { maxComputeWorkgroupStorageSize: most }) {
        const bytes = bytesOf(length, ROWS!)
        if (!passesOf(length)) return `${length} is no product of twos, threes and fives`
        return bytes > most ? `${bytes} bytes of workgroup memory are over the device's ${most}` : undefined
      },
      dispatch: ({ rows, frames, signal, hop, used, bins }, { ROWS }) => ({
        workgroups: Math.ceil(rows / ROWS!),
        params: { rows, frames, signal, hop, used, bins },
      }),
    }),
  },
  problem([x, turns, window], attributes) {
    const { complex, inverse, oneSided, power, frame: own, hop } = attributes
    const refuse = (path: string, expected: string) =>
      fail("IPFA_INPUT_SHAPE", { message: `fft takes ${path} as ${expected}.`, data: { path, expected } })
    const { shape } = x!
    const axis = shape.length - (complex ? 2 : 1)
    const signal = shape[axis]
    if (signal === undefined || (complex && shape.at(-1) !== 2)) throw refuse("x", complex ? "[..., n, 2]" : "[..., n]")
    const frame = own || signal
    const length = lengthOf(shape, attributes)
    for (const [path, value] of Object.entries({ frame, length }))
      if (!Number.isInteger(value) || value < 1) throw refuse(path, "a whole number above 0")
    if (own > 0 && (!Number.isInteger(hop) || hop < 1)) throw refuse("hop", "a whole number above 0, with frames")
    if (frame > signal) throw refuse("x", `signals of ${frame} numbers at least`)
    if (turns!.shape.join() !== [length, 2].join()) throw refuse("turns", `[${length}, 2]`)
    if (window && window.shape.join() !== [frame].join()) throw refuse("window", `[${frame}]`)
    const frames = own > 0 ? Math.floor((signal - frame) / hop) + 1 : 1
    const lead = [...shape.slice(0, axis), ...(own > 0 ? [frames] : [])]
    return {
      ...{ lead, complex, length, inverse, oneSided, power, frames, signal, hop },
      windowed: window !== undefined,
      rows: elems(lead),
      used: Math.min(frame, length),
      bins: oneSided ? Math.floor(length / 2) + 1 : length,
    }
  },
  output: ({ lead, bins, power }) => ({ dtype: "float32", shape: [...lead, bins, ...(power ? [] : [2])] }),
  plan: (problem, limits) => ({ algorithm: "passes", tuning: tuningOf(problem, limits) }),
  reference,
  cases,
})
