import type { Tolerance } from "../../define-kernel.ts"
import type { Step } from "../../packed/block.ts"
import { layoutOf } from "../../packed/format.ts"
import { unpack } from "../../packed/packed-tensor.ts"
import type { MatmulProblem } from "../matmul/matmul.ts"
import { boundsOfProducts, reference as multiplied } from "../matmul/reference.ts"
import type { PackedMatmulProblem } from "./packed-matmul.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]
/** What is made of a weight's quant. */
type Of = (quant: number, step: Step) => number

/** The same product of unpacked weights. */
const unpacked = (problem: PackedMatmulProblem): MatmulProblem => ({
  ...problem,
  batch: [],
  a: { batch: 0, row: problem.k, col: 1 },
  b: { batch: 0, row: 1, col: problem.k },
})

/** What `of` makes of the weights: unless given the weights themselves. */
const weightsOf = (words: ArrayLike<number>, { format, n, k }: PackedMatmulProblem, of?: Of) =>
  unpack({ format, shape: [n, k], words: words as Uint32Array<ArrayBuffer> }, of)

export function reference(inputs: Inputs, problem: PackedMatmulProblem): Float64Array {
  return multiplied(inputs.with(1, weightsOf(inputs[1]!, problem)), unpacked(problem))
}

/** As matmul's, where a weight, whose parts are of the sizes that `of` makes, is off by so many roundings. */
function bounds(
  inputs: Inputs,
  problem: PackedMatmulProblem,
  expected: Float64Array,
  { of, roundings, off }: { of: Of; roundings: number; off?: Float64Array },
): Float64Array {
  const sizes = weightsOf(inputs[1]!, problem, of)
  const weights = weightsOf(inputs[1]!, problem)
  return boundsOfProducts(inputs.with(1, weights), unpacked(problem), expected, {
    sizes,
    roundings,
    ...(off && { off }),
  })
}

/** Σ over a row's eights of what one of them is at most off by, times the weights it meets: half a 127th of the largest, or half of 1e-30. */
function roundingOf([a, words]: Inputs, problem: PackedMatmulProblem): Float64Array {
  const { k } = problem
  const off = Float64Array.from(a!, (_, at) => {
    const row = at - (at % k)
    const first = at - ((at - row) % 8)
    let top = 0
    for (let i = first; i < Math.min(first + 8, row + k); i++) top = Math.max(top, Math.abs(a![i]!))
    return Math.max(top / 254, 5e-31)
  })
  const bare = { scale: 1, bias: false, residual: undefined, activation: undefined }
  return multiplied([off, weightsOf(words!, problem).map(Math.abs)], { ...unpacked(problem), ...bare })
}

/** Of quants as int8 the parts of a weight are not |q − zero| but |q − shift| and |zero − shift|, the shift being 128 where they have 8 bits. */
function int8Sizes({ format }: PackedMatmulProblem): Of {
  const shift = layoutOf(format).planes[0].bits === 8 ? 128 : 0
  return (q, { size, zero, low }) => Math.abs(size) * (Math.abs(q - shift) + Math.abs(zero - shift)) + Math.abs(low)
}

/**
 * As `packedError` where activations are whole multiples of a 127th of the largest of their eight: rounding changes none, and the size of the step is off by seven
 * roundings more, a quotient's 2.5 ULP among them.
 */
export const int8Error: Tolerance<PackedMatmulProblem> = {
  formula:
    "f(γ(k + 16)·(|scale|·|a|·(|size|·(|q − shift| + |zero − shift|) + |low|) + |bias| + |residual|) + 13·(k + 16)·(1 + |scale|)·TINY) + ULP·|y|",
  bounds: (inputs, problem, expected) => bounds(inputs, problem, expected, { of: int8Sizes(problem), roundings: 12 }),
}

/** As `int8Error`, and what rounding takes from each activation. */
export const int8Rounding: Tolerance<PackedMatmulProblem> = {
  formula: `${int8Error.formula}, and in f 1.01·|scale|·Σ max|a of its eight|/254·|w|`,
  bounds(inputs, problem, expected) {
    const off = roundingOf(inputs, problem).map((each) => 1.01 * each)
    return bounds(inputs, problem, expected, { of: int8Sizes(problem), roundings: 12, off })
  },
}

/** As matmul's `sumOfProducts`, a weight being off by five roundings of its parts |size·(q − zero)| and |low|: of its group's size or low, of q − zero, of their product, and of the difference. */
export const packedError: Tolerance<PackedMatmulProblem> = {
  formula:
    "f(γ(k + 9)·(|scale|·|a|·(|size·(q − zero)| + |low|) + |bias| + |residual|) + 6·(k + 9)·(1 + |scale|)·TINY) + ULP·|y|",
  bounds: (inputs, problem, expected) =>
    bounds(inputs, problem, expected, {
      of: (q, { size, zero, low }) => Math.abs(size * (q - zero)) + Math.abs(low),
      roundings: 5,
    }),
}
