import type { Tolerance } from "../../define-kernel.ts"
import type { Step } from "../../packed/block.ts"
import { unpack } from "../../packed/packed-tensor.ts"
import { boundsOfTaps, reference as convolved, tapsOf } from "../conv2d/reference.ts"
import type { PackedConv2dProblem } from "./packed-conv2d.ts"

type Inputs = readonly (ArrayLike<number> | undefined)[]

/** What `value` makes of the weights: unless given the weights themselves. */
function weightsOf(words: ArrayLike<number>, problem: PackedConv2dProblem, value?: (q: number, step: Step) => number) {
  const shape = [problem.outs, tapsOf(problem)] as const
  return unpack({ format: problem.format, shape, words: words as Uint32Array<ArrayBuffer> }, value)
}

export function reference(inputs: Inputs, problem: PackedConv2dProblem): Float64Array {
  return convolved(inputs.with(1, weightsOf(inputs[1]!, problem)), problem)
}

/** As conv2d's, a weight being off by five roundings: of its group's size or low, of q − zero, of their product, and of the difference. */
export const sumOfPackedTaps: Tolerance<PackedConv2dProblem> = {
  formula: "f(γ(taps + 7)·(|x|∗(|size·(q − zero)| + |low|) + |bias| + |residual|) + 6·(taps + 7)·TINY) + ULP·|y|",
  bounds(inputs, problem, expected) {
    const words = inputs[1]!
    const parts = weightsOf(words, problem, (q, { size, zero, low }) => Math.abs(size * (q - zero)) + Math.abs(low))
    return boundsOfTaps(inputs.with(1, weightsOf(words, problem)), problem, expected, parts, 5)
  },
}
